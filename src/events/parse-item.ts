import type { Millis, ValidateEvent } from '../model/event.ts';
import { redact } from '../privacy/mask.ts';
import { isoTime } from '../time/iso-time.ts';
import { ContentError, canonicalize, contentUuid } from './content.ts';
import {
  type EventTimeBounds,
  isRejection,
  MAX_EVENT_BYTES,
  parseEvent,
  type ReceivedEvent,
  type Rejection,
} from './envelope.ts';
import type { Mappings, Translated } from './envelopes/mappings.ts';

/** The parts of a catalog by which posted events are checked. */
export interface EventRules {
  readonly validate: ValidateEvent;
  readonly mappings: Mappings;
}

/**
 * Parses one item of a request, in any of the three envelopes, as an event. Returns a rejection for an invalid item, whose path
 * is that of the item as posted. Never throws.
 * @param bounds absent: every time of the years 1 to 9999 is accepted
 * @param now time of an event whose envelope need not say one; undefined: it must
 */
export function parseItem(
  tenantId: string,
  item: unknown,
  { validate, mappings }: EventRules,
  bounds?: EventTimeBounds,
  now?: Millis,
): ReceivedEvent | Rejection {
  const translated = mappings.translate(item);
  if (!translated) return parseEvent(tenantId, item, validate, bounds);
  if (!('item' in translated)) {
    const path = redact(translated.path, 512);
    return { code: 'invalid_event', path, message: `${path} ${translated.message}` };
  }
  const identity = identify(translated);
  if ('code' in identity) return identity;
  const { item: found, origins, kind } = translated;
  const named = {
    ...identity,
    ...(typeof found.event_id === 'string' && { eventId: found.event_id.slice(0, 256).toWellFormed() }),
  };
  if (found.user_id === undefined) {
    const path = origins.get('user_id') as string;
    const message = `${path} is missing, so ${kind.name} names no user; say in events.yaml where it does, as in mapping: { user_id: { from: data.customer.id } }`;
    return { code: 'user_missing', path, message, ...toNamed(named) };
  }
  const timed = found.event_timestamp ?? (now === undefined ? undefined : isoTime(now));
  const own = {
    ...found,
    event_id: found.event_id ?? identity.contentHash,
    ...(timed !== undefined && { event_timestamp: timed }),
  };
  const parsed = parseEvent(tenantId, own, validate, bounds);
  if (isRejection(parsed)) return { ...toOriginal(parsed, translated), ...toNamed(named) };
  // The content that counts is the posted one: the same event is a duplicate also if the catalog maps it otherwise now.
  return { ...parsed, contentHash: identity.contentHash };
}

function toNamed({ eventId }: { readonly eventId?: string }): { readonly eventId?: string } {
  return eventId === undefined ? {} : { eventId };
}

/** Returns the hash of the whole original, or a rejection of content that cannot be stored. */
function identify({ kind, original }: Translated): { readonly contentHash: string } | Rejection {
  const content = { address: false, text: `${kind.type}\n`, values: 0 };
  try {
    canonicalize(original, '', '', content);
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    const path = redact(error.path, 512);
    return { code: 'invalid_content', path, message: `${path === '' ? 'This' : path} ${error.message}` };
  }
  if (content.text.length > MAX_EVENT_BYTES / 3 && Buffer.byteLength(content.text) > MAX_EVENT_BYTES) {
    const message = 'This event is larger than 1 MiB; shorten it, or send it as several events';
    return { code: 'invalid_content', path: '', message };
  }
  return { contentHash: contentUuid(content.text) };
}

/** Returns a rejection with the path of the original in place of that of the envelope of Tidings. */
function toOriginal(rejection: Rejection, { origins }: Translated): Rejection {
  const { path } = rejection;
  const known = [...origins.keys()]
    .filter((field) => path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`))
    .sort((a, b) => b.length - a.length)[0];
  if (known === undefined) return rejection;
  const original = (origins.get(known) as string) + path.slice(known.length);
  const message = rejection.message.startsWith(path)
    ? original + rejection.message.slice(path.length)
    : rejection.message;
  return { ...rejection, path: redact(original, 512), message };
}
