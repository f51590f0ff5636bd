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

const SUPPRESSION_EVENTS: readonly EventType[] = [
  { name: 'suppression.added', properties: suppression },
  { name: 'suppression.removed', properties: suppression },
];

/** Event types that every catalog has without declaring them. */
export const LIFECYCLE_EVENTS: readonly EventType[] = [...OUTCOME_EVENTS, ...SUPPRESSION_EVENTS];

const NAMES: ReadonlySet<string> = new Set(LIFECYCLE_EVENTS.map(({ name }) => name));

/** Events that only Tidings itself may post, and how a caller has it do so. */
const OWN_EVENTS: ReadonlyMap<string, string> = new Map(
  SUPPRESSION_EVENTS.map(({ name }) => [name, 'add or lift a suppression by /api/v1/suppressions']),
);

/** Returns what to do in place of posting an event of this type; undefined: it may be posted. */
export function adviseOnOwn(type: string): string | undefined {
  return OWN_EVENTS.get(type);
}

/** Whether an event is one that Tidings itself has written to the outbox: its id begins with its type. */
export function isRelayed({ type, eventId }: { readonly type: string; readonly eventId: string }): boolean {
  return NAMES.has(type) && eventId.startsWith(`${type} `);
}
