import { Group, Skeleton, Stack, Switch, Text } from '@mantine/core';
import { useMemo } from 'react';
import { getAudit } from '../api/audit.ts';
import type { Audit } from '../api/types.ts';
import { setParameter, useParameter } from '../route.ts';
import { PAGE_MS, useLivePages } from '../shell/live-pages.ts';
import { NewItemsButton } from '../shell/NewItemsButton.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { t } from '../text/text.ts';
import { EventsAround } from './EventsAround.tsx';
import { buildTimeline, type Entry } from './entries.ts';
import { Timeline } from './Timeline.tsx';

const getId = (entry: Entry): string => entry.eventId;

/** Events of a user with their decisions and messages, newest first; of a link to an event, those around it. */
export function TimelineTab({ userId, eventId }: { userId: string; eventId: string | null }) {
  if (eventId === null) return <LatestEvents userId={userId} />;
  return <EventsAround key={eventId} userId={userId} eventId={eventId} notFound={<LatestEvents userId={userId} />} />;
}

/** The latest events of a user, all of them or those that sent something. */
function LatestEvents({ userId }: { userId: string }) {
  const audit = useLivePages<Audit, Entry>({
    key: ['audit', userId],
    load: (after) => getAudit(userId, after),
    mergePages: buildTimeline,
    getId,
    topics: ['events', 'deliveries', 'waits'],
    every: PAGE_MS,
  });
  const [only] = useParameter('only');
  const isSentOnly = only === 'sent';
  const entries = useMemo(() => (isSentOnly ? audit.items?.filter(hasSent) : audit.items), [audit.items, isSentOnly]);
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <Switch
          label={t('Only what was sent')}
          checked={isSentOnly}
          onChange={(event) => setParameter('only', event.currentTarget.checked ? 'sent' : null)}
          data-testid="only-sent"
        />
        {isSentOnly && audit.items && (
          <Text size="sm" c="dimmed">
            {t('{shown, number} of the latest {all, number}', { shown: entries?.length ?? 0, all: audit.items.length })}
          </Text>
        )}
      </Group>
      {audit.error && <ProblemView problem={audit.error} retry={audit.retry} />}
      {audit.items === undefined && audit.error === null && <Skeleton height={360} />}
      <NewItemsButton newItems={audit.newItems} />
      {entries !== undefined && <Timeline userId={userId} entries={entries} eventId={null} older={audit.older} />}
    </Stack>
  );
}

function hasSent({ decisions }: Entry): boolean {
  return decisions.some(({ decision }) => decision.outcome === 'send');
}
