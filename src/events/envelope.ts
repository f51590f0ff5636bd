import { distance } from 'fastest-levenshtein';
import type { RejectionCode } from '../errors.ts';
import {
  ADDRESS_TRAITS,
  type AddressKind,
  type Event,
  type Json,
  type JsonObject,
  type Millis,
  type ValidateEvent,
} from '../model/event.ts';
import { maskDeep, maskEmail, maskPhone, redact } from '../privacy/mask.ts';
import { isoTime } from '../time/iso-time.ts';
import { parseTimestamp } from '../time/timestamp.ts';
import { type CanonicalWriter, ContentError, canonicalize, contentUuid, jsonText } from './content.ts';
import { toCorrelation, toReadableContext } from './envelopes/context.ts';
import type { BesideEvent } from './own-events.ts';

/** A validated and identified event, with the addresses of its user extracted. */
export interface ReceivedEvent extends Event {
  /** True if the caller supplied the event ID; otherwise it is derived from the content. */
  readonly hasCallerId: boolean;
  /** Hash of the whole content. Two events with the same ID and different hashes conflict. */
  readonly contentHash: string;
  /** The event time in ISO 8601. */
  readonly at: string;
  /** JSON text of `properties`, `traits`, and the additional envelope fields, as it is stored: addresses are masked. */
  readonly propertiesText: string;
  readonly traitsText: string;
  readonly contextText: string | null;
  /** The correlation id by which the event is searched; null without one. */
  readonly correlationId: string | null;
  /** JSON text of a StoredContent, to be sealed beside these; null if they mask nothing but the user's addresses. */
  readonly sealText: string | null;
  readonly addresses: readonly Address[];
  /** Parts that are stored beside an event of Tidings itself, and are not in the event. */
  readonly beside?: BesideEvent;
}

/** An address trait of an event. */
export interface Address {
  readonly kind: AddressKind;
  readonly trait: string;
  /** Null if the event removes the address. */
  readonly value: string | null;
  /** The value of the trait, as posted. */
  readonly posted: Json;
  /** The value of the trait, as profiles have it. */
  readonly mask: Json;
  /**
   * HMAC of the address, computed lazily: most events repeat a known address, and the HMAC costs more than evaluating the
   * rules.
   */
  hash: string | undefined;
}

/** The original content of an event, as it is sealed. */
export interface StoredContent {
  readonly properties: JsonObject;
  readonly traits: JsonObject;
  readonly context?: JsonObject;
}

/** The reason why an item of a request is not a valid event. */
export interface Rejection {
  /** The id of the event, of an item in another envelope that names one. */
  readonly eventId?: string;
  readonly code: RejectionCode;
  /** Path of the offending value, `properties.amount`; empty for the event as a whole. */
  readonly path: string;
  readonly message: string;
}

const ENVELOPE_FIELDS = ['event_id', 'user_id', 'event_type', 'event_timestamp', 'properties', 'user_traits'] as const;

const KNOWN_ENVELOPE_FIELDS: ReadonlySet<string> = new Set(ENVELOPE_FIELDS);

/** Maximum size of an event: bytes of UTF-8, without insignificant white space. */
export const MAX_EVENT_BYTES = 1024 * 1024;

/** Fast path: the form of nearly all IDs. */
const PLAIN_ID = /^[ -~]{1,256}$/;

/** Control characters: C0, DEL and C1. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: matches control characters on purpose
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f]/;

/** The event times that are accepted, in ms; both ends included. */
export interface EventTimeBounds {
  readonly from: Millis;
  readonly to: Millis;
}

/**
 * Parses one item of a request as an event. Returns a rejection for an invalid item, and never throws.
 * @param bounds absent: every time of the years 1 to 9999 is accepted
 */
