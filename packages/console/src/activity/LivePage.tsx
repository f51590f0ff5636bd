import { Anchor, Button, Group, Paper, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ActivityEvent } from '@tidings/client/types';
import { useEffect, useRef, useState } from 'react';
import { getActivity } from '../api/audit.ts';
import { linkToCorrelation } from '../route.ts';
import { IconPause } from '../shell/icons.tsx';
import { NewItemsButton } from '../shell/NewItemsButton.tsx';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { IconPlay } from '../shell/page-icons.tsx';
import { t } from '../text/text.ts';
import { ActivityEnd } from './ActivityEnd.tsx';
import { ActivityRow } from './ActivityRow.tsx';
import { FirstEvent } from './FirstEvent.tsx';

/** Interval in ms at which new events are loaded at most. */
const EVENTS_MS = 1500;
const INITIAL_EVENTS = 50;
/** Largest `limit` that the API accepts. */
const MAX_EVENTS = 200;

/** The latest events of all users, with the decisions on each. */
export function LivePage() {
  const [paused, setPaused] = useState(false);
  const [limit, setLimit] = useState(INITIAL_EVENTS);
  const activity = useQuery({
    queryKey: ['activity', limit],
    queryFn: () => getActivity(limit),
    meta: paused ? {} : { topics: ['events', 'deliveries'], every: EVENTS_MS },
    refetchOnWindowFocus: !paused,
    // Keeps the shown events while more are loaded.
    placeholderData: (shown) => shown,
  });
  const { events, newItems } = useHeldBack(activity.data?.events);
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <Group gap="sm" align="baseline">
          <PageTitle>{t('Live')}</PageTitle>
          <LiveStatus state={activity.error ? 'failing' : paused ? 'paused' : 'live'} />
          <Anchor size="sm" href={linkToCorrelation(null)}>
            {t('Find a correlation ID')}
          </Anchor>
        </Group>
        <Button
          variant="default"
          leftSection={paused ? <IconPlay size={16} /> : <IconPause size={16} />}
          onClick={() => setPaused(!paused)}
        >
          {paused ? t('Resume') : t('Pause')}
        </Button>
      </Group>
      {activity.error && <ProblemView problem={activity.error} retry={() => activity.refetch()} />}
      <NewItemsButton newItems={newItems} />
      {activity.isPending && <Skeleton height={320} />}
      {events?.length === 0 && <FirstEvent />}
      {events !== undefined && events.length > 0 && (
        <>
          <Paper withBorder className="rows" component="ol" data-testid="activity">
            {events.map((event) => (
              <ActivityRow key={event.event_id} event={event} />
            ))}
          </Paper>
          {events.length >= INITIAL_EVENTS && (
            <ActivityEnd events={events} more={limit < MAX_EVENTS ? () => setLimit(MAX_EVENTS) : undefined} />
          )}
        </>
      )}
    </Stack>
  );
}

/** Pixels from the top up to which new events come in by themselves: further down, they would move what is read. */
const TOP_PX = 120;

/** Holds new events back while the viewer reads further down; those that are shown stay up to date. */
function useHeldBack(latest: ActivityEvent[] | undefined) {
  const [held, setHeld] = useState<readonly string[] | null>(null);
  const shown = useRef<readonly string[]>([]);
  useEffect(() => {
    const look = () => setHeld((before) => (scrollY > TOP_PX ? (before ?? shown.current) : null));
    addEventListener('scroll', look, { passive: true });
    return () => removeEventListener('scroll', look);
  }, []);
  const events = held === null ? latest : latest?.filter(({ event_id: id }) => held.includes(id));
  useEffect(() => {
    shown.current = events?.map(({ event_id: id }) => id) ?? [];
  });
  const count = (latest?.length ?? 0) - (events?.length ?? 0);
  const newItems = { count, orMore: count > 0 && events?.length === 0, show: () => setHeld(null) };
  // More has come than is loaded: what was read is no longer among it.
  return count > 0 && events?.length === 0
    ? { events: latest, newItems: { ...newItems, count: 0 } }
    : { events, newItems };
}

function LiveStatus({ state }: { state: 'live' | 'paused' | 'failing' }) {
  const label = { live: t('live'), paused: t('paused'), failing: t('not updating') }[state];
  return (
    <Text size="sm" c="dimmed" className="live" data-state={state} data-testid="live">
      {label}
    </Text>
  );
}
