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
import { NamedCell } from './NamedCell.tsx';
import { PauseButton } from './PauseButton.tsx';

/** Looks of the states of a sink. None is green: that a topic is open does not say that someone reads it. */
const STATES: Record<Sink['state'], Look> = {
  open: { label: 'Written', color: 'gray', Icon: IconCircle },
  opening: { label: 'Opening', color: 'blue', Icon: IconClock },
  failing: { label: 'Failing', color: 'red', Icon: IconAlert },
  paused: { label: 'Paused', color: 'orange', Icon: IconPause },
  full: { label: 'Full', color: 'red', Icon: IconAlert },
  not_allowed: { label: 'Not allowed', color: 'red', Icon: IconBan },
  not_configured: { label: 'Kafka is not configured', color: 'orange', Icon: IconBan },
};

const KINDS: Record<Sink['kind'], string | null> = {
  sink: null,
  dead_letters: 'Dead letters of sources',
  former: 'No longer in the catalog',
};

const PROBLEMS: Record<NonNullable<Sink['problem']>['code'], string> = {
  brokers_away: 'the brokers cannot be used',
  topic_missing: 'the brokers do not have it',
  not_authorized: 'the login may not write it',
  not_allowed: 'the operator no longer allows it',
  open_transaction: 'a transaction of the database server does not end',
  failing: 'sends fail',
};

const COUNT = new Intl.NumberFormat('en');

/** Kafka topics that are written: what waits for each, what was set aside, and their pauses. */
export function SinksTable() {
  return (
    <FactTable
      title="Sinks"
      testId="sinks"
      load={async () => ({ ...(await getSinks()), next: null })}
      getItems={({ sinks }) => sinks}
      getId={({ name }) => name}
      empty="No sink: the active catalog has no sinks.yaml with topics of Kafka."
      columns={{
        Sink: ({ name, description, kind }) => <NamedCell name={name} description={description ?? KINDS[kind]} />,
        Topic: ({ topic }) => <span className="name">{topic}</span>,
        State: (sink) => <SinkStateView sink={sink} />,
        Waiting: (sink) => <Waiting sink={sink} />,
        'Set aside': (sink) => <SetAside sink={sink} />,
        Actions: (sink) => <Actions sink={sink} />,
      }}
    />
  );
}

function SinkStateView({ sink }: { sink: Sink }) {
  const { state, cause, problem, paused_at: pausedAt, full_since: fullSince } = sink;
  const since = fullSince ?? pausedAt ?? problem?.since ?? null;
  const why = cause ?? (problem && PROBLEMS[problem.code]);
  return (
    <>
      <StatusBadge look={STATES[state]} testId="sink-state" />
      {(why !== null || since !== null) && (
        <Text size="xs" c="dimmed" mt={2}>
          {why}
          {since !== null && (
            <>
              {why !== null && ', since '}
              <Time value={since} />
            </>
          )}
          {state !== 'paused' && pausedAt !== null && ', and paused'}
        </Text>
      )}
    </>
  );
}

function Waiting({ sink: { waiting, oldest_at: oldestAt, measured_at: measuredAt } }: { sink: Sink }) {
  if (measuredAt === null) return <Text size="sm">not known yet</Text>;
  return (
    <>
      <Text size="sm">{COUNT.format(waiting)}</Text>
      {oldestAt !== null && (
        <Text size="xs" c="dimmed">
          since <Time value={oldestAt} />
        </Text>
      )}
    </>
  );
}

function SetAside({ sink }: { sink: Sink }) {
  if (sink.parked === 0) return 'none';
  return (
    <Disclosure label={count(sink.parked)} testId="parked">
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
            <span className="name">{code}</span>: {type} {eventId}
            {user !== null && ` of ${user}`} ({COUNT.format(bytes)} bytes)
          </Text>
        ))}
      {(parked.data?.messages.length ?? 0) > MAX_SHOWN && (
        <Text size="xs" c="dimmed">
          and more: tidings sinks parked {name}
        </Text>
      )}
      {can('webhooks:write') && (
        <Group gap="xs" wrap="nowrap">
          <ConfirmButton
            label="Retry"
            leftSection={<IconRefresh size={14} />}
            act={async () => `Sent once more: ${count(await invalidate(releaseParked(name, 'retry')))} of ${name}.`}
            testId="retry-parked"
          >
            What was set aside is sent once more, after what waits. Do it once the cause is gone, such as a limit of the
            topic.
          </ConfirmButton>
          <ConfirmButton
            label="Discard"
            color="red"
            leftSection={<IconArchive size={14} />}
            act={async () => `Deleted: ${count(await invalidate(releaseParked(name, 'discard')))} of ${name}.`}
            testId="discard-parked"
          >
            What was set aside is deleted: those who read the topic never get it.
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
      <PauseButton name={name} kind="sink" isPaused={isPaused} setPaused={setSinkPaused}>
        {isPaused
          ? `What waits for the topic ${topic} is written in its order.`
          : `The topic ${topic} is not written until you resume it; its messages wait here, as many as the operator allows.`}
      </PauseButton>
      {kind === 'former' && waiting > 0 && (
        <ConfirmButton
          label="Discard"
          color="red"
          leftSection={<IconArchive size={14} />}
          act={async () => `Deleted: ${count(await invalidate(releaseParked(name, 'discard')))} of ${name}.`}
          testId="discard-former"
        >
          {`All that waits for the topic ${topic} is deleted.`}
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

function count(messages: number): string {
  return messages === 1 ? '1 message' : `${COUNT.format(messages)} messages`;
}
