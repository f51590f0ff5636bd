import { Alert, Button, Group, Text } from '@mantine/core';
import { lazy, type ReactNode, Suspense } from 'react';
import { Problem } from '../api/call.ts';
import { t } from '../text/text.ts';
import { IconAlert, IconKey, IconRefresh } from './icons.tsx';

/** Without it the problem is shown all the same. */
const OtherTenants = lazy(() =>
  import('./OtherTenants.tsx').then(
    (file) => ({ default: file.OtherTenants }),
    () => ({ default: () => null }),
  ),
);

interface ProblemViewProps {
  readonly problem: Error;
  readonly retry?: () => void;
  /** More buttons. */
  readonly children?: ReactNode;
}

/** Problem as described by the API, with a retry button if `retry` is given. */
export function ProblemView({ problem, retry, children }: ProblemViewProps) {
  const { title, detail, code, parts } =
    problem instanceof Problem
      ? problem
      : { title: t('Something went wrong'), detail: problem.message, code: '', parts: [] };
  // The API says problems in English; those without a status are of this page.
  const lang = problem instanceof Problem && problem.status > 0 ? 'en' : undefined;
  if (problem instanceof Problem && problem.status === 403) return <NotPermitted problem={problem} />;
  return (
    <Alert
      color="red"
      variant="light"
      role="alert"
      data-testid="problem"
      icon={<IconAlert />}
      title={<span lang={lang}>{title}</span>}
    >
      <Text size="sm" lang={lang}>
        {detail}
      </Text>
      {parts.length > 1 && (
        <ul className="job-groups">
          {parts.map(({ pointer, message }) => (
            <li key={`${pointer} ${message}`}>
              <Text size="sm" className="break" lang={lang}>
                {message}
              </Text>
            </li>
          ))}
        </ul>
      )}
      {problem instanceof Problem && problem.status === 404 && (
        <Suspense fallback={null}>
          <OtherTenants />
        </Suspense>
      )}
      <Group mt="sm" gap="sm">
        {retry && (
          <Button size="xs" color="red" variant="light" leftSection={<IconRefresh size={14} />} onClick={retry}>
            {t('Retry')}
          </Button>
        )}
        {children}
        {code !== '' && (
          <Text size="xs" c="dimmed" ff="monospace">
            {code}
          </Text>
        )}
      </Group>
    </Alert>
  );
}

/** Notice that this member or key may not see, or do, something: trying again does not help. */
function NotPermitted({ problem: { detail, code, isOfCommand } }: { problem: Problem }) {
  return (
    <Alert
      color="gray"
      variant="light"
      data-testid="not-permitted"
      icon={<IconKey />}
      title={isOfCommand ? t('You may not do this') : t('You may not see this')}
    >
      <Text size="sm">
        <span lang="en">{detail}</span> {t('Ask an owner of the tenant for it.')}
      </Text>
      <Text size="xs" c="dimmed" ff="monospace" mt="sm">
        {code}
      </Text>
    </Alert>
  );
}
