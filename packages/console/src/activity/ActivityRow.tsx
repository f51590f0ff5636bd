import { Text } from '@mantine/core';
import type { ActivityEvent } from '@tidings/client/types';
import { memo } from 'react';
import { linkToUser } from '../route.ts';
import { Time } from '../shell/Time.tsx';
import { t } from '../text/text.ts';
import { DecisionChip } from './DecisionChip.tsx';

/** One event on one line: arrival time, user, event type, and a chip per decision. */
export const ActivityRow = memo(({ event }: { event: ActivityEvent }) => {
  const href = linkToUser(event.user_id, event.event_id);
  return (
    <li className="row activity-row" data-testid="activity-row" data-event-id={event.event_id}>
      <Text component="span" size="sm" c="dimmed">
        <Time value={event.received_at} />
      </Text>
      <a className="user-link" href={linkToUser(event.user_id)} title={event.user_id}>
        {event.user_id}
      </a>
      <a className="event-link" href={href} title={event.event_type}>
        {event.event_type}
      </a>
      <span className="chips">
        {event.decisions.map((decision) => (
          <DecisionChip
            key={decision.decision_id}
            decision={decision}
            deliveries={event.deliveries.filter(({ notification_id: id }) => id === decision.notification_id)}
            href={href}
          />
        ))}
        {event.decisions.length === 0 && (
          <Text component="span" size="sm" c="dimmed">
            {t('No rule triggers on this event')}
          </Text>
        )}
      </span>
    </li>
  );
});
