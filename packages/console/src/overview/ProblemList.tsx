import { Alert, List, Text } from '@mantine/core';
import type { CurrentProblems } from '@tidings/client/types';
import type { ReactNode } from 'react';
import { SINK_PROBLEMS } from '../connections/sink-problems.ts';
import { findChannelLabel, formatOverdue } from '../deliveries/overdue-words.ts';
import { ACTION_LABELS } from '../jobs/job-text.ts';
import {
  linkToAnalytics,
  linkToChannels,
  linkToDeadLetters,
  linkToDeliveries,
  linkToJobs,
  linkToRejected,
  linkToReleases,
  linkToVersions,
  linkToWaiting,
  linkToWebhook,
} from '../route.ts';
import { Cause } from '../shell/Cause.tsx';
import { IconAlert } from '../shell/icons.tsx';
import { getTextColor } from '../shell/outcome.ts';
import { findReasonWords } from '../shell/reason-words.ts';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';

type Problem = CurrentProblems['problems'][number];

/** Problems of the present, each with its page. */
export function ProblemList({ problems }: { problems: readonly Problem[] }) {
  return (
    <Alert
      color="red"
      variant="light"
      icon={<IconAlert size={18} />}
      title={t('{count, plural, =1 {One problem} other {# problems}}', { count: problems.length })}
      styles={{ title: { color: getTextColor('red') } }}
      data-testid="problem-strip"
    >
      <List size="sm" spacing={4}>
        {problems.map((problem) => (
          <List.Item key={`${problem.code} ${problem.subject}`} className="break" data-testid="problem-item">
            <ProblemText problem={problem} />
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}

function ProblemText({ problem }: { problem: Problem }) {
  const { since, detail: words, next_at: nextAt } = problem;
  const { toHead, toDetail, action, toLink } = LOOKS[problem.code] ?? OTHER;
  const detail = toDetail ? toDetail(problem) : <Cause words={words} />;
  return (
    <>
      <Text span fw={600} size="sm">
        {toHead(problem)}
      </Text>
      {since !== null && (
        <>
          {' '}
          <T text="since {time}" values={{ time: <Time value={since} as="full" /> }} />
        </>
      )}
      {detail !== null && (
        <>
          {' – '}
          {detail}
        </>
      )}
      {'. '}
      {nextAt !== null && (
        <>
          <T text="Next try {time}." values={{ time: <Time value={nextAt} as="full" /> }} />{' '}
        </>
      )}
      {toLink && (
        <a className="problem-link" href={toLink(problem)}>
          {action}
        </a>
      )}
    </>
  );
}

interface Look {
  /** The problem in the language of the page. */
  readonly toHead: (problem: Problem) => string;
  /** More of it; null: there is no more. Default: `detail` as the API says it, in the language of the page as far as it has a text. */
  readonly toDetail?: (problem: Problem) => ReactNode;
  readonly action: string;
  readonly toLink?: (problem: Problem) => string;
}

const OTHER: Look = { toHead: ({ code }) => t('Problem: {name}', { name: code }), action: '' };

const LOOKS: Record<Problem['code'], Look> = {
  installation: {
    toHead: ({ subject }) =>
      t(
        '{check, select, database {The database needs care} settings {The settings of the database need care} isolation {The isolation of tenants needs care} replica {The replica of the database needs care} clock {The clocks need care} disk {The disk needs care} dumps {The dumps need care} connectors {The connectors need care} other {The installation needs care: {check}}}',
        { check: subject },
      ),
    action: t('See the checks'),
    toLink: () => '/healthz/ready',
  },
  catalog_unreadable: {
    toHead: () => t('The catalog cannot be read, the version before stays active'),
    action: t('See the versions'),
    toLink: linkToVersions,
  },
  catalog_waits: {
    toHead: () => t('A change of the catalog waits for a release to end'),
    toDetail: () => null,
    action: t('See the releases'),
    toLink: linkToReleases,
  },
  circuit_open: {
    toHead: ({ subject }) => t('Nothing is sent by {account}', { account: subject }),
    toDetail: ({ detail, values }) =>
      values.cause === 'retry_after' ? (
        <T text="The provider asked for a pause: {cause}" values={{ cause: <Cause words={detail} /> }} />
      ) : (
        <Cause words={detail} />
      ),
    action: t('See the accounts'),
    toLink: () => linkToChannels('sending'),
  },
  account_failing: {
    toHead: ({ subject }) => t('The account {account} fails', { account: subject }),
    action: t('See the routes'),
    toLink: () => linkToChannels('routes'),
  },
  failed_over: {
    toHead: ({ subject }) => t('The account {account} is failed over', { account: subject }),
    toDetail: ({ values }) => t('its messages go by {other}, until you end that', { other: values.failover_to }),
    action: t('See the accounts'),
    toLink: () => linkToChannels('accounts'),
  },
  overdue: {
    toHead: ({ subject, values: { queue = subject ?? '', channel = null }, ...rest }) =>
      t('{work} overdue', { work: formatOverdue({ ...toCount(rest), queue: `${queue}`, channel: toText(channel) }) }),
    toDetail: () => null,
    action: t('See the queue'),
    toLink: () => linkToDeliveries('queued'),
  },
  waits_set_aside: {
    toHead: (problem) =>
      atLeast(problem, t('{count, plural, one {# wait set aside} other {# waits set aside}}', toCount(problem))),
    toDetail: () => t('they could not be fired, and stay until they are tried again'),
    action: t('See what waits'),
    toLink: () => linkToWaiting(),
  },
  dead_letters: {
    toHead: (problem) =>
      atLeast(problem, t('{count, plural, one {# failed message} other {# failed messages}}', toCount(problem))),
    toDetail: ({ values: { channel, provider, reason, code } }) =>
      [findChannelLabel(`${channel}`), provider, findReasonWords(`${reason}`) ?? reason, code]
        .filter((part) => part !== undefined)
        .join(' · '),
    action: t('See them, and retry'),
    toLink: ({ subject }) => linkToDeadLetters(subject),
  },
  emails_paused: {
    toHead: ({ subject }) =>
      subject === null ? t('Emails are paused') : t('Emails of {type} are paused', { type: subject }),
    action: t('See why, and resume'),
    toLink: () => linkToChannels('sending'),
  },
  rejected_events: {
    toHead: (problem) =>
      atLeast(problem, t('{count, plural, one {# rejected event} other {# rejected events}}', toCount(problem))),
    toDetail: ({ values: { reason, path } }) => (
      <T
        text={path ? 'mostly {code} at {path}' : 'mostly {code}'}
        values={{ code: <span className="name">{reason}</span>, path: <span className="name">{path}</span> }}
      />
    ),
    action: t('Correct them'),
    toLink: () => linkToRejected(),
  },
  source_not_read: {
    toHead: ({ subject }) => t('The source {source} is not read', { source: subject }),
    action: t('See the connections'),
    toLink: () => linkToChannels('connections'),
  },
  source_behind: {
    toHead: (problem) =>
      t('{count, plural, one {# message of the topic {topic} waits} other {# messages of the topic {topic} wait}}', {
        ...toCount(problem),
        topic: problem.values.topic,
      }),
    toDetail: ({ subject }) => t('the source {source} is behind', { source: subject }),
    action: t('See the connections'),
    toLink: () => linkToChannels('connections'),
  },
  webhook_disabled: {
    toHead: ({ values }) => t('The webhook endpoint {name} is disabled', values),
    toDetail: () => t('nothing reached it, and what is due for it waits'),
    action: t('See it, and enable it'),
    toLink: ({ subject }) => linkToWebhook(subject ?? ''),
  },
  webhook_failing: {
    toHead: ({ values }) => t('Nothing reaches the webhook endpoint {name}', values),
    toDetail: (problem) => t('{count, plural, one {# failure} other {# failures in a row}}', toCount(problem)),
    action: t('See it'),
    toLink: ({ subject }) => linkToWebhook(subject ?? ''),
  },
  sink_failing: {
    toHead: ({ subject }) => t('The topic {topic} is not written', { topic: subject }),
    toDetail: (problem) =>
      t('{why}; {count, plural, =0 {no message waits} one {# message waits} other {# messages wait}}', {
        why: toSinkReason(problem),
        ...toCount(problem),
      }),
    action: t('See the connections'),
    toLink: () => linkToChannels('connections'),
  },
  messages_parked: {
    toHead: (problem) =>
      t(
        '{count, plural, one {# message for the topic {topic} is set aside} other {# messages for the topic {topic} are set aside}}',
        { ...toCount(problem), topic: problem.subject },
      ),
    toDetail: () => t('the brokers rejected what is set aside'),
    action: t('See them, and retry'),
    toLink: () => linkToChannels('connections'),
  },
  release_failed: {
    toHead: ({ values }) => t('The release of version {version, number} failed', values),
    action: t('See the releases'),
    toLink: linkToReleases,
  },
  job_failed: {
    toHead: ({ values: { name = '' } }) => t('A job failed: {name}', { name: findActionLabel(`${name}`) }),
    toDetail: ({ values: { reason } }) => (reason === undefined ? null : <Cause words={`${reason}`} />),
    action: t('See the jobs'),
    toLink: linkToJobs,
  },
  type_quiet: {
    toHead: ({ subject }) => t('{type} is quiet', { type: subject }),
    toDetail: formatVolume,
    action: t('See the unusual volumes'),
    toLink: () => linkToAnalytics('anomalies'),
  },
  volume_surge: {
    toHead: ({ subject }) => t('{type} has an unusual volume', { type: subject }),
    toDetail: formatVolume,
    action: t('See the unusual volumes'),
    toLink: () => linkToAnalytics('anomalies'),
  },
};

const toCount = ({ count, has_more }: Pick<Problem, 'count' | 'has_more'>) => ({ count: count ?? 0, has_more });

const atLeast = ({ has_more: hasMore }: Problem, work: string): string =>
  hasMore ? t('at least {work}', { work }) : work;

const toText = (value: string | number | null): string | null => (value === null ? null : `${value}`);

/** Says the volume of a type: `102 events in 24 hours, usually 5`. */
function formatVolume({ count, values: { of, hours, usual } }: Problem): string {
  return t(
    '{of, select, notifications {{count, plural, =0 {no notification} one {# notification} other {# notifications}}} other {{count, plural, =0 {no event} one {# event} other {# events}}}} in {hours, plural, one {an hour} other {# hours}}, usually {usual, number}',
    { of, count: count ?? 0, hours, usual: Math.round(Number(usual)) },
  );
}

function toSinkReason({ detail, values: { reason } }: Problem): string {
  if (reason === 'full') return t('too much waits, and nothing more is recorded');
  return (SINK_PROBLEMS as Readonly<Record<string, string>>)[`${reason}`] ?? detail;
}

const findActionLabel = (name: string): string => (ACTION_LABELS as Readonly<Record<string, string>>)[name] ?? name;
