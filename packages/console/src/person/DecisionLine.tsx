import { Group, Text } from '@mantine/core';
import type { AuditDecision, Notification } from '../api.ts';
import { Disclosure } from '../shell/Disclosure.tsx';
import { LookBadge } from '../shell/LookBadge.tsx';
import { lookOf, OUTCOMES } from '../shell/outcome.ts';
import { Time } from '../shell/Time.tsx';
import { EvidenceView } from './EvidenceView.tsx';
import { NotificationLines } from './NotificationLines.tsx';

interface DecisionLineProps {
  userId: string;
  decision: AuditDecision;
  notifications: Notification[];
  /** Decided when a wait ended, not when the event arrived. */
  later: boolean;
}

/** A decision as it would be told: the verdict, the sentence, on demand the evidence, and what was sent because of it. */
export function DecisionLine({ userId, decision, notifications, later }: DecisionLineProps) {
  const look = lookOf(OUTCOMES, decision.outcome);
  return (
    <div
      className="decision"
      data-testid="decision"
      data-outcome={decision.outcome}
      style={{ ['--accent' as string]: `var(--mantine-color-${look.color}-5)` }}
    >
      <Group gap="xs">
        <LookBadge look={look} testId="outcome-badge" />
        <span className="name">{decision.notification_type}</span>
        {later && (
          <Text component="span" size="sm" c="dimmed">
            <Time value={decision.decided_at} as="full" />
          </Text>
        )}
      </Group>
      <Text size="sm" mt={4} data-testid="reason">
        {decision.reason}
      </Text>
      <Disclosure label="Evidence" testId="evidence-button">
        <EvidenceView userId={userId} decision={decision} />
      </Disclosure>
      {notifications.length > 0 && <NotificationLines notifications={notifications} />}
    </div>
  );
}
