import { Code, Text } from '@mantine/core';
import { Fragment, type ReactNode } from 'react';
import type { AuditDecision, Evidence } from '../api.ts';
import { personLink } from '../route.ts';
import { valueText } from '../shell/Fields.tsx';
import { Time } from '../shell/Time.tsx';
import { LimitUses } from './LimitUses.tsx';
import { PatternBar } from './PatternBar.tsx';

/** What was seen when it was decided, drawn: the condition with its values, the window, the limits. */
export function EvidenceView({ userId, decision }: { userId: string; decision: AuditDecision }) {
  const { condition, pattern, limits, expired } = decision.evidence;
  const others = decision.event_ids.filter((id) => id !== decision.event_id);
  return (
    <div className="evidence" data-testid="evidence">
      {condition && (
        <Part title="Condition">
          <Condition condition={condition} />
        </Part>
      )}
      {pattern && (
        <Part title="Order of events">
          <PatternBar userId={userId} pattern={pattern} decision={decision} />
        </Part>
      )}
      {limits?.map((limit) => (
        <Part key={limit.limit} title="Limit">
          <LimitUses userId={userId} limit={limit} />
        </Part>
      ))}
      {expired && (
        <Part title="Too late">
          <Text size="sm">
            Known {duration(expired.late_by_ms)} after it happened; the rule sends only within{' '}
            {duration(expired.expires_ms)}.
          </Text>
        </Part>
      )}
      <Text size="xs" c="dimmed" className="break">
        Rule <span className="name">{decision.rule}</span> of catalog version {decision.catalog_version} · decided{' '}
        <Time value={decision.decided_at} as="full" />
        {others.length > 0 && ' · together with '}
        {others.map((id, index) => (
          <Fragment key={id}>
            {index > 0 && ', '}
            <a href={personLink(userId, id)}>this event</a>
          </Fragment>
        ))}
      </Text>
    </div>
  );
}

const RESULTS = { true: 'true', false: 'false', field_missing: 'a field is missing', error: 'could not be evaluated' };

function Condition({ condition }: { condition: NonNullable<Evidence['condition']> }) {
  const result = String(condition.result) as keyof typeof RESULTS;
  return (
    <>
      <div className="condition">
        <Code>{condition.expression}</Code>
        <Text
          component="span"
          size="sm"
          fw={600}
          c={result === 'true' ? 'teal' : result === 'false' ? 'dimmed' : 'red'}
        >
          {RESULTS[result] ?? result}
        </Text>
      </div>
      <dl className="fields">
        {Object.entries(condition.values).map(([name, value]) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd>{valueText(value)}</dd>
          </Fragment>
        ))}
        {condition.missing?.map((name) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd className="missing">not there</dd>
          </Fragment>
        ))}
      </dl>
      {condition.error && (
        <Text size="sm" c="red">
          {condition.error}
        </Text>
      )}
    </>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="evidence-part">
      <Text className="evidence-title">{title}</Text>
      <div>{children}</div>
    </div>
  );
}

/** 90_000 → "1.5 min". */
function duration(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000],
  ] as const;
  const [unit, size] = units.find(([, length]) => ms >= length) ?? (['ms', 1] as const);
  return `${Math.round((ms / size) * 10) / 10} ${unit}`;
}
