import type { JsonObject, Millis } from '../model.ts';
import { isRejection, type ReceivedEvent, readEvent } from './envelope.ts';

/** What a rule says of an event that it makes. */
interface Made {
  readonly eventId: string;
  readonly type: string;
  readonly time: Millis;
  readonly properties: JsonObject;
  readonly traits: JsonObject;
  readonly rule: string;
  readonly causedBy: string;
  readonly depth: number;
}

/** An emitted event goes the way of every other; its context says what made it. */
export function receivedOf(tenantId: string, userId: string, made: Made): ReceivedEvent & { readonly depth: number } {
  const { eventId, type, time, properties, traits, rule, causedBy, depth } = made;
  const item = {
    event_id: eventId,
    user_id: userId,
    event_type: type,
    event_timestamp: new Date(time).toISOString(),
    properties,
    user_traits: traits,
    emitted_by: rule,
    causation_id: causedBy,
  };
  const read = readEvent(tenantId, item, () => null);
  if (isRejection(read)) throw new Error(`rule ${rule} emits an event that cannot be: ${read.message}`);
  return { ...read, depth };
}
