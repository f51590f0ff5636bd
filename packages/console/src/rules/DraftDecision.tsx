import { Group, Text } from '@mantine/core';
import type { Decision, TriedEvent } from '@tidings/client/types';
import type { AuditDecision } from '../api/types.ts';
import { Disclosure } from '../shell/Disclosure.tsx';
import { getLook, OUTCOMES } from '../shell/outcome.ts';
import { Reason } from '../shell/Reason.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { t } from '../text/text.ts';
import { EvidenceView } from '../user/EvidenceView.tsx';

/** A decision that a draft made, or that was made about the same event. */
export type TriedDecision = Omit<Decision, 'decision_id' | 'notification_id' | 'notification_type'> &
  Partial<Pick<Decision, 'notification_type'>>;

interface DraftDecisionProps {
  readonly userId: string;
  readonly decision: TriedDecision;
  readonly at: string;
  /** The event that it is about; absent: it is not known. */
  readonly event?: Pick<TriedEvent, 'event_id' | 'event_type' | 'event_timestamp'>;
}

/** A decision with its reason and its evidence. */
export function DraftDecision({ userId, decision, at, event }: DraftDecisionProps) {
  const { outcome, reason_code: code, reason, rule, notification_type: type = rule } = decision;
  // Version 0: not shown. It is the empty catalog, which decides nothing.
  const shown: AuditDecision = {
    ...decision,
    notification_type: type,
    decision_id: '',
    notification_id: null,
    event_id: event?.event_id ?? decision.event_ids[0] ?? '',
    event_type: event?.event_type ?? '',
    event_timestamp: event?.event_timestamp ?? at,
    decided_at: at,
    catalog_version: 0,
  };
  return (
    <div className="decision" data-testid="tried-decision" data-outcome={outcome}>
      <Group gap="xs">
        <StatusBadge look={getLook(OUTCOMES, outcome)} testId="outcome-badge" />
        <span className="name">{type}</span>
        <Text component="span" size="xs" c="dimmed">
          <Time value={at} as="full" />
        </Text>
      </Group>
      <Reason code={code} sentence={reason} />
      <Disclosure label={t('Evidence')} testId="evidence-button">
        <EvidenceView userId={userId} decision={shown} />
      </Disclosure>
    </div>
  );
}
