import { Code, Text } from '@mantine/core';
import { Fragment, type ReactNode } from 'react';
import type { AuditDecision, Evidence } from '../api.ts';
import { duration } from '../shell/duration.ts';
import { valueText } from '../shell/Fields.tsx';
import { Time } from '../shell/Time.tsx';
import { LimitUses } from './LimitUses.tsx';
import { PatternBar } from './PatternBar.tsx';

/** What was seen when it was decided, drawn: the condition with its values, the window, the limits. */
export function EvidenceView({ userId, decision }: { userId: string; decision: AuditDecision }) {
  const { condition, pattern, limits, expired } = decision.evidence;
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
        <Text component="span" size="sm" fw={600} className="verdict" data-result={result}>
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
        <Text size="sm" className="verdict" data-result="error">
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
