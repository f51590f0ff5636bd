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
  /** When the latest event that is shown was received; null: all are shown. */
  const [until, setUntil] = useState<string | null>(null);
  const shown = useRef<string | null>(null);
  useEffect(() => {
    const look = () => setUntil((before) => (scrollY > TOP_PX ? (before ?? shown.current) : null));
    addEventListener('scroll', look, { passive: true });
    return () => removeEventListener('scroll', look);
  }, []);
  // If more has come than is loaded, what was read is no longer among it: then all are shown.
  const count = until === null ? 0 : Math.max(0, latest?.findIndex((event) => event.received_at <= until) ?? 0);
  const events = latest?.slice(count);
  useEffect(() => {
    shown.current = events?.[0]?.received_at ?? null;
  });
  return { events, newItems: { count, orMore: false, show: () => setUntil(null) } };
}

function LiveStatus({ state }: { state: 'live' | 'paused' | 'failing' }) {
  const label = { live: t('live'), paused: t('paused'), failing: t('not updating') }[state];
  return (
    <Text size="sm" c="dimmed" className="live" data-state={state} data-testid="live">
      {label}
    </Text>
  );
}
