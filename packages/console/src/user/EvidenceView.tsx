import { Code, Text } from '@mantine/core';
import type { Evidence } from '@tidings/client/types';
import { Fragment, type ReactNode } from 'react';
import type { AuditDecision } from '../api/types.ts';
import { formatDuration } from '../shell/duration.ts';
import { formatValue } from '../shell/Fields.tsx';
import { List } from '../shell/rule-parts.tsx';
import { Time } from '../shell/Time.tsx';
import { VerdictLine } from '../shell/VerdictLine.tsx';
import { LimitUses } from './LimitUses.tsx';
import { PatternBar } from './PatternBar.tsx';
import { WaitEvidence } from './WaitEvidence.tsx';

/** Names of facts that a bound left out. */
const LEFT_OUT = {
  events: 'events',
  contents: 'contents of large events',
  decisions: 'earlier decisions',
  waits: 'waits',
};

/** Origins of the content of a notification that was asked for directly. */
const CONTENT = {
  template: 'with the template of its type',
  request: 'with content of its own',
  provider_template: 'with a template that the provider keeps',
};

/** The evidence of a decision: the condition with its values, the window, the wait, the limits. */
export function EvidenceView({ userId, decision }: { userId: string; decision: AuditDecision }) {
  const { key, masked, left_out, change, condition, pattern, count, wait, digest, limits, expired, split, branch } =
    decision.evidence;
  const { direct, plan } = decision.evidence;
  return (
    <div className="evidence" data-testid="evidence">
      {direct && (
        <Line title="Direct">
          Request <span className="name">{direct.request_id}</span> asked for it, {CONTENT[direct.content]}
          {direct.scheduled && (
            <>
              , for <Time value={direct.scheduled.at} as="full" />
              {direct.scheduled.local !== undefined && ` (${direct.scheduled.local} in ${direct.scheduled.zone})`}
            </>
          )}
        </Line>
      )}
      {key !== undefined && <Line title="Key">{key}</Line>}
      {masked && <Line title="Masked">The originals of this data could not be opened, so the rule saw masks.</Line>}
      {left_out?.map(({ facts, event_type, examined, bound }) => (
        <Line key={`${facts} ${event_type}`} title="Left out">
          Only {examined.toLocaleString('en')} {LEFT_OUT[facts]}
          {event_type !== undefined && ` of ${event_type}`} were examined: at most {bound}.
        </Line>
      ))}
      {change && (
        <Line title="Change">
          <span className="name">{change.trait}</span> changed from {JSON.stringify(change.from)} to{' '}
          {JSON.stringify(change.to)}
        </Line>
      )}
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
      {count && (
        <Line title="Count">
          {count.counted} of <List items={count.of} word="or" /> counted, {count.needed} needed · {count.window}
        </Line>
      )}
      {wait && (
        <Part title="Wait">
          <WaitEvidence userId={userId} wait={wait} />
        </Part>
      )}
      {digest && (
        <Line title="Digest">
          {digest.total} collected
          {digest.kept < digest.total && `, of which the message has the latest ${digest.kept}`}
        </Line>
      )}
      {limits?.map((limit) => (
        <Part key={limit.limit} title="Limit">
          <LimitUses userId={userId} limit={limit} />
        </Part>
      ))}
      {plan && (
        <Part title="Channels">
          {plan.map((verdict) => (
            <VerdictLine key={`${verdict.channel} ${verdict.code}`} verdict={verdict} />
          ))}
        </Part>
      )}
      {expired && (
        <Line title="Too late">
          Decided {formatDuration(expired.late_by_ms)} after it {wait ? 'was due' : 'happened'}; the rule sends only
          within {formatDuration(expired.expires_ms)}.
        </Line>
      )}
      {split && (
        <Line title="Split">
          {split.variant}, {split.share}% of the users
        </Line>
      )}
      {branch !== undefined && <Line title="Choice">branch {branch} of the rule</Line>}
      <Text size="xs" c="dimmed" className="break">
        {direct ? 'Built-in rule' : 'Rule'} <span className="name">{decision.rule}</span>
        {decision.catalog_version > 0 && ` of catalog version ${decision.catalog_version}`} · decided{' '}
        <Time value={decision.decided_at} as="full" />
      </Text>
    </div>
  );
}

const RESULT_LABELS = {
  true: 'true',
  false: 'false',
  field_missing: 'a field is missing',
  error: 'could not be evaluated',
};

function Condition({ condition }: { condition: NonNullable<Evidence['condition']> }) {
  const result = String(condition.result) as keyof typeof RESULT_LABELS;
  return (
    <>
      <div className="condition">
        <Code>{condition.expression}</Code>
        <Text component="span" size="sm" fw={600} className="verdict" data-result={result}>
          {RESULT_LABELS[result] ?? result}
        </Text>
      </div>
      <dl className="fields">
        {Object.entries(condition.values).map(([name, value]) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd>{formatValue(value)}</dd>
          </Fragment>
        ))}
        {condition.missing?.map((name) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd className="missing">missing</dd>
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

function Line({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Part title={title}>
      <Text size="sm" className="break">
        {children}
      </Text>
    </Part>
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
