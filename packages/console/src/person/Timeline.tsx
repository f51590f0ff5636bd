import { Alert, Button, Stack, Text } from '@mantine/core';
import { useEffect, useRef } from 'react';
import { longDay } from '../shell/Time.tsx';
import { EntryCard } from './EntryCard.tsx';
import type { Entry } from './entries.ts';
import { Stranger } from './Stranger.tsx';

const HEADER_HEIGHT = 60;

interface TimelineProps {
  userId: string;
  /** Newest first. */
  entries: Entry[];
  /** The event the address points at. */
  eventId: string | null;
  hasOlder: boolean;
  loading: boolean;
  loadOlder: () => void;
}

export function Timeline({ userId, entries, eventId, hasOlder, loading, loadOlder }: TimelineProps) {
  const list = useRef<HTMLElement>(null);
  const found = eventId === null || entries.some((entry) => entry.eventId === eventId);
  useEffect(() => {
    if (eventId === null || !found) return;
    const card = list.current?.querySelector(`[data-event-id="${CSS.escape(eventId)}"]`);
    const top = card?.getBoundingClientRect().top ?? 0;
    // Where it can be seen without moving, nothing moves.
    if (top < HEADER_HEIGHT || top > innerHeight / 2) card?.scrollIntoView({ block: 'start' });
  }, [eventId, found]);
  return (
    <section ref={list} aria-label="Timeline" className="timeline">
      {!found && (
        <Alert mb="md" variant="light">
          The event this link points at is {hasOlder ? 'further back: load older ones to find it.' : 'not known here.'}
        </Alert>
      )}
      {entries.length === 0 && <Stranger userId={userId} />}
      <Stack gap="sm">
        {entries.map((entry, index) => (
          <div key={entry.key}>
            {(index === 0 || longDay(entry.at) !== longDay(entries[index - 1]!.at)) && (
              <Text component="h3" className="day">
                {longDay(entry.at)}
              </Text>
            )}
            <EntryCard userId={userId} entry={entry} marked={entry.eventId !== null && entry.eventId === eventId} />
          </div>
        ))}
      </Stack>
      {hasOlder && (
        <Button mt="md" variant="default" fullWidth loading={loading} onClick={loadOlder} data-testid="load-older">
          Load older
        </Button>
      )}
    </section>
  );
}
