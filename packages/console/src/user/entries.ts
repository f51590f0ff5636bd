import type { Notification } from '@tidings/client/types';
import type { Audit, AuditDecision, AuditEvent } from '../api/types.ts';
import { uniqueBy } from '../shell/unique-by.ts';

/** Event of a timeline with its decisions and notifications. */
export interface Entry {
  /** Unique in a timeline. */
  eventId: string;
  at: string;
  eventType: string;
  /** Null if the event is older than the loaded pages, or if a schedule caused the decisions. */
  event: AuditEvent | null;
  decisions: { decision: AuditDecision; notification: Notification | undefined }[];
}

/** Merges the pages of an audit into one timeline, newest event first. If pages repeat an item, the first one is kept. */
export function buildTimeline(pages: readonly Audit[]): Entry[] {
  const events = uniqueBy(
    pages.flatMap((page) => page.recent_events),
    (event) => event.event_id,
  );
  const decisions = uniqueBy(
    pages.flatMap((page) => page.decisions),
    (decision) => decision.decision_id,
  );
  const notifications = uniqueBy(
    pages.flatMap((page) => page.notifications),
    (item) => item.notification_id,
  );
  const notificationsById = new Map(notifications.map((one) => [one.notification_id, one]));

  const entries = new Map<string, Entry>();
  for (const event of events) entries.set(event.event_id, newEntry(event, event));

  for (const decision of decisions) {
    let entry = entries.get(decision.event_id);
    if (entry === undefined) {
      entry = newEntry(decision, null);
      entries.set(decision.event_id, entry);
    }
    const { notification_id: id } = decision;
    entry.decisions.push({ decision, notification: id === null ? undefined : notificationsById.get(id) });
  }

  // In order of decision: the end of a wait follows its start.
  for (const { decisions: decided } of entries.values()) {
    decided.sort((a, b) => Date.parse(a.decision.decided_at) - Date.parse(b.decision.decided_at));
  }
  return [...entries.values()].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
}

/** Returns true if two entries have the same content. Compares by identity: equal API responses keep the same objects. */
export function isSameEntry(a: Entry, b: Entry): boolean {
  if (a === b) return true;
  return (
    a.eventId === b.eventId &&
    a.event === b.event &&
    a.decisions.length === b.decisions.length &&
    a.decisions.every(({ decision, notification }, index) => {
      const other = b.decisions[index];
      return decision === other?.decision && notification === other.notification;
    })
  );
}

function newEntry(
  { event_id: eventId, event_timestamp: at, event_type: eventType }: AuditEvent | AuditDecision,
  event: AuditEvent | null,
): Entry {
  return { eventId, at, eventType, event, decisions: [] };
}
