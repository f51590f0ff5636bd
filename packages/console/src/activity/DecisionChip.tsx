import { Tooltip } from '@mantine/core';
import type { Decision } from '../api.ts';
import { getLook, getTextColor, OUTCOMES } from '../shell/outcome.ts';

/** Compact decision. Shows the reason on hover, keyboard focus and touch, and links to the event on the user page. */
export function DecisionChip({ decision, href }: { decision: Decision; href: string }) {
  const look = getLook(OUTCOMES, decision.outcome);
  return (
    <Tooltip label={decision.reason} multiline maw={380} withArrow events={{ hover: true, focus: true, touch: true }}>
      <a
        href={href}
        className="chip"
        style={{ ['--chip' as string]: getTextColor(look.color) }}
        data-outcome={decision.outcome}
        data-testid="decision-chip"
        aria-label={`${decision.notification_type}: ${look.label}. ${decision.reason}`}
      >
        <look.Icon size={14} />
        <span>{decision.notification_type}</span>
        <span className="chip-word">{look.label}</span>
      </a>
    </Tooltip>
  );
}
