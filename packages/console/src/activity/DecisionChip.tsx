import type { Decision, DeliverySummary } from '@tidings/client/types';
import { CHANNELS, getDeliveryLook, getHold, getLook, getTextColor, OUTCOMES } from '../shell/outcome.ts';
import { getLookOfDeliveries } from '../shell/outcome-of-deliveries.ts';
import { formatReason, toReasonWords } from '../shell/reason-words.ts';
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
  const lines = [`${formatReason(decision.reason_code)}. ${decision.reason}`, ...deliveries.map(formatDelivery)];
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
  const code = delivery.reason_code ?? getHold(delivery);
  return code === null
    ? t('{channel} {status}', { channel, status })
    : t('{channel} {status}: {reason}', { channel, status, reason: toDetail(code, delivery.reason) });
}

/** Returns a reason in the language of the page, and as the server says it. */
function toDetail(code: string, sentence: string | null): string {
  return sentence === null ? toReasonWords(code) : `${toReasonWords(code)}. ${sentence}`;
}