export function parseEvent(
  tenantId: string,
  item: unknown,
  validate: ValidateEvent,
  bounds?: EventTimeBounds,
): ReceivedEvent | Rejection {
  if (item === null || typeof item !== 'object' || Array.isArray(item)) {
    return reject(
      'invalid_event',
      '',
      `is ${describeValue(item)}; an event is an object with user_id, event_type and event_timestamp`,
    );
  }
  const envelope = item as { [key: string]: unknown };
  const wrongId =
    checkId(envelope.user_id, 'user_id', true) ??
    checkId(envelope.event_type, 'event_type', true) ??
    checkId(envelope.event_id, 'event_id', false);
  if (wrongId) return wrongId;
  const userId = envelope.user_id as string;
  const type = envelope.event_type as string;

  const stamp = envelope.event_timestamp;
  if (typeof stamp !== 'string') {
    return reject(
      stamp === undefined ? 'invalid_event' : 'invalid_timestamp',
      'event_timestamp',
      `${stamp === undefined ? 'is missing' : `is ${describeValue(stamp)}`}; write it like "2025-10-31T19:00:00Z"`,
    );
  }
  const timestamp = parseTimestamp(stamp);
  if ('problem' in timestamp) return reject('invalid_timestamp', 'event_timestamp', timestamp.problem);
  const outside = bounds && checkBounds(timestamp.time, bounds);
  if (outside) return outside;

  const notAnObject =
    checkObject(envelope.properties, 'properties') ?? checkObject(envelope.user_traits, 'user_traits');
  if (notAnObject) return notAnObject;
  const extra = findExtraFields(envelope);
  const givenContext = extra.length > 0 ? getContext(envelope) : undefined;
  for (const key of givenContext ? [...extra, ...Object.keys(givenContext).filter(isReserved)] : extra) {
    if (isReserved(key))
      return reject('unknown_field', key, 'records the rule that emitted an event; only Tidings may write it');
    const meant = ENVELOPE_FIELDS.find((field) => !(field in envelope) && isMisspelling(key, field));
    if (meant) return reject('unknown_field', key.slice(0, 256), `is not a field of an event; did you mean ${meant}?`);
  }

  const given = (envelope.user_traits ?? {}) as JsonObject;
  const { addresses, rest } = splitAddresses(given);
  // Equal content has equal text, whatever the order of its keys. IDs and JSON text contain no newline.
  const content: CanonicalWriter = {
    address: false,
    text: `${userId}\n${type}\n${timestamp.time}.${timestamp.rest}\n`,
    values: countEnvelopeValues(envelope, extra),
  };
  let properties: Part;
  let traits: Part;
  let context: Part | null = null;
  try {
    properties = parsePart(envelope.properties ?? {}, 'properties', content);
    content.text += '\n';
    traits = parsePart(rest, 'user_traits', content);
    content.text += '\n';
    if (extra.length > 0) {
      context = parsePart(toContext(envelope, extra, givenContext), 'context', content);
    }
    for (const { trait, value } of addresses) {
      if (value !== null) canonicalize(value, 'user_traits', trait, { address: true, text: '', values: 0 });
      content.text += `\n${trait} ${value ?? ''}`;
    }
    // A UTF-16 unit takes at most three bytes in UTF-8, so hardly any text needs to be measured.
    if (content.text.length > MAX_EVENT_BYTES / 3 && Buffer.byteLength(content.text) > MAX_EVENT_BYTES) {
      throw new ContentError('', 'event is larger than 1 MiB; shorten it, or send it as several events');
    }
  } catch (error) {
    if (error instanceof ContentError) return reject('invalid_content', error.path.slice(0, 512), error.message);
    throw error;
  }
  const mismatch = validate(type, properties.original, given);
  if (mismatch) return reject('schema_mismatch', mismatch.path, mismatch.message);

  const contentHash = contentUuid(content.text);
  const named = typeof envelope.event_id === 'string';
  return {
    tenantId,
    userId,
    eventId: named ? (envelope.event_id as string) : contentHash,
    key: named ? toEventKey(envelope.event_id as string) : contentHash,
    hasCallerId: named,
    contentHash,
    type,
    time: timestamp.time,
    at: timestamp.at,
    properties: properties.original,
    // Sliced after hashing, which has flattened the concatenated string.
    propertiesText: getPartText(properties, content.text),
    traits: traits.original,
    traitsText: getPartText(traits, content.text),
    contextText: context && getPartText(context, content.text),
    context: context ? toReadableContext(context.original, context.to - context.from) : undefined,
    correlationId: context ? toCorrelation(context.original.correlation_id) : null,
    sealText: toSealText(properties, traits, context, addresses),
    addresses,
  };
}

