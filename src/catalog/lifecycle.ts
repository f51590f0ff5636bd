import type { EventType, JsonObject } from '../model.ts';

/** What becomes of a notification. Each is an event about the person it was for: `notification.opened`. */
export const LIFECYCLE = ['delivered', 'opened', 'clicked', 'bounced', 'failed'] as const;
export type Lifecycle = (typeof LIFECYCLE)[number];

export function lifecycleEvent(is: Lifecycle): string {
  return `notification.${is}`;
}

const text: JsonObject = { type: 'string' };
const properties: JsonObject = {
  type: 'object',
  properties: { notification_type: text, notification_id: text, channel: text, reason: text },
};

/** Event types that every catalog has without saying so. */
export const LIFECYCLE_EVENTS: readonly EventType[] = LIFECYCLE.map((is) => ({ name: lifecycleEvent(is), properties }));
