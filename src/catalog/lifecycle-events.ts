import type { EventType } from '../model/catalog.ts';
import type { JsonObject } from '../model/event.ts';

/** Outcomes of a notification. Each is an event about the user it was for, such as `notification.opened`. */
export const LIFECYCLE_OUTCOMES = ['delivered', 'opened', 'clicked', 'bounced', 'failed', 'dropped'] as const;
export type LifecycleOutcome = (typeof LIFECYCLE_OUTCOMES)[number];

export function toLifecycleEventType(outcome: LifecycleOutcome): string {
  return `notification.${outcome}`;
}

const text: JsonObject = { type: 'string' };
const properties: JsonObject = {
  type: 'object',
  properties: { notification_type: text, notification_id: text, channel: text, reason: text, reason_code: text },
};

/** Outcomes of notifications as events. */
export const OUTCOME_EVENTS: readonly EventType[] = LIFECYCLE_OUTCOMES.map((outcome) => ({
  name: toLifecycleEventType(outcome),
  properties,
}));

const suppression: JsonObject = {
  type: 'object',
  properties: {
    suppression_id: text,
    channel: text,
    address: text,
    scope: text,
    reason: text,
    since: { type: 'string', format: 'date-time' },
    until: { type: 'string', format: 'date-time' },
  },
};

/** Event types that every catalog has without declaring them. */
export const LIFECYCLE_EVENTS: readonly EventType[] = [
  ...OUTCOME_EVENTS,
  { name: 'suppression.added', properties: suppression },
  { name: 'suppression.removed', properties: suppression },
];

const NAMES: ReadonlySet<string> = new Set(LIFECYCLE_EVENTS.map(({ name }) => name));

/** Whether an event says that of suppressions which only Tidings itself may report: posted, it would be untrue. */
export function isFalseReport(event: { readonly type: string; readonly eventId: string }): boolean {
  return event.type.startsWith('suppression.') && NAMES.has(event.type) && !isRelayed(event);
}

/** Whether an event is one that Tidings itself has written to the outbox: its id begins with its type. */
export function isRelayed({ type, eventId }: { readonly type: string; readonly eventId: string }): boolean {
  return NAMES.has(type) && eventId.startsWith(`${type} `);
}
