import { Alert, List, Text } from '@mantine/core';
import type { CurrentProblems } from '@tidings/client/types';
import {
  linkToChannels,
  linkToDeadLetters,
  linkToDeliveries,
  linkToJobs,
  linkToRejected,
  linkToReleases,
  linkToVersions,
  linkToWebhook,
} from '../route.ts';
import { CodeText } from '../shell/CodeText.tsx';
import { IconAlert } from '../shell/icons.tsx';
import { getTextColor } from '../shell/outcome.ts';
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
  const { code, subject, since, count, has_more: hasMore, detail, next_at: nextAt } = problem;
  const { label, action, toLink } = LOOKS[code] ?? OTHER;
  const what =
    count === null
      ? label
      : t('{isExact, select, true {{count}} other {at least {count}}} {what}', {
          isExact: !hasMore,
          count,
          what: label,
        });
  const of = subject === null || SAID_BY_DETAIL.has(code) ? '' : `: ${subject}`;
  return (
    <>
      <Text span fw={600} size="sm">
        {what}
        {of}
      </Text>
      {since !== null && (
        <>
          {' '}
          <T text="since {time}" values={{ time: <Time value={since} as="full" /> }} />
        </>
      )}
      {' – '}
      <CodeText text={detail.replace(/\.$/, '')} />
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

/** Problems whose detail says what their id stands for. */
const SAID_BY_DETAIL: ReadonlySet<Problem['code']> = new Set([
  'dead_letters',
  'job_failed',
  'webhook_disabled',
  'webhook_failing',
]);

interface Look {
  readonly label: string;
  readonly action: string;
  readonly toLink?: (problem: Problem) => string;
}

const OTHER: Look = { label: t('Problem'), action: '' };

const LOOKS: Record<Problem['code'], Look> = {
  installation: { label: t('The installation needs care'), action: '' },
  catalog_unreadable: {
    label: t('The catalog cannot be read, the version before stays active'),
    action: t('See the versions'),
    toLink: linkToVersions,
  },
  catalog_waits: {
    label: t('A change of the catalog waits for a release to end'),
    action: t('See the releases'),
    toLink: linkToReleases,
  },
  circuit_open: {
    label: t('Nothing is sent by'),
    action: t('See the accounts'),
    toLink: () => linkToChannels('sending'),
  },
  account_failing: {
    label: t('An account fails'),
    action: t('See the routes'),
    toLink: () => linkToChannels('routes'),
  },
  failed_over: {
    label: t('Failed over'),
    action: t('See the accounts'),
    toLink: () => linkToChannels('accounts'),
  },
  overdue: { label: t('overdue'), action: t('See the queue'), toLink: () => linkToDeliveries('queued') },
  waits_set_aside: { label: t('waits set aside'), action: '' },
  dead_letters: {
    label: t('failed messages'),
    action: t('See them, and retry'),
    toLink: ({ subject }) => linkToDeadLetters(subject),
  },
  emails_paused: {
    label: t('Emails are paused'),
    action: t('See why, and resume'),
    toLink: () => linkToChannels('sending'),
  },
  rejected_events: { label: t('rejected events'), action: t('Correct them'), toLink: () => linkToRejected() },
  source_not_read: {
    label: t('A topic is not read'),
    action: t('See the connections'),
    toLink: () => linkToChannels('connections'),
  },
  source_behind: {
    label: t('messages wait in a topic'),
    action: t('See the connections'),
    toLink: () => linkToChannels('connections'),
  },
  webhook_disabled: {
    label: t('A webhook endpoint is disabled'),
    action: t('See it, and enable it'),
    toLink: ({ subject }) => linkToWebhook(subject ?? ''),
  },
  webhook_failing: {
    label: t('failures in a row of a webhook endpoint'),
    action: t('See it'),
    toLink: ({ subject }) => linkToWebhook(subject ?? ''),
  },
  sink_failing: {
    label: t('messages wait for a topic'),
    action: t('See the connections'),
    toLink: () => linkToChannels('connections'),
  },
  messages_parked: {
    label: t('messages for a topic set aside'),
    action: t('See them, and retry'),
    toLink: () => linkToChannels('connections'),
  },
  release_failed: {
    label: t('A release failed'),
    action: t('See the releases'),
    toLink: linkToReleases,
  },
  job_failed: { label: t('A job failed'), action: t('See the jobs'), toLink: linkToJobs },
  type_quiet: { label: t('A type is quiet'), action: '' },
  volume_surge: { label: t('An unusual volume'), action: '' },
};
