import { Button, Group, Text } from '@mantine/core';
import type { ActivityEvent } from '@tidings/client/types';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';

/** Footer of the activity list: its start time, and a button that loads more. `more` undefined: the limit is reached. */
export function ActivityEnd({ events, more }: { events: ActivityEvent[]; more: (() => void) | undefined }) {
  const last = events.at(-1);
  return (
    <Group justify="space-between" gap="sm" data-testid="activity-end">
      <Text size="sm" c="dimmed">
        {last && (
          <T
            text="The latest {count, number} events, back to {time}. For earlier events, open the page of a user."
            values={{ count: events.length, time: <Time value={last.received_at} /> }}
          />
        )}
      </Text>
      {more && (
        <Button size="xs" variant="default" onClick={more}>
          {t('Load more')}
        </Button>
      )}
    </Group>
  );
}
