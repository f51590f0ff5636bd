import type { Millis } from '../../model/event.ts';
import { countBefore } from '../known/in-order.ts';
import type { FullEvent, KnownEvents } from '../known/known-events.ts';

/** Known events that trigger a rule. */
export interface TriggerList {
  readonly known: KnownEvents;
  /** The type of these events; undefined for triggers by a trait change, of any type. */
  readonly type: string | undefined;
}

/** Returns what tells the indexes of the two kinds of lists apart. */
export function nameListKind(type: string | undefined): string {
  return type === undefined ? 'changes' : 'on';
}

/**
 * Goes through the events of a list from one time to another, both included, and removes those that `visit` is done with.
 * @param events in order of time
 * @param visit returns whether the event is to be removed: no later event can change what was found about it
 */
export function sweep(events: FullEvent[], from: Millis, to: Millis, visit: (event: FullEvent) => boolean): void {
  const start = countBefore(events, from);
  let kept = start;
  let index = start;
  for (; index < events.length; index++) {
    const event = events[index] as FullEvent;
    if (event.time > to) break;
    if (visit(event)) continue;
    if (kept < index) events[kept] = event;
    kept++;
  }
  if (kept < index) events.splice(kept, index - kept);
}
