import type { JsonObject, Millis } from '../../src/model/event.ts';
import type { HistoryEvent, Step } from './random-history.ts';

/** Steps of a history that a test writes by hand; `gap` is the time since the step before in ms. */

/** Posts an event of user 0 that is `late` ms old. */
export function postStep(gap: Millis, type: string, late = 0, properties: JsonObject = {}): Step {
  const event: HistoryEvent = { user: 0, type, late, properties, traits: {}, startsIn: null };
  return { gap, kind: 'post', events: [event] };
}

/** Fires the waits that are due. */
export function fireStep(gap: Millis): Step {
  return { gap, kind: 'end' };
}

/** Makes the other catalog the active one. */
export function applyStep(gap: Millis): Step {
  return { gap, kind: 'apply' };
}

/** An event as a caller posts it, the `number`th of its history. */
export function toItem(event: HistoryEvent, number: number, now: Millis): JsonObject {
  const { user, type, late, properties, traits, startsIn } = event;
  const time = now - late;
  const named = startsIn === null ? undefined : new Date(time + startsIn).toISOString();
  return {
    event_id: `e${number}`,
    user_id: `u${user}`,
    event_type: type,
    event_timestamp: new Date(time).toISOString(),
    properties: { ...properties, ...(named !== undefined && { starts_at: named }) },
    user_traits: { ...traits, ...(named !== undefined && type === 'c' && { ends_at: named }) },
  };
}
