import { Code, Text } from '@mantine/core';
import type { Evidence } from '@tidings/client/types';
import { Fragment, type ReactNode } from 'react';
import type { AuditDecision } from '../api/types.ts';
import { formatDuration } from '../shell/duration.ts';
import { formatValue } from '../shell/Fields.tsx';
import { List } from '../shell/rule-parts.tsx';
import { Time } from '../shell/Time.tsx';
import { VerdictLine } from '../shell/VerdictLine.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { LimitUses } from './LimitUses.tsx';
import { PatternBar } from './PatternBar.tsx';
import { WaitEvidence } from './WaitEvidence.tsx';

/** The evidence of a decision: the condition with its values, the window, the wait, the limits. */
export function EvidenceView({ userId, decision }: { userId: string; decision: AuditDecision }) {
  const { key, masked, left_out, change, condition, pattern, count, wait, digest, limits, expired, split, branch } =
    decision.evidence;
  const { direct, plan } = decision.evidence;
  return (
    <div className="evidence" data-testid="evidence">
      {direct && (
        <Line title={t('Direct')}>
          <Direct direct={direct} />
        </Line>
      )}
      {key !== undefined && <Line title={t('Key')}>{key}</Line>}
      {masked && (
        <Line title={t('Masked')}>{t('The originals of this data could not be opened, so the rule saw masks.')}</Line>
      )}
      {left_out?.map(({ facts, event_type, examined, bound }) => (
        <Line key={`${facts} ${event_type}`} title={t('Left out')}>
          {t(
            'Only {examined, number} {facts, select, events {events} contents {contents of large events} decisions {earlier decisions} waits {waits} other {{facts}}}{hasType, select, true { of {type}} other {}} were examined: at most {bound}.',
            { examined, facts, hasType: event_type !== undefined, type: event_type, bound },
          )}
        </Line>
      ))}
      {change && (
        <Line title={t('What changed')}>
          <T
            text="{trait} changed from {from} to {to}"
            values={{
              trait: <span className="name">{change.trait}</span>,
              from: JSON.stringify(change.from),
              to: JSON.stringify(change.to),
            }}
          />
        </Line>
      )}
      {condition && (
        <Part title={t('Condition')}>
          <Condition condition={condition} />
        </Part>
      )}
      {pattern && (
        <Part title={t('Order of events')}>
          <PatternBar userId={userId} pattern={pattern} decision={decision} />
        </Part>
      )}
      {count && (
        <Line title={t('Count')}>
          <T
            text="{counted} of {events} counted, {needed} needed"
            values={{ ...count, events: <List items={count.of} word="or" /> }}
          />
          {` · ${count.window}`}
        </Line>
      )}
      {wait && (
        <Part title={t('Wait')}>
          <WaitEvidence userId={userId} wait={wait} />
        </Part>
      )}
      {digest && (
        <Line title={t('Digest')}>
          {digest.kept < digest.total
            ? t('{total, number} collected, of which the message has the latest {kept, number}', digest)
            : t('{total, number} collected', digest)}
        </Line>
      )}
      {limits?.map((limit) => (
        <Part key={limit.limit} title={t('Limit')}>
          <LimitUses userId={userId} limit={limit} />
        </Part>
      ))}
      {plan && (
        <Part title={t('Channels')}>
          {plan.map((verdict) => (
            <VerdictLine key={`${verdict.channel} ${verdict.code}`} verdict={verdict} />
          ))}
        </Part>
      )}
      {expired && (
        <Line title={t('Too late')}>
          {t(
            'Decided {late} after it {isWait, select, true {was due} other {happened}}; the rule sends only within {bound}.',
            {
              late: formatDuration(expired.late_by_ms),
              isWait: wait !== undefined,
              bound: formatDuration(expired.expires_ms),
            },
          )}
        </Line>
      )}
      {split && <Line title={t('Split')}>{t('{variant}, {share}% of the users', split)}</Line>}
      {branch !== undefined && <Line title={t('Choice')}>{t('branch {branch} of the rule', { branch })}</Line>}
      <Text size="xs" c="dimmed" className="break">
        <T
          text={
            decision.catalog_version === 0
              ? 'Rule {rule}'
              : direct
                ? 'Built-in rule {rule} of catalog version {version}'
                : 'Rule {rule} of catalog version {version}'
          }
          values={{ rule: <span className="name">{decision.rule}</span>, version: decision.catalog_version }}
        />
        {' · '}
        <T text="decided {time}" values={{ time: <Time value={decision.decided_at} as="full" /> }} />
      </Text>
    </div>
  );
}

/** The request of a notification that was asked for directly: its content, and the time for which it was scheduled. */
function Direct({ direct: { request_id, content, scheduled } }: { direct: NonNullable<Evidence['direct']> }) {
  return (
    <T
      text="Request {id} asked for it, {content, select, template {with the template of its type} provider_template {with a template that the provider keeps} other {with content of its own}}{isScheduled, select, true {, for {time}} other {}}{isLocal, select, true { ({local} in {zone})} other {}}"
      values={{
        id: <span className="name">{request_id}</span>,
        content,
        isScheduled: scheduled !== undefined,
        time: scheduled && <Time value={scheduled.at} as="full" />,
        isLocal: scheduled?.local !== undefined,
        local: scheduled?.local,
        zone: scheduled?.zone,
      }}
    />
  );
}

const RESULT_LABELS = {
  true: 'true',
  false: 'false',
  field_missing: t('a field is missing'),
  error: t('could not be evaluated'),
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
            <dd className="missing">{t('missing')}</dd>
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
