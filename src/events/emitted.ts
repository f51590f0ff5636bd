import { type Emitted, type Event, PROFILE_UPDATED } from '../model/event.ts';
import { isoTime } from '../time/iso-time.ts';
import { jsonText } from './content.ts';
import { isRejection, parseEvent, type ReceivedEvent, type Rejection } from './envelope.ts';

/**
 * An emitted event goes the way of every other; its context says what made it. That it fits the schemas was seen where it
 * was made; it may hold what cannot be stored.
 */
export function toReceivedEvent(
  tenantId: string,
  userId: string,
  made: Emitted,
): (ReceivedEvent & { readonly depth: number }) | Rejection {
  const { eventId, type, time, properties, traits, rule, causedBy, depth } = made;
  const item = {
    event_id: eventId,
    user_id: userId,
    event_type: type,
    event_timestamp: isoTime(time),
    properties,
    user_traits: traits,
  };
  const read = parseEvent(tenantId, item, () => null);
  if (isRejection(read)) return read;
  return { ...read, contextText: jsonText({ causation_id: causedBy, emitted_by: rule }), depth };
}

/**
 * The order in which the events of one batch are decided: by event time; of one instant, what a rule sets of the person
 * comes before what it emits; else by key, so that a replay has the same order.
 */
export function compareForDecision(a: Event, b: Event): number {
  return a.time - b.time || rank(a) - rank(b) || (a.key < b.key ? -1 : 1);
}

function rank({ type }: Event): number {
  return type === PROFILE_UPDATED ? 0 : 1;
}
