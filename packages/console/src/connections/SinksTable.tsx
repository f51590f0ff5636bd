import { Group, Stack, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { Sink } from '@tidings/client/types';
import { getParked, getSinks, releaseParked, setSinkPaused } from '../api/connections.ts';
import { FactTable } from '../channels/FactTable.tsx';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { Disclosure } from '../shell/Disclosure.tsx';
import { IconAlert, IconArchive, IconBan, IconCircle, IconClock, IconPause, IconRefresh } from '../shell/icons.tsx';
import type { Look } from '../shell/outcome.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { useScopes } from '../shell/use-scopes.ts';
import { T } from '../text/T.tsx';
import { formatCount, t } from '../text/text.ts';
import { NamedCell } from './NamedCell.tsx';
import { PauseButton } from './PauseButton.tsx';
import { SINK_PROBLEMS } from './sink-problems.ts';

/** Looks of the states of a sink. None is green: that a topic is open does not say that someone reads it. */
const STATES: Record<Sink['state'], Look> = {
  open: { label: t('Written'), color: 'gray', Icon: IconCircle },
  opening: { label: t('Opening'), color: 'blue', Icon: IconClock },
  failing: { label: t('Failing'), color: 'red', Icon: IconAlert },
  paused: { label: t('Paused'), color: 'orange', Icon: IconPause },
  full: { label: t('Full'), color: 'red', Icon: IconAlert },
  not_allowed: { label: t('Not allowed'), color: 'red', Icon: IconBan },
  not_configured: { label: t('Kafka is not configured'), color: 'orange', Icon: IconBan },
};

const KINDS: Record<Sink['kind'], string | null> = {
  sink: null,
  dead_letters: t('Dead letters of sources'),
  former: t('No longer in the catalog'),
};

/** Kafka topics that are written: what waits for each, what was set aside, and their pauses. */
export function SinksTable() {
  return (
    <FactTable
      title={t('Sinks')}
      testId="sinks"
      load={async () => ({ ...(await getSinks()), next: null })}
      getItems={({ sinks }) => sinks}
      getId={({ name }) => name}
      empty={t('No sink: the active catalog has no sinks.yaml with topics of Kafka.')}
      columns={{
        [t('Sink')]: ({ name, description, kind }) => (
          <NamedCell name={name} description={description ?? KINDS[kind]} />
        ),
        [t('Topic')]: ({ topic }) => <span className="name">{topic}</span>,
        [t('State')]: (sink) => <SinkStateView sink={sink} />,
        [t('Waiting')]: (sink) => <Waiting sink={sink} />,
        [t('Set aside')]: (sink) => <SetAside sink={sink} />,
        [t('Actions')]: (sink) => <Actions sink={sink} />,
      }}
    />
  );
}

function SinkStateView({ sink }: { sink: Sink }) {
  const { state, cause, problem, paused_at: pausedAt, full_since: fullSince } = sink;
  const since = fullSince ?? pausedAt ?? problem?.since ?? null;
  const why = cause ?? (problem && SINK_PROBLEMS[problem.code]);
  return (
    <>
      <StatusBadge look={STATES[state]} testId="sink-state" />
      {(why !== null || since !== null) && (
        <Text size="xs" c="dimmed" mt={2}>
          <Cause why={why} since={since} />
          {state !== 'paused' && pausedAt !== null && `, ${t('and paused')}`}
        </Text>
      )}
    </>
  );
}

function Cause({ why, since }: { why: string | null; since: string | null }) {
  if (since === null) return why;
  const time = <Time value={since} />;
  return why === null ? time : <T text="{why}, since {time}" values={{ why, time }} />;
}

function Waiting({ sink: { waiting, oldest_at: oldestAt, measured_at: measuredAt } }: { sink: Sink }) {
  if (measuredAt === null) return <Text size="sm">{t('not known yet')}</Text>;
  return (
    <>
      <Text size="sm">{formatCount(waiting)}</Text>
      {oldestAt !== null && (
        <Text size="xs" c="dimmed">
          <T text="since {time}" values={{ time: <Time value={oldestAt} /> }} />
        </Text>
      )}
    </>
  );
}

function SetAside({ sink }: { sink: Sink }) {
  if (sink.parked === 0) return t('none');
  return (
    <Disclosure
      label={t('{messages, plural, one {# message} other {# messages}}', { messages: sink.parked })}
      testId="parked"
    >
      <ParkedList sink={sink} />
    </Disclosure>
  );
}

/** Messages of which the topic goes on without, and what can be done with all of them. */
function ParkedList({ sink: { name } }: { sink: Sink }) {
  const can = useScopes();
  const parked = useQuery({ queryKey: ['sinks', 'parked', name], queryFn: () => getParked(name) });
  const invalidate = useInvalidated();
  if (parked.error) return <ProblemView problem={parked.error} retry={() => parked.refetch()} />;
  return (
    <Stack gap="xs">
      {parked.data?.messages
        .slice(0, MAX_SHOWN)
        .map(({ message_id: id, type, event_id: eventId, user_id: user, code, bytes }) => (
          <Text key={id} size="xs" c="dimmed" className="break">
            <T
              text={
                user === null
                  ? '{code}: {type} {event} ({bytes, number} bytes)'
                  : '{code}: {type} {event} of {user} ({bytes, number} bytes)'
              }
              values={{ code: <span className="name">{code}</span>, type, event: eventId, user, bytes }}
            />
          </Text>
        ))}
      {(parked.data?.messages.length ?? 0) > MAX_SHOWN && (
        <Text size="xs" c="dimmed">
          {t('and more: {command}', { command: `tidings sinks parked ${name}` })}
        </Text>
      )}
      {can('webhooks:write') && (
        <Group gap="xs" wrap="nowrap">
          <ConfirmButton
            needs="webhooks:write"
            label={t('Retry')}
            leftSection={<IconRefresh size={14} />}
            act={async () =>
              t('Sent once more: {messages, plural, one {# message} other {# messages}} of {name}.', {
                messages: await invalidate(releaseParked(name, 'retry')),
                name,
              })
            }
            testId="retry-parked"
          >
            {t(
              'What was set aside is sent once more, after what waits. Do it once the cause is gone, such as a limit of the topic.',
            )}
          </ConfirmButton>
          <ConfirmButton
            needs="webhooks:write"
            label={t('Discard')}
            color="red"
            leftSection={<IconArchive size={14} />}
            act={async () => describeDeleted(await invalidate(releaseParked(name, 'discard')), name)}
            testId="discard-parked"
          >
            {t('What was set aside is deleted: those who read the topic never get it.')}
          </ConfirmButton>
        </Group>
      )}
    </Stack>
  );
}

const MAX_SHOWN = 10;

function Actions({ sink }: { sink: Sink }) {
  const { name, topic, state, kind, waiting, paused_at: pausedAt } = sink;
  const can = useScopes();
  const invalidate = useInvalidated();
  if (!can('webhooks:write') || state === 'not_configured' || state === 'not_allowed') return null;
  // A sink that is full may be paused as well.
  const isPaused = pausedAt !== null;
  return (
    <Group gap="xs" wrap="nowrap">
      <PauseButton needs="webhooks:write" name={name} kind="sink" isPaused={isPaused} setPaused={setSinkPaused}>
        {isPaused
          ? t('What waits for the topic {topic} is written in its order.', { topic })
          : t(
              'The topic {topic} is not written until you resume it; its messages wait here, as many as the operator allows.',
              { topic },
            )}
      </PauseButton>
      {kind === 'former' && waiting > 0 && (
        <ConfirmButton
          needs="webhooks:write"
          label={t('Discard')}
          color="red"
          leftSection={<IconArchive size={14} />}
          act={async () => describeDeleted(await invalidate(releaseParked(name, 'discard')), name)}
          testId="discard-former"
        >
          {t('All that waits for the topic {topic} is deleted.', { topic })}
        </ConfirmButton>
      )}
    </Group>
  );
}

/** Returns a function that has the table loaded again after an action, and resolves to the messages that it was about. */
function useInvalidated() {
  const queries = useQueryClient();
  return async (action: Promise<number>): Promise<number> => {
    // Also after one that was cut off: what it did is done.
    const messages = await action.finally(() => queries.invalidateQueries({ queryKey: ['sinks'] }));
    return messages;
  };
}

function describeDeleted(messages: number, name: string): string {
  return t('Deleted: {messages, plural, one {# message} other {# messages}} of {name}.', { messages, name });
}
