import { type Emitted, type Event, PROFILE_UPDATED } from '../model/event.ts';
import { maskDocument } from '../privacy/mask.ts';
import { isoTime } from '../time/iso-time.ts';
import { jsonText } from './content.ts';
import { isRejection, parseEvent, type ReceivedEvent, type Rejection } from './envelope.ts';
import { toCorrelation, toEmittedContext, toReadableContext } from './envelopes/context.ts';

/**
 * Converts an event emitted by a rule to a received event; its context records the rule and the cause. The schema was
 * validated when the event was emitted. Returns a rejection if it holds a value that cannot be stored.
 */
export function toReceivedEvent(
  tenantId: string,
  userId: string,
  emitted: Emitted,
): (ReceivedEvent & { readonly depth: number }) | Rejection {
  const { eventId, type, time, properties, traits, rule, causedBy, depth } = emitted;
  const context = toEmittedContext(emitted.context, causedBy, rule);
  const item = {
    event_id: eventId,
    user_id: userId,
    event_type: type,
    event_timestamp: isoTime(time),
    properties,
    user_traits: traits,
  };
  const parsed = parseEvent(tenantId, item, () => null);
  if (isRejection(parsed)) return parsed;
  const masked = maskDocument(context);
  return {
    ...parsed,
    context: toReadableContext(context),
    contextText: jsonText(masked),
    correlationId: toCorrelation(context.correlation_id),
    // The whole content is sealed: see `StoredContent`.
    sealText:
      parsed.sealText === null && masked === context
        ? null
        : jsonText({ properties: parsed.properties, traits: parsed.traits, context }),
    depth,
  };
}

/**
 * Compares two events by the order in which a batch is decided: by event time; at the same instant, traits set by a rule
 * before events emitted by it; otherwise by key, so that a replay has the same order.
 */
export function compareForDecision(a: Event, b: Event): number {
  return a.time - b.time || getRank(a) - getRank(b) || (a.key < b.key ? -1 : 1);
}

function getRank({ type }: Event): number {
  return type === PROFILE_UPDATED ? 0 : 1;
}
