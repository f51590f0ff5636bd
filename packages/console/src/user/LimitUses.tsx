import { Group, Progress, Text } from '@mantine/core';
import type { Evidence } from '@tidings/client/types';
import { linkToUser } from '../route.ts';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';

/** A larger limit is shown as a bar instead of boxes. */
const MAX_BOXES = 12;

/** State of a limit: counted and allowed uses, and each use with its time. */
export function LimitUses({ userId, limit }: { userId: string; limit: NonNullable<Evidence['limits']>[number] }) {
  const full = limit.used >= limit.max;
  return (
    <div data-testid="limit">
      <Group gap="sm">
        {limit.max <= MAX_BOXES ? (
          <span className="boxes" aria-hidden="true">
            {Array.from({ length: limit.max }, (_, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the boxes have no other identity than their place
              <span key={index} data-used={index < limit.used || undefined} data-full={full || undefined} />
            ))}
          </span>
        ) : (
          <Progress
            w={120}
            value={(limit.used / limit.max) * 100}
            color={full ? 'orange' : 'teal'}
            aria-hidden="true"
          />
        )}
        <Text size="sm">
          {t('{used, number} of {max, number} used before', { used: limit.used, max: limit.max })}
          <Text component="span" size="sm" c="dimmed">
            {' '}
            · {limit.limit}
            {limit.window !== 'ever' && `, ${limit.window}`}
          </Text>
        </Text>
      </Group>
      {limit.uses.map((use) => (
        <Text key={use.notification_id} size="sm" mt={2}>
          <T
            text="Sent for <link>the event</link> of {time}"
            values={{
              link: (words) => <a href={linkToUser(userId, use.event_id)}>{words}</a>,
              time: <Time value={use.at} as="full" />,
            }}
          />
        </Text>
      ))}
    </div>
  );
}
