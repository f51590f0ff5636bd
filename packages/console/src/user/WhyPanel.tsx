import { Paper, Skeleton, Text, TextInput } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { Catalog } from '@tidings/client/types';
import { useMemo, useState } from 'react';
import { IconSearch } from '../shell/icons.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { t } from '../text/text.ts';
import { useFailures } from './use-failures.ts';
import { WhyRow } from './WhyRow.tsx';

/** Number of types from which on they can be searched. */
const MIN_SEARCHED = 8;

interface WhyPanelProps {
  readonly userId: string;
  readonly catalog: UseQueryResult<Catalog>;
  /** The type that is open, or null. */
  readonly why: string | null;
}

/** Explanations for each notification type of the catalog; those of which a message failed come first. */
export function WhyPanel({ userId, catalog, why }: WhyPanelProps) {
  const [wanted, setWanted] = useState('');
  const { failed, partly } = useFailures(userId);
  const types = catalog.data?.notifications;
  const shown = useMemo(() => {
    const failures = [...(failed?.notifications ?? []), ...(partly?.notifications ?? [])];
    const ofFailed = new Set(failures.map((one) => one.notification_type));
    const part = wanted.trim().toLowerCase();
    const found = (types ?? []).filter(({ name }) => name.toLowerCase().includes(part));
    return [...found.filter(({ name }) => ofFailed.has(name)), ...found.filter(({ name }) => !ofFailed.has(name))];
  }, [types, failed, partly, wanted]);
  return (
    <Paper withBorder component="section" className="why" aria-label={t('Explanations')} data-testid="why">
      <div className="why-head">
        <h2 className="side-title">{t('All notification types')}</h2>
        {(types?.length ?? 0) >= MIN_SEARCHED && (
          <TextInput
            size="xs"
            aria-label={t('Find a type')}
            placeholder={t('Find a type')}
            leftSection={<IconSearch size={14} />}
            value={wanted}
            onChange={(event) => setWanted(event.currentTarget.value)}
            data-testid="why-search"
          />
        )}
      </div>
      {catalog.error && <ProblemView problem={catalog.error} retry={() => catalog.refetch()} />}
      {catalog.isPending && <Skeleton height={120} m="md" />}
      {types !== undefined && shown.length === 0 && (
        <Text size="sm" c="dimmed" p="md">
          {types.length === 0 ? t('The catalog has no notification type.') : t('No type has that in its name.')}
        </Text>
      )}
      {catalog.data &&
        shown.map((type) => (
          <WhyRow key={type.name} userId={userId} type={type} rules={catalog.data.rules} isOpen={why === type.name} />
        ))}
    </Paper>
  );
}
