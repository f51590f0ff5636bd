import { Text } from '@mantine/core';
import type { AuditDecision, Evidence } from '../api.ts';
import { personLink } from '../route.ts';
import { Time } from '../shell/Time.tsx';

interface PatternBarProps {
  userId: string;
  pattern: NonNullable<Evidence['pattern']>;
  decision: AuditDecision;
}

/** The window of a pattern as a bar of time, with the event that triggered it and the one that completes it, if any. */
export function PatternBar({ userId, pattern, decision }: PatternBarProps) {
  const from = Date.parse(pattern.from);
  const to = Date.parse(pattern.to);
  const place = (at: string) => `${Math.min(100, Math.max(0, ((Date.parse(at) - from) / (to - from || 1)) * 100))}%`;
  return (
    <div data-testid="pattern-bar">
      <Text size="sm">
        Within {pattern.within} after <span className="name">{pattern.after}</span>:{' '}
        {pattern.matched ? (
          <>
            <a href={personLink(userId, pattern.matched.event_id)}>found</a> at{' '}
            <Time value={pattern.matched.at} as="full" />
          </>
        ) : (
          'none was known'
        )}
      </Text>
      <div className="pattern" data-matched={pattern.matched !== undefined || undefined} aria-hidden="true">
        {pattern.matched && (
          <span
            className="pattern-mark pattern-earlier"
            style={{ left: place(pattern.matched.at) }}
            title={pattern.after}
          />
        )}
        <span className="pattern-mark" style={{ left: place(decision.event_timestamp) }} title={decision.event_type} />
      </div>
      <div className="pattern-ends">
        <Time value={pattern.from} as="full" />
        <Time value={pattern.to} as="full" />
      </div>
    </div>
  );
}