/** Returns the key of an event whose caller gave its id. */
export function toEventKey(eventId: string): string {
  return contentUuid(`id\n${eventId}`);
}

/**
 * Returns the event with the user's addresses in `traits` as they were posted, for a catalog that reads them there. They are
 * then sealed with the event, which costs some microseconds: see docs/design.md.
 */
export function withPostedAddresses(event: ReceivedEvent): ReceivedEvent {
  if (event.addresses.length === 0) return event;
  const traits = restoreAddresses(event.traits, event.addresses);
  return { ...event, traits, sealText: event.sealText ?? jsonText({ properties: event.properties, traits }) };
}

function restoreAddresses(traits: JsonObject, addresses: readonly Address[]): JsonObject {
  return { ...traits, ...Object.fromEntries(addresses.map(({ trait, posted }) => [trait, posted])) };
}

function toSealText(
  properties: Part,
  traits: Part,
  context: Part | null,
  addresses: readonly Address[],
): string | null {
  if (!properties.isMasked && !traits.isMasked && !context?.isMasked) return null;
  const content: StoredContent = {
    properties: properties.original,
    traits: restoreAddresses(traits.original, addresses),
    ...(context && { context: context.original }),
  };
  return jsonText(content as unknown as Json);
}

/** Counts the JSON values of an envelope that `canonicalize` does not visit, minus those that it counts but that are absent. */
function countEnvelopeValues(envelope: object, extra: readonly string[]): number {
  const known = Object.keys(envelope).length - extra.length;
  // The envelope and its fields except `properties` and `user_traits`; additional fields are counted as an object of their own.
  return known - 1 - (extra.length > 0 ? 1 : 0);
}

/** One of the objects of an event, as posted. */
interface Part {
  readonly original: JsonObject;
  /** Whether it has addresses, which are masked where it is stored. */
  readonly isMasked: boolean;
  /** Range of its text within the text of the whole content. */
  readonly from: number;
  readonly to: number;
}

/** Appends the text of the part to that of the whole content. Throws ContentError. */
function parsePart(value: unknown, path: string, content: CanonicalWriter): Part {
  const from = content.text.length;
  content.address = false;
  const original = canonicalize(value, path, '', content) as JsonObject;
  return { original, isMasked: content.address, from, to: content.text.length };
}

/** Returns the text of a part as it is stored. */
function getPartText({ original, isMasked, from, to }: Part, content: string): string {
  return isMasked ? jsonText(maskDeep(original)) : content.slice(from, to);
}

/** Tells a rejection from an event. */
export function isRejection(read: ReceivedEvent | Rejection): read is Rejection {
  return 'code' in read;
}

/** Extracts the addresses from traits; `rest` has a mask in the place of each. */
function splitAddresses(traits: JsonObject): Pick<ReceivedEvent, 'addresses'> & { rest: JsonObject } {
  const addresses: Address[] = [];
  let rest = traits;
  for (const trait in ADDRESS_TRAITS) {
    const given = traits[trait];
    if (given === undefined) continue;
    const kind = ADDRESS_TRAITS[trait] as AddressKind;
    // A phone number may be a JSON number. Any other type removes the address, and is masked like any value.
    const text = typeof given === 'number' && Number.isFinite(given) ? String(given) : given;
    const value = typeof text === 'string' && text.trim() !== '' ? text.trim() : null;
    if (rest === traits) rest = { ...traits };
    if (value !== null) rest[trait] = kind === 'email' ? maskEmail(value) : maskPhone(value);
    else if (typeof text === 'string') rest[trait] = null;
    addresses.push({ kind, trait, value, posted: given, mask: rest[trait] ?? null, hash: undefined });
  }
  return { addresses, rest };
}

