import { Button, Group, Text } from '@mantine/core';
import type { ActivityEvent } from '@tidings/client/types';
import { Time } from '../shell/Time.tsx';

/** Footer of the activity list: its start time, and a button that loads more. `more` undefined: the limit is reached. */
export function ActivityEnd({ events, more }: { events: ActivityEvent[]; more: (() => void) | undefined }) {
  const last = events.at(-1);
  return (
    <Group justify="space-between" gap="sm" data-testid="activity-end">
      <Text size="sm" c="dimmed">
        The latest {events.length} events{last && ', back to '}
        {last && <Time value={last.received_at} />}. For earlier events, open the page of a user.
      </Text>
      {more && (
        <Button size="xs" variant="default" onClick={more}>
          Load more
        </Button>
      )}
    </Group>
  );
}
