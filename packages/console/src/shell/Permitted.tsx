import { Alert, Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Scope } from '../../../../src/model/principal.ts';
import { getSession } from '../api/session.ts';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { IconKey } from './icons.tsx';
import { ProblemView } from './ProblemView.tsx';

/** Shows its content to those who have a scope, and to others that they lack it. */
export function Permitted({ scope, children }: { scope: Scope; children: ReactNode }) {
  const session = useQuery({ queryKey: ['session'], queryFn: getSession });
  if (session.error) return <ProblemView problem={session.error} retry={() => session.refetch()} />;
  if (session.isPending) return <Skeleton height={160} />;
  if (session.data.scopes.includes(scope)) return children;
  return (
    <Alert color="gray" variant="light" data-testid="not-permitted" icon={<IconKey />} title={t('You may not do this')}>
      <Text size="sm">
        <T
          text="It needs {scope}. Ask an owner of the tenant for it."
          values={{ scope: <span className="name">{scope}</span> }}
        />
      </Text>
    </Alert>
  );
}
