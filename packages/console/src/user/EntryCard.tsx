import { Anchor, Group, Paper, Text } from '@mantine/core';
import type { JsonObject } from '@tidings/client/types';
import { memo } from 'react';
import type { AuditEvent } from '../api/types.ts';
import { linkToCorrelation } from '../route.ts';
import { Disclosure } from '../shell/Disclosure.tsx';
import { Fields, formatValue } from '../shell/Fields.tsx';
import { IconCalendarRepeat, IconLightning } from '../shell/page-icons.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { DecisionLine } from './DecisionLine.tsx';
import { type Entry, isSameEntry } from './entries.ts';

interface EntryCardProps {
  userId: string;
  entry: Entry;
  /** True if the URL names this event. */
  marked: boolean;
}

/**
 * Event of the timeline with its decisions and deliveries. Rerenders only if its content changed, because a timeline can
 * have thousands.
 */
export const EntryCard = memo(EntryCardView, (before, after) => {
  const { userId, marked, entry } = before;
  return userId === after.userId && marked === after.marked && isSameEntry(entry, after.entry);
});

function EntryCardView({ userId, entry, marked }: EntryCardProps) {
  const isOccurrence = entry.decisions[0]?.decision.evidence.wait?.kind === 'every';
  const Icon = isOccurrence ? IconCalendarRepeat : IconLightning;
  return (
    <Paper
      withBorder
      component="article"
      className="entry"
      data-testid="timeline-entry"
      data-event-id={entry.eventId}
      data-marked={marked || undefined}
    >
      <Group gap="xs" px="md" pt="sm" wrap="nowrap" align="flex-start">
        <Icon size={20} className="entry-icon" />
        <Text component="h3" className="name break" flex={1}>
          {entry.eventType}
        </Text>
        <Text size="sm" c="dimmed">
          <Time value={entry.at} as="clock" />
        </Text>
      </Group>
      <div className="entry-body">
        {entry.event && <EventFacts event={entry.event} />}
        {entry.event && entry.decisions.length === 0 && (
          <Text size="sm" c="dimmed" pt={4}>
            {t('No rule triggers on this event.')}
          </Text>
        )}
        {entry.decisions.map(({ decision, notification }) => (
          <DecisionLine
            key={decision.decision_id}
            userId={userId}
            decision={decision}
            notification={notification}
            later={entry.event !== null && decision.decided_at !== entry.event.received_at}
          />
        ))}
      </div>
    </Paper>
  );
}

function EventFacts({ event }: { event: AuditEvent }) {
  const traits = Object.keys(event.user_traits).length > 0;
  const id = event.context?.correlation_id;
  const correlation = typeof id === 'string' && id !== '' ? id : undefined;
  return (
    <Disclosure label={<Preview event={event} />} testId="event-details">
      <Fields values={nameActor(event)} />
      {traits && (
        <>
          <Text size="xs" c="dimmed" mt="xs">
            {t('Traits in this event')}
          </Text>
          <Fields values={event.user_traits} />
        </>
      )}
      <Text size="xs" c="dimmed" mt="xs" className="break">
        <T text="Received {time}" values={{ time: <Time value={event.received_at} as="full" /> }} />
        {` · ${t('catalog version {version}', { version: event.catalog_version })}`}
        {` · ${t('event ID {id}', { id: event.event_id })}`}
        {correlation !== undefined && (
          <>
            {' · '}
            <T text="correlation ID {id}" values={{ id: <CorrelationLink id={correlation} /> }} />
          </>
        )}
      </Text>
    </Disclosure>
  );
}

function CorrelationLink({ id }: { id: string }) {
  return (
    <Anchor size="xs" href={linkToCorrelation(id)}>
      {id}
    </Anchor>
  );
}

/** Prefixes of the events of Tidings itself that say who asked for something. */
const OWN_EVENTS = ['notification.', 'preference.', 'consent.'];

/** Returns the properties of an event; in those of Tidings itself, who asked for it by the name of the key or the member. */
function nameActor({ event_type: type, properties }: AuditEvent): JsonObject {
  const { by } = properties;
  const isOwn = OWN_EVENTS.some((prefix) => type.startsWith(prefix));
  const isActor = isOwn && typeof by === 'object' && by !== null && 'id' in by;
  return isActor ? { ...properties, by: by.id ?? null } : properties;
}

/** The first few properties on one line. */
function Preview({ event }: { event: AuditEvent }) {
  const entries = Object.entries(nameActor(event));
  if (entries.length === 0) return <span className="preview">{t('no properties')}</span>;
  return (
    <span className="preview">
      {entries.slice(0, 4).map(([name, value]) => (
        <span key={name} className="preview-pair">
          <span className="quiet">{name}</span> {truncate(formatValue(value))}
        </span>
      ))}
      {entries.length > 4 && (
        <span className="quiet">{t('and {count, number} more', { count: entries.length - 4 })}</span>
      )}
    </span>
  );
}

function truncate(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
