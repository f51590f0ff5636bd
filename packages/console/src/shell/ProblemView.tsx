import { Alert, Button, Group, Text } from '@mantine/core';
import { Problem } from '../api.ts';
import { IconAlert, IconRefresh } from './icons.tsx';

/** Problem as described by the API, with a retry button if `retry` is given. */
export function ProblemView({ problem, retry }: { problem: Error; retry?: () => void }) {
  const { title, detail, code } =
    problem instanceof Problem ? problem : { title: 'Something went wrong', detail: problem.message, code: '' };
  return (
    <Alert color="red" variant="light" role="alert" data-testid="problem" icon={<IconAlert />} title={title}>
      <Text size="sm">{detail}</Text>
      <Group mt="sm" gap="sm">
        {retry && (
          <Button size="xs" color="red" variant="light" leftSection={<IconRefresh size={14} />} onClick={retry}>
            Retry
          </Button>
        )}
        {code !== '' && (
          <Text size="xs" c="dimmed" ff="monospace">
            {code}
          </Text>
        )}
      </Group>
    </Alert>
  );
}
