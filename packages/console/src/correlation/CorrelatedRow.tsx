import { Group, Text } from '@mantine/core';
import type { CorrelatedEntry } from '@tidings/client/types';
import { linkToNotification, linkToUser } from '../route.ts';
import { getDeliveryLook, getLook, OUTCOMES } from '../shell/outcome.ts';
import { Reason } from '../shell/Reason.tsx';
import { ChannelName, StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';

/** An event with its decisions, or a notification with its deliveries. */
export function CorrelatedRow({ entry }: { entry: CorrelatedEntry }) {
  return (
    <li className="rejected-row" data-row data-testid="correlated-row" data-kind={entry.kind}>
      <Group gap="sm">
        <Text component="span" size="sm" c="dimmed">
          <Time value={entry.at} />
        </Text>
        <a className="user-link" href={linkToUser(entry.user_id)} title={entry.user_id}>
          {entry.user_id}
        </a>
        {entry.kind === 'event' ? (
          <a className="event-link" href={linkToUser(entry.user_id, entry.event.event_id)}>
            {entry.event.event_type}
          </a>
        ) : (
          <a className="name" href={linkToNotification(entry.notification.notification_id)}>
            {entry.notification.notification_type}
          </a>
        )}
      </Group>
      {entry.kind === 'event' ? (
        entry.decisions.map((decision) => (
          <div key={decision.decision_id}>
            <Group gap="xs" mt={4}>
              <StatusBadge look={getLook(OUTCOMES, decision.outcome)} />
              <span className="name">{decision.notification_type}</span>
            </Group>
            <Reason code={decision.reason_code} sentence={decision.reason} />
          </div>
        ))
      ) : (
        <Group gap="sm" mt={4}>
          {entry.notification.deliveries.map((delivery) => (
            <Group key={delivery.delivery_id} gap="xs">
              <ChannelName channel={delivery.channel} />
              <StatusBadge look={getDeliveryLook(delivery)} />
            </Group>
          ))}
        </Group>
      )}
    </li>
  );
}
