import { Button, Group, Text } from '@mantine/core';
import type { ActivityEvent } from '../api.ts';
import { Time } from '../shell/Time.tsx';

/** Says where the list ends, and that it is not all there is. */
export function ActivityEnd({ events, more }: { events: ActivityEvent[]; more: (() => void) | undefined }) {
  const last = events.at(-1);
  return (
    <Group justify="space-between" gap="sm" data-testid="activity-end">
      <Text size="sm" c="dimmed">
        The latest {events.length} events{last && ', back to '}
        {last && <Time value={last.received_at} />}. Earlier ones are on the page of each user.
      </Text>
      {more && (
        <Button size="xs" variant="default" onClick={more}>
          Show more
        </Button>
      )}
    </Group>
  );
}
