import type { Decision, DeliverySummary } from '@tidings/client/types';
import { CHANNELS, getDeliveryLook, getLook, getTextColor, OUTCOMES } from '../shell/outcome.ts';
import { getLookOfDeliveries } from '../shell/outcome-of-deliveries.ts';
import { Tip } from '../shell/Tip.tsx';
import { t, toInner } from '../text/text.ts';

interface DecisionChipProps {
  decision: Decision;
  /** Deliveries of its notification; empty without one. */
  deliveries: readonly DeliverySummary[];
  href: string;
}

/**
 * Compact decision; once it has deliveries, what became of them. Shows the reason on hover, keyboard focus and touch, and
 * links to the event on the user page.
 */
export function DecisionChip({ decision, deliveries, href }: DecisionChipProps) {
  const look = getLookOfDeliveries(deliveries) ?? getLook(OUTCOMES, decision.outcome);
  const lines = [decision.reason, ...deliveries.map(formatDelivery)];
  return (
    <Tip text={lines.join('\n')}>
      <a
        href={href}
        className="chip"
        style={{ ['--chip' as string]: getTextColor(look.color) }}
        data-outcome={decision.outcome}
        data-testid="decision-chip"
        aria-label={`${decision.notification_type} ${look.label}. ${lines.join(' ')}`}
      >
        <look.Icon size={14} />
        <span>{decision.notification_type}</span>
        <span className="chip-word">{look.label}</span>
      </a>
    </Tip>
  );
}

function formatDelivery(delivery: DeliverySummary): string {
  const channel = CHANNELS[delivery.channel]?.label ?? delivery.channel;
  const status = toInner(getDeliveryLook(delivery).label);
  const { reason } = delivery;
  return reason === null
    ? t('{channel} {status}', { channel, status })
    : t('{channel} {status}: {reason}', { channel, status, reason });
}
