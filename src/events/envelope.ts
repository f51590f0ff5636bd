import { distance } from 'fastest-levenshtein';
import type { RejectionCode } from '../errors.ts';
import { ADDRESS_TRAITS, type AddressKind, type Event, type JsonObject, type ValidateEvent } from '../model/event.ts';
import { maskDeep, maskEmail, maskPhone, redact } from '../privacy/mask.ts';
import { parseTimestamp } from '../time/timestamp.ts';
import { type CanonicalWriter, ContentError, canonicalize, contentUuid, jsonText } from './content.ts';

/** An event as received: checked, identified, its addresses split off. */
export interface ReceivedEvent extends Event {
  /** The caller gave the id; otherwise it is derived from the content. */
  readonly hasCallerId: boolean;
  /** Of the whole content; two events with one id and different hashes are in conflict. */
  readonly contentHash: string;
  /** The event time in ISO 8601. */
  readonly at: string;
  /** The JSON text of `properties` and `traits`, and of the further fields of the envelope: made once, written as it is. */
  readonly propertiesText: string;
  readonly traitsText: string;
  readonly contextText: string | null;
  readonly addresses: readonly Address[];
}

export interface Address {
  readonly kind: AddressKind;
  readonly trait: string;
  /** Null: the trait says that there is none. */
  readonly value: string | null;
  /** Keyed, from when somebody first asks: every event says how its person is reached, and the hash is dearer than a rule. */
  hash: string | undefined;
}

export interface Rejection {
  readonly code: RejectionCode;
  /** `properties.amount`; empty when it is the event as a whole. */
  readonly path: string;
  readonly message: string;
}

const FIELDS = ['event_id', 'user_id', 'event_type', 'event_timestamp', 'properties', 'user_traits'] as const;

const KNOWN_FIELDS: ReadonlySet<string> = new Set(FIELDS);

/** Of the whole event, in bytes of UTF-8, without its blanks. */
const MAX_TEXT = 1024 * 1024;

/** What nearly all ids are. */
const PLAIN_ID = /^[ -~]{1,256}$/;

/** Control characters: C0, DEL and C1. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** One item of a request as an event, or the reason why not. Never throws, whatever the item is. */
export function parseEvent(tenantId: string, item: unknown, check: ValidateEvent): ReceivedEvent | Rejection {
  if (item === null || typeof item !== 'object' || Array.isArray(item)) {
    return reject(
      'invalid_event',
      '',
      `is ${nameOf(item)}; an event is an object with user_id, event_type and event_timestamp`,
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
      `${stamp === undefined ? 'is missing' : `is ${nameOf(stamp)}`}; write it like "2025-10-31T19:00:00Z"`,
    );
  }
  const when = parseTimestamp(stamp);
  if ('problem' in when) return reject('invalid_timestamp', 'event_timestamp', when.problem);

  const noObject = checkObject(envelope.properties, 'properties') ?? checkObject(envelope.user_traits, 'user_traits');
  if (noObject) return noObject;
  const extra = extraFields(envelope);
  for (const key of extra) {
    if (key === 'emitted_by')
      return reject('unknown_field', key, 'says which rule made an event: only Tidings writes it');
    const meant = FIELDS.find((field) => !(field in envelope) && isMisspelling(key, field));
    if (meant) return reject('unknown_field', key.slice(0, 256), `is not a field of an event; did you mean ${meant}?`);
  }

  const given = (envelope.user_traits ?? {}) as JsonObject;
  const { addresses, rest } = splitAddresses(given);
  // The same content, however its keys were ordered, has the same text. Ids and JSON text hold no newline.
  const content: CanonicalWriter = {
    address: false,
    text: `${userId}\n${type}\n${when.time}.${when.rest}\n`,
    values: valuesBeside(envelope, extra),
  };
  let properties: Part;
  let traits: Part;
  let context: Part | null = null;
  try {
    properties = readPart(envelope.properties ?? {}, 'properties', content);
    content.text += '\n';
    traits = readPart(rest, 'user_traits', content);
    content.text += '\n';
    if (extra.length > 0) {
      context = readPart(Object.fromEntries(extra.map((key) => [key, envelope[key]])), 'context', content);
    }
    for (const { trait, value } of addresses) {
      if (value !== null) canonicalize(value, 'user_traits', trait, { address: true, text: '', values: 0 });
      content.text += `\n${trait} ${value ?? ''}`;
    }
    // A character has three bytes at most for each of its UTF-16 units: nearly no text needs to be measured.
    if (content.text.length > MAX_TEXT / 3 && Buffer.byteLength(content.text) > MAX_TEXT) {
      throw new ContentError('', 'event is larger than 1 MiB; shorten it, or send it as several events');
    }
  } catch (error) {
    if (error instanceof ContentError) return reject('invalid_content', error.path.slice(0, 512), error.message);
    throw error;
  }
  const mismatch = check(type, properties.original, given);
  if (mismatch) return reject('schema_mismatch', mismatch.path, mismatch.message);

  const contentHash = contentUuid(content.text);
  const named = typeof envelope.event_id === 'string';
  return {
    tenantId,
    userId,
    eventId: named ? (envelope.event_id as string) : contentHash,
    key: named ? contentUuid(`id\n${envelope.event_id as string}`) : contentHash,
    hasCallerId: named,
    contentHash,
    type,
    time: when.time,
    at: when.at,
    properties: properties.stored,
    // Cut out of the whole only now that it was hashed: it is in one piece by then.
    propertiesText: textOf(properties, content.text),
    traits: traits.stored,
    traitsText: textOf(traits, content.text),
    contextText: context && textOf(context, content.text),
    addresses,
  };
}