function checkBounds(time: Millis, { from, to }: EventTimeBounds): Rejection | null {
  if (time < from) {
    const text = `is before ${isoTime(from).slice(0, 10)}; send the time at which the event happened`;
    return reject('invalid_timestamp', 'event_timestamp', text);
  }
  if (time <= to) return null;
  const text = `is in the future: this server accepts times up to ${isoTime(to)}; check the clock and the zone of the sender`;
  return reject('event_in_future', 'event_timestamp', text);
}

function checkId(value: unknown, field: string, required: boolean): Rejection | null {
  if (typeof value === 'string' && PLAIN_ID.test(value)) return null;
  if (value === undefined || (value === null && !required)) {
    return required ? reject('invalid_event', field, 'is missing; a text of 1 to 256 characters is needed') : null;
  }
  if (typeof value !== 'string') {
    return reject('invalid_event', field, `is ${describeValue(value)}, but must be a text of 1 to 256 characters`);
  }
  if (value === '') return reject('invalid_id', field, 'is empty; 1 to 256 characters are needed');
  // UTF-16 units first: counting characters is needed only near the limit.
  if (value.length > 256 && (value.length > 512 || [...value].length > 256)) {
    return reject('invalid_id', field, 'is longer than 256 characters');
  }
  if (CONTROL_CHARACTERS.test(value)) return reject('invalid_id', field, 'has a control character');
  if (!value.isWellFormed())
    return reject('invalid_id', field, 'has half of a surrogate pair, which is not Unicode text');
  return null;
}

function checkObject(value: unknown, field: string): Rejection | null {
  if (value === undefined || value === null || (typeof value === 'object' && !Array.isArray(value))) return null;
  return reject('invalid_event', field, `is ${describeValue(value)}, but must be an object`);
}

const NO_FIELDS: readonly string[] = [];

function findExtraFields(envelope: object): readonly string[] {
  let extra: string[] | undefined;
  for (const key of Object.keys(envelope)) {
    if (KNOWN_ENVELOPE_FIELDS.has(key)) continue;
    if (extra) extra.push(key);
    else extra = [key];
  }
  return extra ?? NO_FIELDS;
}

/** The field in which Tidings records the rule that emitted an event. */
function isReserved(key: string): boolean {
  return key === 'emitted_by';
}

/** Returns the field `context` if it is an object: its members are context like the additional fields beside it. */
function getContext({ context }: { readonly [key: string]: unknown }): object | undefined {
  return typeof context === 'object' && context !== null && !Array.isArray(context) ? context : undefined;
}

function toContext(envelope: { readonly [key: string]: unknown }, extra: readonly string[], given: object | undefined) {
  const beside = extra.filter((key) => !given || key !== 'context').map((key) => [key, envelope[key]]);
  return { ...Object.fromEntries(beside), ...given };
}

function isMisspelling(key: string, field: string): boolean {
  const plain = key.toLowerCase().replace(/[^a-z]/g, '');
  return Math.abs(plain.length - field.length) <= 3 && distance(plain, field.replace('_', '')) <= 2;
}

function describeValue(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'string':
      return `text ("${shortenText(value)}")`;
    case 'number':
    case 'boolean':
      return `the ${typeof value} ${String(value)}`;
    default:
      return `an ${typeof value}`;
  }
}

function shortenText(text: string): string {
  return redact(text.replace(CONTROL_CHARACTERS, ' '), 40);
}

/** Builds a rejection. The path is masked, because a key may itself be an address. */
function reject(code: RejectionCode, path: string, message: string): Rejection {
  const at = redact(path, 512);
  return { code, path: at, message: at === '' ? `This ${message}` : `${at} ${message}` };
}
