import type { EventType } from '../model/catalog.ts';
import type { JsonObject } from '../model/event.ts';

/** Outcomes of a notification. Each is an event about the user it was for, such as `notification.opened`. */
export const LIFECYCLE_OUTCOMES = ['delivered', 'opened', 'clicked', 'bounced', 'failed'] as const;
export type LifecycleOutcome = (typeof LIFECYCLE_OUTCOMES)[number];

export function toLifecycleEventType(outcome: LifecycleOutcome): string {
  return `notification.${outcome}`;
}

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
