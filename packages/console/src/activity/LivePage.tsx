import { Anchor, Button, Group, Paper, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { getActivity } from '../api/audit.ts';
import { linkToCorrelation } from '../route.ts';
import { IconPause, IconPlay } from '../shell/icons.tsx';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { t } from '../text/text.ts';
import { ActivityEnd } from './ActivityEnd.tsx';
import { ActivityRow } from './ActivityRow.tsx';
import { FirstEvent } from './FirstEvent.tsx';

const POLL_MS = 1500;
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
    // A hidden tab does not poll: the default of the query client.
    refetchInterval: paused ? false : POLL_MS,
    refetchOnWindowFocus: !paused,
    // Keeps the shown events while more are loaded.
    placeholderData: (shown) => shown,
  });
  const events = activity.data?.events;
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

function LiveStatus({ state }: { state: 'live' | 'paused' | 'failing' }) {
  const label = { live: t('live'), paused: t('paused'), failing: t('not updating') }[state];
  return (
    <Text size="sm" c="dimmed" className="live" data-state={state} data-testid="live">
      {label}
    </Text>
  );
}
