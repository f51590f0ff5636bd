import { Alert, Button, Group, Text } from '@mantine/core';
import { IconAlertTriangle, IconRefresh } from '@tabler/icons-react';
import { Problem } from '../api.ts';

/** What went wrong, in the API's own words, and a way to try again. */
export function ProblemView({ problem, retry }: { problem: Error; retry?: () => void }) {
  const { title, detail, code } =
    problem instanceof Problem ? problem : { title: 'Something went wrong', detail: problem.message, code: '' };
  return (
    <Alert
      color="red"
      variant="light"
      role="alert"
      data-testid="problem"
      icon={<IconAlertTriangle aria-hidden="true" />}
      title={title}
    >
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
