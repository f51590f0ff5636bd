import { Group, Text } from '@mantine/core';
import type { Notification } from '@tidings/client/types';
import type { AuditDecision } from '../api/types.ts';
import { Disclosure } from '../shell/Disclosure.tsx';
import { getLook, OUTCOMES } from '../shell/outcome.ts';
import { Reason } from '../shell/Reason.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { t } from '../text/text.ts';
import { DeliveryLine } from './DeliveryLine.tsx';
import { EvidenceView } from './EvidenceView.tsx';

interface DecisionLineProps {
  userId: string;
  decision: AuditDecision;
  /** Notification of a decision to send; undefined if it is not loaded or nothing was sent. */
  notification: Notification | undefined;
  /** True if decided when a wait ended, not when the event arrived. */
  later: boolean;
}

/** Decision: outcome, reason, expandable evidence, and its deliveries. */
export function DecisionLine({ userId, decision, notification, later }: DecisionLineProps) {
  const look = getLook(OUTCOMES, decision.outcome);
  return (
    <div
      className="decision"
      data-testid="decision"
      data-outcome={decision.outcome}
      style={{ ['--accent' as string]: `var(--mantine-color-${look.color}-5)` }}
    >
      <Group gap="xs">
        <StatusBadge look={look} testId="outcome-badge" />
        <span className="name">{decision.notification_type}</span>
        {later && (
          <Text component="span" size="sm" c="dimmed">
            <Time value={decision.decided_at} as="full" />
          </Text>
        )}
      </Group>
      <Reason code={decision.reason_code} sentence={decision.reason} testId="reason" />
      <Disclosure label={t('Evidence')} testId="evidence-button">
        <EvidenceView userId={userId} decision={decision} />
      </Disclosure>
      {notification && (
        <div className="notification" data-testid="notification">
          {notification.deliveries.map((delivery) => (
            <DeliveryLine key={delivery.delivery_id} delivery={delivery} />
          ))}
        </div>
      )}
    </div>
  );
}
