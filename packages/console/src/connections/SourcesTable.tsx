import { Anchor, Text } from '@mantine/core';
import type { Source } from '@tidings/client/types';
import { getSources, setSourcePaused } from '../api/connections.ts';
import { FactTable } from '../channels/FactTable.tsx';
import { linkToRejected } from '../route.ts';
import { Disclosure } from '../shell/Disclosure.tsx';
import { IconBan, IconCircle, IconPause } from '../shell/icons.tsx';
import type { Look } from '../shell/outcome.ts';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { formatCount, t } from '../text/text.ts';
import { NamedCell } from './NamedCell.tsx';
import { PauseButton } from './PauseButton.tsx';

/** Looks of the states of a source. None is green: that a topic is read does not say that its messages are accepted. */
const STATES: Record<Source['state'], Look> = {
  reading: { label: t('Read'), color: 'gray', Icon: IconCircle },
  paused: { label: t('Paused'), color: 'orange', Icon: IconPause },
  not_allowed: { label: t('Not allowed'), color: 'red', Icon: IconBan },
  not_configured: { label: t('Kafka is not configured'), color: 'orange', Icon: IconBan },
};

/** Kafka topics whose messages are events: how far they are read, and their pauses. */
export function SourcesTable() {
  return (
    <FactTable
      title={t('Sources')}
      testId="sources"
      load={async () => ({ ...(await getSources()), next: null })}
      getItems={({ sources }) => sources}
      getId={({ name }) => name}
      empty={t('No source: the active catalog has no sources.yaml with topics of Kafka.')}
      columns={{
        [t('Source')]: ({ name, description }) => <NamedCell name={name} description={description} />,
        [t('Topic')]: ({ topic }) => <span className="name">{topic}</span>,
        [t('State')]: (source) => <SourceStateView source={source} />,
        [t('Lag')]: (source) => <Lag source={source} />,
        [t('Rejected')]: ({ name }) => (
          <Anchor size="sm" href={linkToRejected(name)} aria-label={t('Rejected events of {source}', { source: name })}>
            {t('Rejected events')}
          </Anchor>
        ),
        [t('Actions')]: (source) => <Actions source={source} />,
      }}
    />
  );
}

function SourceStateView({ source: { state, cause, paused_at: pausedAt } }: { source: Source }) {
  return (
    <>
      <StatusBadge look={STATES[state]} testId="source-state" />
      {(cause !== null || pausedAt !== null) && (
        <Text size="xs" c="dimmed" mt={2}>
          {pausedAt === null ? cause : <Time value={pausedAt} />}
        </Text>
      )}
    </>
  );
}

/** Messages that wait, in all and by partition. */
function Lag({ source: { lag, partitions } }: { source: Source }) {
  if (lag === null) return <Text size="sm">{t('not known yet')}</Text>;
  return (
    <>
      <Text size="sm">{formatCount(lag)}</Text>
      <Disclosure
        label={t('{count, plural, one {# partition} other {# partitions}}', { count: partitions.length })}
        testId="partitions"
      >
        {partitions.map(({ partition, lag: own, next_offset: next, end_offset: end, seen_at: seenAt }) => (
          <Text key={partition} size="xs" c="dimmed">
            {partition}: {own === null ? t('not seen yet') : t('{own, number} wait', { own })} (
            {end === null ? t('at {next}', { next }) : t('at {next} of {end}', { next, end })}
            {seenAt !== null && (
              <>
                , <Time value={seenAt} />
              </>
            )}
            )
          </Text>
        ))}
      </Disclosure>
    </>
  );
}

function Actions({ source: { name, state, topic } }: { source: Source }) {
  if (state !== 'reading' && state !== 'paused') return null;
  const isPaused = state === 'paused';
  return (
    <PauseButton needs="rejected:write" name={name} kind="source" isPaused={isPaused} setPaused={setSourcePaused}>
      {isPaused
        ? t('The topic {topic} is read on from where it stopped: nothing was skipped.', { topic })
        : t(
            'The topic {topic} is not read any further until you resume it; its messages wait in Kafka for as long as Kafka keeps them.',
            { topic },
          )}
    </PauseButton>
  );
}
