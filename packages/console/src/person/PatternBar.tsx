import { Text } from '@mantine/core';
import type { AuditDecision, Evidence } from '../api.ts';
import { personLink } from '../route.ts';
import { duration } from '../shell/duration.ts';
import { Time } from '../shell/Time.tsx';

interface PatternBarProps {
  userId: string;
  pattern: NonNullable<Evidence['pattern']>;
  decision: AuditDecision;
}

/** The window of a pattern as a bar of time. It ends at the event that triggers; the earlier one stands where it fell. */
export function PatternBar({ userId, pattern, decision }: PatternBarProps) {
  const { after, within, from, to, matched } = pattern;
  const share = matched && (Date.parse(matched.at) - Date.parse(from)) / (Date.parse(to) - Date.parse(from) || 1);
  return (
    <div data-testid="pattern-bar">
      {matched ? (
        <Found userId={userId} after={after} to={to} matched={matched} decision={decision} />
      ) : (
        <Text size="sm">
          No <span className="name">{after}</span> was known in the {within} before it
        </Text>
      )}
      <div className="pattern" data-matched={matched !== undefined || undefined} aria-hidden="true">
        {share !== undefined && (
          <span
            className="pattern-mark pattern-earlier"
            style={{ left: `${Math.min(100, Math.max(0, share * 100))}%` }}
            title={after}
          />
        )}
        <span className="pattern-mark" style={{ left: '100%' }} />
      </div>
      <div className="pattern-ends">
        <Time value={from} as="full" />
        <span>{within}</span>
        <Time value={to} as="full" />
      </div>
    </div>
  );
}

interface FoundProps {
  userId: string;
  after: string;
  to: string;
  matched: { readonly event_id: string; readonly at: string };
  decision: AuditDecision;
}

function Found({ userId, after, to, matched, decision }: FoundProps) {
  // The earlier of the two can be the one that arrived last: then it is the one that was decided on.
  const late = decision.event_id === matched.event_id;
  const [trigger = decision.event_id] = decision.event_ids;
  const length = duration(Date.parse(to) - Date.parse(matched.at));
  const other = (id: string, at: string) => (
    <a href={personLink(userId, id)}>
      <Time value={at} as="full" />
    </a>
  );
  return (
    <Text size="sm">
      {late ? (
        <>
          This <span className="name">{after}</span> arrived late: what comes {length} after it, at {other(trigger, to)}
          , was already here
        </>
      ) : (
        <>
          <span className="name">{after}</span> was {length} earlier, at {other(matched.event_id, matched.at)}
        </>
      )}
    </Text>
  );
}
