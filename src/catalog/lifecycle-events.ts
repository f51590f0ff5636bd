import type { EventType } from '../model/catalog.ts';
import type { JsonObject } from '../model/event.ts';

/** What becomes of a notification. Each is an event about the person it was for: `notification.opened`. */
export const LIFECYCLE = ['delivered', 'opened', 'clicked', 'bounced', 'failed'] as const;
export type Lifecycle = (typeof LIFECYCLE)[number];

export function lifecycleEvent(is: Lifecycle): string {
  return `notification.${is}`;
}

/**
 * What Tidings learns by itself, of a delivery that ended (src/delivery/executor.ts). Of the others only the provider or the person's
 * device knows so far: whoever hears of it posts the event.
 */
const KNOWN: readonly Lifecycle[] = ['delivered', 'failed'];

/** Events that come only when a caller posts them. */
export const POSTED_LIFECYCLE: ReadonlySet<string> = new Set(
  LIFECYCLE.filter((is) => !KNOWN.includes(is)).map(lifecycleEvent),
);

const text: JsonObject = { type: 'string' };
const properties: JsonObject = {
  type: 'object',
  properties: { notification_type: text, notification_id: text, channel: text, reason: text },
};

/** Event types that every catalog has without saying so. */
export const LIFECYCLE_EVENTS: readonly EventType[] = LIFECYCLE.map((is) => ({ name: lifecycleEvent(is), properties }));
