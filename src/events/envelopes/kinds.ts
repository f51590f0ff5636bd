import type { Json, JsonObject } from '../../model/event.ts';
import type { EventMapping } from '../../model/mapping.ts';

/** An envelope of another standard or habit, and what Tidings takes from it unless a mapping says otherwise. */
export interface EnvelopeKind {
  /** Name in messages. */
  readonly name: string;
  /** The member that holds the type of the event. */
  readonly type: string;
  readonly defaults: Required<EventMapping>;
  /** Checks what its standard requires. Returns the path and the message of the first mistake; undefined if all is well. */
  check(item: JsonObject): { readonly path: string; readonly message: string } | undefined;
  /** Returns the item in the one form in which it is mapped and compared. */
  normalize(item: JsonObject): { readonly original: JsonObject } | { readonly path: string; readonly message: string };
  /** Returns the id of the event where no mapping names one; undefined without one. */
  identify(item: JsonObject): Json | undefined;
  /** Returns what rules and templates read as `context`: what is no part of the event itself. Names are in snake case. */
  toContext(item: JsonObject): JsonObject;
}

/** Members of our own envelope. An item that has one of them is no domain event. */
const OWN_MEMBERS = ['user_id', 'event_id', 'event_timestamp', 'properties', 'user_traits'];

/**
 * Returns which envelope an item has: ours if it has `event_type`, that of CloudEvents if it has `specversion`, and that of a
 * domain event if it has `eventType` and no member of ours.
 */
export function tellEnvelope(item: unknown): 'own' | 'cloud_event' | 'domain_event' {
  if (typeof item !== 'object' || item === null || Array.isArray(item) || Object.hasOwn(item, 'event_type'))
    return 'own';
  if (Object.hasOwn(item, 'specversion')) return 'cloud_event';
  if (!Object.hasOwn(item, 'eventType')) return 'own';
  return OWN_MEMBERS.some((member) => Object.hasOwn(item, member)) ? 'own' : 'domain_event';
}
