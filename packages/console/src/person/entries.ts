import type { Audit, AuditDecision, AuditEvent, Notification } from '../api.ts';
import { firsts } from '../shell/firsts.ts';

/** One event, or one notification that no event caused, with all that is known to have followed. */
export interface Entry {
  /** Unique in a timeline. */
  key: string;
  at: string;
  eventType: string | null;
  /** Null when the event itself is older than what is loaded, or when there was none. */
  event: AuditEvent | null;
  eventId: string | null;
  decisions: { decision: AuditDecision; notifications: Notification[] }[];
  /** Told without a decision: asked for directly. */
  direct: Notification[];
}

/** Joins the pages of an audit into one story, newest event first. What two pages repeat is told once, as the first has it. */
export function buildTimeline(pages: readonly Audit[]): Entry[] {
  const events = firsts(
    pages.flatMap((page) => page.recent_events),
    (event) => event.event_id,
  );
  const decisions = firsts(
    pages.flatMap((page) => page.decisions),
    (decision) => decision.decision_id,
  );
  const notifications = firsts(
    pages.flatMap((page) => page.notifications),
    (item) => item.notification_id,
  );

  const entries = new Map<string, Entry>();
  for (const event of events) entries.set(event.event_id, entryOf(event.event_id, event.event_timestamp, event));

  const byDecision = new Map<string, Notification[]>();
  for (const decision of decisions) {
    let entry = entries.get(decision.event_id);
    if (entry === undefined) {
      entry = { ...entryOf(decision.event_id, decision.event_timestamp, null), eventType: decision.event_type };
      entries.set(decision.event_id, entry);
    }
    const told: Notification[] = [];
    byDecision.set(decision.decision_id, told);
    entry.decisions.push({ decision, notifications: told });
  }

  // As it went: what was decided when a wait ended stands after what began it.
  for (const { decisions: decided } of entries.values()) {
    decided.sort((a, b) => Date.parse(a.decision.decided_at) - Date.parse(b.decision.decided_at));
  }

  for (const notification of notifications) {
    const told = notification.decision_id === null ? undefined : byDecision.get(notification.decision_id);
    if (told !== undefined) {
      told.push(notification);
      continue;
    }
    const key = `notification ${notification.notification_id}`;
    const entry = (notification.event_id && entries.get(notification.event_id)) || directEntry(key, notification);
    entry.direct.push(notification);
    entries.set(entry.key, entry);
  }
  return [...entries.values()].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
}

/** Whether two tell the same: their parts are the very same objects, as they are while the API answers the same. */
export function isSameEntry(a: Entry, b: Entry): boolean {
  if (a === b) return true;
  return (
    a.key === b.key &&
    a.event === b.event &&
    areSame(a.direct, b.direct) &&
    a.decisions.length === b.decisions.length &&
    a.decisions.every(({ decision, notifications }, index) => {
      const other = b.decisions[index];
      return decision === other?.decision && areSame(notifications, other.notifications);
    })
  );
}

function areSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}

function entryOf(eventId: string, at: string, event: AuditEvent | null): Entry {
  return { key: eventId, at, eventType: event?.event_type ?? null, event, eventId, decisions: [], direct: [] };
}

function directEntry(key: string, notification: Notification): Entry {
  const { created_at: at, event_id: eventId } = notification;
  return { key, at, eventType: null, event: null, eventId, decisions: [], direct: [] };
}
