import { Stack } from '@mantine/core';
import { Fragment, useEffect, useRef } from 'react';
import { EmptyState } from '../shell/EmptyState.tsx';
import { LoadMoreButton } from '../shell/LoadMoreButton.tsx';
import type { LivePages } from '../shell/live-pages.ts';
import { formatLongDay, getZoneName } from '../shell/time-format.ts';
import { useZone } from '../shell/zone.ts';
import { t } from '../text/text.ts';
import { EntryCard } from './EntryCard.tsx';
import type { Entry } from './entries.ts';

/** Above this number, entries off the screen are not laid out. The scroll bar then uses estimated heights. */
const MIN_ENTRIES_TO_SKIP_LAYOUT = 100;

interface TimelineProps {
  userId: string;
  /** Newest first. */
  entries: Entry[];
  /** Event that the URL names, or null. */
  eventId: string | null;
  older: LivePages<unknown, unknown>['older'];
  /** Absent: the first entry is the latest. */
  newer?: LivePages<unknown, unknown>['older'];
}

/** Events of a user by day. Scrolls to the event of the URL once it is loaded. */
export function Timeline({ userId, entries, eventId, older, newer }: TimelineProps) {
  const list = useRef<HTMLElement>(null);
  const zone = useZone();
  const found = eventId === null || entries.some((entry) => entry.eventId === eventId);
  useEffect(() => {
    if (eventId === null || !found) return;
    const card = list.current?.querySelector(`[data-event-id="${CSS.escape(eventId)}"]`);
    const top = card?.getBoundingClientRect().top ?? 0;
    const header = document.querySelector('header')?.offsetHeight ?? 0;
    // Does not scroll if the entry is already visible.
    if (top < header || top > innerHeight / 2) card?.scrollIntoView({ block: 'start' });
  }, [eventId, found]);
  const days = entries.map((entry) => formatLongDay(entry.at, zone));
  return (
    <section
      ref={list}
      aria-label={t('Timeline')}
      className="timeline"
      data-long={entries.length > MIN_ENTRIES_TO_SKIP_LAYOUT || undefined}
      data-testid="timeline"
    >
      {entries.length === 0 && (
        <EmptyState title={t('Nothing here')}>
          {t('No event that is loaded fits. Show all events, or load older ones.')}
        </EmptyState>
      )}
      <Stack gap="sm">
        {newer && <LoadMoreButton older={newer} isNewer />}
        {entries.map((entry, index) => (
          <Fragment key={entry.eventId}>
            {days[index] !== days[index - 1] && (
              <h2 className="day">
                {days[index]} <span className="day-zone">{getZoneName(new Date(entry.at), zone)}</span>
              </h2>
            )}
            <EntryCard userId={userId} entry={entry} marked={entry.eventId === eventId} />
          </Fragment>
        ))}
        <LoadMoreButton older={older} />
      </Stack>
    </section>
  );
}