/** JSON values of an event that `canonical` does not come by, less those that it counts and that are not there. */
function valuesBeside(envelope: object, extra: readonly string[]): number {
  const known = Object.keys(envelope).length - extra.length;
  // Itself, and its fields without `properties` and `user_traits`; what is beside them is counted as an object of its own.
  return known - 1 - (extra.length > 0 ? 1 : 0);
}

/** One of the objects of an event: as the caller sent it, and with addresses masked as it is stored. */
interface Part {
  readonly original: JsonObject;
  readonly stored: JsonObject;
  /** Where its text stands in that of the whole content; -1: it is stored otherwise than it was sent. */
  readonly from: number;
  readonly to: number;
}

/** Adds its text to that of the whole content. Throws ContentProblem. */
function readPart(value: unknown, path: string, content: CanonicalWriter): Part {
  const from = content.text.length;
  content.address = false;
  const original = canonicalize(value, path, '', content) as JsonObject;
  if (!content.address) return { original, stored: original, from, to: content.text.length };
  return { original, stored: maskDeep(original) as JsonObject, from: -1, to: -1 };
}

function textOf({ stored, from, to }: Part, content: string): string {
  return from === -1 ? jsonText(stored) : content.slice(from, to);
}

export function isRejection(read: ReceivedEvent | Rejection): read is Rejection {
  return 'code' in read;
}

/** The traits with each address replaced by its mask, and the addresses themselves. */
function splitAddresses(traits: JsonObject): Pick<ReceivedEvent, 'addresses'> & { rest: JsonObject } {
  const addresses: Address[] = [];
  let rest = traits;
  for (const trait in ADDRESS_TRAITS) {
    const given = traits[trait];
    if (given === undefined) continue;
    const kind = ADDRESS_TRAITS[trait] as AddressKind;
    // A phone number may come as a number. What else is no text says that there is no address, and is masked as any value.
    const text = typeof given === 'number' && Number.isFinite(given) ? String(given) : given;
    const value = typeof text === 'string' && text.trim() !== '' ? text.trim() : null;
    if (rest === traits) rest = { ...traits };
    if (value !== null) rest[trait] = kind === 'email' ? maskEmail(value) : maskPhone(value);
    else if (typeof text === 'string') rest[trait] = null;
    addresses.push({ kind, trait, value, hash: undefined });
  }
  return { addresses, rest };
}

function checkId(value: unknown, field: string, required: boolean): Rejection | null {
  if (typeof value === 'string' && PLAIN_ID.test(value)) return null;
  if (value === undefined || (value === null && !required)) {
    return required ? reject('invalid_event', field, 'is missing; a text of 1 to 256 characters is needed') : null;
  }
  if (typeof value !== 'string') {
    return reject('invalid_event', field, `is ${nameOf(value)}; a text of 1 to 256 characters is needed`);
  }
  if (value === '') return reject('invalid_id', field, 'is empty; 1 to 256 characters are needed');
  // Counted in UTF-16 units first: counting characters is only needed near the limit.
  if (value.length > 256 && (value.length > 512 || [...value].length > 256)) {
    return reject('invalid_id', field, 'is longer than 256 characters');
  }
  if (CONTROL.test(value)) return reject('invalid_id', field, 'has a control character');
  if (!value.isWellFormed())
    return reject('invalid_id', field, 'has half of a surrogate pair, which is not Unicode text');
  return null;
}

function checkObject(value: unknown, field: string): Rejection | null {
  if (value === undefined || value === null || (typeof value === 'object' && !Array.isArray(value))) return null;
  return reject('invalid_event', field, `is ${nameOf(value)}; an object is needed`);
}

const NONE: readonly string[] = [];

function extraFields(envelope: object): readonly string[] {
  let extra: string[] | undefined;
  for (const key of Object.keys(envelope)) {
    if (KNOWN_FIELDS.has(key)) continue;
    if (extra) extra.push(key);
    else extra = [key];
  }
  return extra ?? NONE;
}

function isMisspelling(key: string, field: string): boolean {
  const plain = key.toLowerCase().replace(/[^a-z]/g, '');
  return Math.abs(plain.length - field.length) <= 3 && distance(plain, field.replace('_', '')) <= 2;
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'string':
      return `text ("${shorten(value)}")`;
    case 'number':
    case 'boolean':
      return `the ${typeof value} ${String(value)}`;
    default:
      return `an ${typeof value}`;
  }
}

function shorten(text: string): string {
  return redact(text.replace(CONTROL, ' '), 40);
}

/** A path names keys, and a key may be an address. */
function reject(code: RejectionCode, path: string, message: string): Rejection {
  const at = redact(path, 512);
  return { code, path: at, message: at === '' ? `This ${message}` : `${at} ${message}` };
}
