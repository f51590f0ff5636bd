import type { Audit, AuditDecision, AuditEvent, Notification } from '../api.ts';
import { uniqueBy } from '../shell/unique-by.ts';

/** One event with all that is known to have followed. */
export interface Entry {
  /** Unique in a timeline. */
  eventId: string;
  at: string;
  eventType: string;
  /** Null when the event itself is older than what is loaded, or when a time came and no event. */
  event: AuditEvent | null;
  decisions: { decision: AuditDecision; notification: Notification | undefined }[];
}

/** Joins the pages of an audit to one timeline, newest event first. Of entries that pages repeat, the first is kept. */
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

  // As it went: what was decided when a wait ended stands after what began it.
  for (const { decisions: decided } of entries.values()) {
    decided.sort((a, b) => Date.parse(a.decision.decided_at) - Date.parse(b.decision.decided_at));
  }
  return [...entries.values()].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
}

/** Whether two tell the same: their parts are the very same objects, as they are while the API answers the same. */
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
