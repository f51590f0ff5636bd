import { Alert, Button, Group, Text } from '@mantine/core';
import { Problem } from '../api.ts';
import { IconAlert, IconRefresh } from './icons.tsx';

/** A problem in the words of the API, with a button to retry. */
export function ProblemView({ problem, retry }: { problem: Error; retry?: () => void }) {
  const { title, detail, code } =
    problem instanceof Problem ? problem : { title: 'Something went wrong', detail: problem.message, code: '' };
  return (
    <Alert color="red" variant="light" role="alert" data-testid="problem" icon={<IconAlert />} title={title}>
      <Text size="sm">{detail}</Text>
      <Group mt="sm" gap="sm">
        {retry && (
          <Button size="xs" color="red" variant="light" leftSection={<IconRefresh size={14} />} onClick={retry}>
            Try again
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
