import { Text } from '@mantine/core';
import type { Evidence } from '@tidings/client/types';
import type { AuditDecision } from '../api/types.ts';
import { linkToUser } from '../route.ts';
import { formatDuration } from '../shell/duration.ts';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';

interface PatternBarProps {
  userId: string;
  pattern: NonNullable<Evidence['pattern']>;
  decision: AuditDecision;
}

/** Time bar of a pattern window. It ends at the trigger event; each earlier event has a mark at its time. */
export function PatternBar({ userId, pattern, decision }: PatternBarProps) {
  const { after, within, from, to, matched, steps } = pattern;
  const earlier = steps ?? (matched ? [{ ...matched, event: after }] : []);
  return (
    <div data-testid="pattern-bar">
      {steps && <Steps userId={userId} steps={steps} />}
      {!steps && matched && (
        <MatchedEvent userId={userId} after={after} to={to} matched={matched} decision={decision} />
      )}
      {earlier.length === 0 && (
        <Text size="sm">
          <T
            text="No {event} was found in the {within} before it"
            values={{ event: <span className="name">{after}</span>, within }}
          />
        </Text>
      )}
      <div className="pattern" data-matched={earlier.length > 0 || undefined} aria-hidden="true">
        {earlier.map(({ event, event_id: id, at }) => (
          <span
            key={id}
            className="pattern-mark pattern-earlier"
            style={{ left: `${toPercent(at, from, to)}%` }}
            title={event}
          />
        ))}
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

/** Returns the position of a time between `from` and `to` in percent, clamped to 0 to 100. */
function toPercent(at: string, from: string, to: string): number {
  const share = (Date.parse(at) - Date.parse(from)) / (Date.parse(to) - Date.parse(from) || 1);
  return Math.min(100, Math.max(0, share * 100));
}

interface StepsProps {
  userId: string;
  steps: NonNullable<NonNullable<Evidence['pattern']>['steps']>;
}

function Steps({ userId, steps }: StepsProps) {
  return steps.map(({ event, event_id: id, at }, index) => (
    <Text key={id} size="sm" data-testid="pattern-step">
      <T
        text={index > 0 ? 'then {event} of {time}' : '{event} of {time}'}
        values={{ event: <span className="name">{event}</span>, time: <EventLink userId={userId} id={id} at={at} /> }}
      />
    </Text>
  ));
}

function EventLink({ userId, id, at }: { userId: string; id: string; at: string }) {
  return (
    <a href={linkToUser(userId, id)}>
      <Time value={at} as="full" />
    </a>
  );
}

interface MatchedEventProps {
  userId: string;
  after: string;
  to: string;
  matched: { readonly event_id: string; readonly at: string };
  decision: AuditDecision;
}

function MatchedEvent({ userId, after, to, matched, decision }: MatchedEventProps) {
  // If the earlier event arrived last, the decision belongs to it and not to the trigger event.
  const late = decision.event_id === matched.event_id;
  const [trigger = decision.event_id] = decision.event_ids;
  const length = formatDuration(Date.parse(to) - Date.parse(matched.at));
  const event = <span className="name">{after}</span>;
  return (
    <Text size="sm">
      {late ? (
        <T
          text="This {event} arrived late: the event {length} after it, at {time}, was received first"
          values={{ event, length, time: <EventLink userId={userId} id={trigger} at={to} /> }}
        />
      ) : (
        <T
          text="{event} was {length} earlier, at {time}"
          values={{ event, length, time: <EventLink userId={userId} id={matched.event_id} at={matched.at} /> }}
        />
      )}
    </Text>
  );
}
