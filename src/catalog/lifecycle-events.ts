import type { EventType } from '../model/catalog.ts';
import type { JsonObject } from '../model/event.ts';

/** Outcomes of a notification. Each is an event about the user it was for, such as `notification.opened`. */
export const LIFECYCLE_OUTCOMES = ['delivered', 'opened', 'clicked', 'bounced', 'failed'] as const;
export type LifecycleOutcome = (typeof LIFECYCLE_OUTCOMES)[number];

export function toLifecycleEventType(outcome: LifecycleOutcome): string {
  return `notification.${outcome}`;
}

/**
 * Outcomes that Tidings emits itself when a delivery ends (src/delivery/executor.ts). Only the provider or the user's device
 * knows of the others: a service that learns of one posts the event.
 */
const EMITTED_OUTCOMES: readonly LifecycleOutcome[] = ['delivered', 'failed'];

/** Types of the lifecycle events that arrive only if a caller posts them. */
export const POSTED_LIFECYCLE_EVENTS: ReadonlySet<string> = new Set(
  LIFECYCLE_OUTCOMES.filter((outcome) => !EMITTED_OUTCOMES.includes(outcome)).map(toLifecycleEventType),
);

const text: JsonObject = { type: 'string' };
const properties: JsonObject = {
  type: 'object',
  properties: { notification_type: text, notification_id: text, channel: text, reason: text },
};

/** Event types that every catalog has without declaring them. */
export const LIFECYCLE_EVENTS: readonly EventType[] = LIFECYCLE_OUTCOMES.map((outcome) => ({
  name: toLifecycleEventType(outcome),
  properties,
}));
