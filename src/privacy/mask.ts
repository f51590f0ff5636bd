import { INEXACT_NUMBER } from '../lib/exact-json.ts';
import type { Json } from '../model/event.ts';

/**
 * Matches an email address anywhere in a text: a character, an at sign, a domain with a dot; excludes masks made by
 * `maskEmail`. All repetitions are bounded, so that matching takes linear time.
 */
const EMAIL = /[^\s@]@(?<!(?<!\S)\S…@)[^\s@.]{1,63}(?:\.[^\s@.]{1,63}){1,8}/u;
/**
 * Matches a phone number anywhere in a text: E.164 with the usual separators. The first digit excludes zone offsets such as
 * `+0100`. Repetitions are bounded.
 */
const INTERNATIONAL = /\+\(?[1-9](?:[\s().-]{0,4}\d){6,14}/;
const EVERY_INTERNATIONAL = new RegExp(INTERNATIONAL, 'g');
/** Matches a text that is a phone number as a whole: a plus sign and digits with any separators. */
const PHONE = /^\+[\d\s().-]{7,24}$/;
/** Matches a text that is a mask as a whole. */
const MASK = /^(?:…|\+?\d{3}…\d\d|.…@[^\s@+]*)$/su;

/** Masks an email address: `maria@example.com` → `m…@example.com`. Text after the domain is dropped. */
export function maskEmail(address: string): string {
  const at = address.lastIndexOf('@');
  if (at < 1) return '…';
  const [domain] = /^[^\s+]*/.exec(address.slice(at)) as RegExpExecArray;
  return `${String.fromCodePoint(address.codePointAt(0) as number)}…${domain}`;
}

/** Masks a phone number: `+351912345678` → `+351…78`; fewer than 7 digits → `…`. */
export function maskPhone(number: string): string {
  const digits = number.replace(/\D/g, '');
  return digits.length < 7
    ? '…'
    : `${number.trim().startsWith('+') ? '+' : ''}${digits.slice(0, 3)}…${digits.slice(-2)}`;
}

/** Names of fields whose value is treated as an address in any form: email, Email_Address, phoneNumber, mobile, phones. */
const ADDRESS_NAME =
  /^(?:e[_-]?mails?(?:[_-]?address(?:es)?)?|(?:phone|mobile|telephone)s?(?:[_-]?numbers?)?|msisdns?)$/i;

/** Smallest JSON number that can be a phone number; smaller ones need no check of their name. */
const MIN_PHONE_NUMBER = 1_000_000;

/** Whether the name of the field says that the value is an address, and the value is not already a mask. */
export function isAddressName(name: string, value: string | number): boolean {
  if (typeof value === 'number') return Math.abs(value) >= MIN_PHONE_NUMBER && ADDRESS_NAME.test(name);
  return ADDRESS_NAME.test(name) && !MASK.test(value);
}

/** Whether the text contains a phone number or an email address. Cheap for most texts, which have neither `@` nor `+`. */
export function containsAddress(text: string): boolean {
  if (text.includes('+') && (isPhone(text) || INTERNATIONAL.test(text))) return true;
  return text.includes('@') && EMAIL.test(text);
}

/** Returns the text with every address in it masked. */
export function maskText(text: string): string {
  if (!containsAddress(text)) return text;
  if (isPhone(text)) return maskPhone(text);
  return maskInternational(maskWords(text, (word) => EMAIL.test(word)));
}

function maskWords(text: string, isAddress: (word: string) => boolean): string {
  return text.replace(/\S+/g, (word) => {
    if (!word.includes('@') || !isAddress(word)) return word;
    // A phone number directly after an email address is split off, so that it is masked as well.
    const behind = word.indexOf('+', word.lastIndexOf('@'));
    return maskEmail(word) + (behind === -1 ? '' : word.slice(behind));
  });
}

function maskInternational(text: string): string {
  return text.replace(EVERY_INTERNATIONAL, maskPhone);
}

/** Returns a copy with every address replaced by its mask, also in keys. @param key name of the enclosing field */
export function maskDeep(value: Json, key = ''): Json {
  if (typeof value === 'string') {
    if (isAddressName(key, value)) return value.includes('@') ? maskEmail(value) : maskPhone(value);
    return maskText(value);
  }
  if (typeof value === 'number') return isAddressName(key, value) ? maskPhone(String(value)) : value;
  if (Array.isArray(value)) return value.map((item) => maskDeep(item, key));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [maskText(name), maskDeep(item, name)]));
  }
  return value;
}

/** Whether `maskDeep` would change the value. Allocates nothing. @param name name of the enclosing field */
export function hasAddress(value: Json | undefined, name = ''): boolean {
  if (typeof value === 'string') return isAddressName(name, value) || containsAddress(value);
  if (typeof value === 'number') return isAddressName(name, value);
  if (value === null || typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.some((item) => hasAddress(item, name));
  for (const key in value) {
    if (Object.hasOwn(value, key) && (containsAddress(key) || hasAddress(value[key], key))) return true;
  }
  return false;
}

/** Returns a document as it may be shown: with addresses masked, or the document itself if nothing in it is masked. */
export function maskDocument<T extends Json>(document: T): T {
  return hasAddress(document) ? (maskDeep(document) as T) : document;
}

/** Returns the mask of an address trait. A mask stays as it is; a value that is no address, such as a list, too. */
export function maskAddressTrait(kind: 'email' | 'phone', value: Json): Json {
  const text = typeof value === 'number' && Number.isFinite(value) ? String(value) : value;
  if (typeof text !== 'string') return value;
  const address = text.trim();
  if (address === '') return null;
  if (MASK.test(address)) return address;
  return kind === 'email' ? maskEmail(address) : maskPhone(address);
}

/** Whether the text is a mask as a whole. */
export function isMask(value: Json | undefined): boolean {
  return typeof value === 'string' && MASK.test(value);
}

/**
 * Matches an email address inside markup or a URL, where it may be percent-encoded: a local part of the usual characters,
 * and a domain with letters at its end. All repetitions are bounded.
 */
const EMAIL_IN_MARKUP =
  /(?<![\p{L}\p{N}.!#$%'*+^_`{|}~-])([\p{L}\p{N}.!#$%'*+^_`{|}~-])[\p{L}\p{N}.!#$%'*+^_`{|}~-]{0,63}(@|%40)((?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}[\p{L}\p{N}-]{1,62})/giu;
/** Matches a percent-encoded phone number in E.164. */
const ENCODED_INTERNATIONAL = /%2B([1-9]\d{6,14})/gi;

/**
 * Returns a rendered message as it may be shown: addresses masked, everything else as it was sent. Other than `maskText` it
 * keeps markup and links whole: `https://example.com/@jane.doe` is no address.
 */
export function maskMessage(text: string): string {
  let masked = text;
  if (text.includes('@') || text.includes('%40')) masked = masked.replace(EMAIL_IN_MARKUP, '$1…$2$3');
  if (text.includes('+')) masked = maskInternational(masked);
  return masked.includes('%2') ? masked.replace(ENCODED_INTERNATIONAL, (_, number) => maskPhone(number)) : masked;
}

const ADDRESS_LIKE_KEY = /mail|phone|mobile|address/i;

/** Bytes of JSON kept of an untrusted value; truncation marks may be added on top. */
const MAX_MASKED_BYTES = 15 * 1024;
/** Bytes reserved for the fields that follow a nested list or object. */
const RESERVED_BYTES = 1024;
const MAX_TEXT_CHARS = 2000;
const MAX_ITEMS = 100;
const MAX_DEPTH = 8;

/**
 * Masks input of unknown shape, such as a rejected event. Also hides values whose key suggests an address, and anything in
 * a text that resembles an address, because the event may have been rejected for a malformed one. Returns at most 16 KB of
 * JSON; omitted parts are marked with `…` at the end of a text, as the last item of a list, or as the last key of an object.
 */
export function maskUntrusted(value: unknown, depth = 0, key = '', room = { left: MAX_MASKED_BYTES }): Json {
  if (value !== null && typeof value === 'object' && depth <= MAX_DEPTH) {
    if (INEXACT_NUMBER in value) return maskUntrusted(value[INEXACT_NUMBER], depth, key, room);
    const nested = { left: depth === 0 ? room.left : Math.max(room.left / 2, room.left - RESERVED_BYTES) };
    room.left -= nested.left;
    const copy = Array.isArray(value) ? maskItems(value, depth, key, nested) : maskFields(value, depth, nested);
    room.left += nested.left - 3;
    return copy;
  }
  const masked = depth > MAX_DEPTH ? '…' : maskPlain(value, key, room.left);
  room.left -= jsonBytes(masked) + 1;
  return masked;
}

function maskItems(list: readonly unknown[], depth: number, key: string, room: { left: number }): Json[] {
  const items: Json[] = [];
  for (const item of list) {
    if (items.length === MAX_ITEMS || room.left <= 0) {
      items.push('…');
      break;
    }
    items.push(maskUntrusted(item, depth + 1, key, room));
  }
  return items;
}

function maskFields(object: object, depth: number, room: { left: number }): Json {
  const fields: [string, Json][] = [];
  for (const [key, item] of Object.entries(object)) {
    const name = redact(key, 256);
    const bytes = jsonBytes(name) + 1;
    if (fields.length === MAX_ITEMS || room.left <= bytes) {
      fields.push(['…', '…']);
      break;
    }
    room.left -= bytes;
    fields.push([name, maskUntrusted(item, depth + 1, key, room)]);
  }
  return Object.fromEntries(fields);
}

function maskPlain(value: unknown, key: string, room: number): Json {
  if (typeof value !== 'object' && ADDRESS_LIKE_KEY.test(key)) return '…';
  if (typeof value === 'string') return truncateToBytes(maskLoose(value), room);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  return typeof value === 'boolean' ? value : null;
}

/** Returns the beginning of the text, with anything that resembles an address masked. */
function maskLoose(text: string): string {
  const whole = storableText(text);
  const shown = whole.length <= MAX_TEXT_CHARS ? whole : `${whole.slice(0, MAX_TEXT_CHARS).toWellFormed()}…`;
  const masked = maskInternational(maskWords(shown, () => true));
  return masked.replace(/\d[\d\s().-]{6,}\d/g, (number) =>
    digitCount(number) >= 9 && !isDate(number) ? maskPhone(number) : number,
  );
}

/** Truncates a text to at most `bytes` bytes of JSON, by halving it until it fits. */
function truncateToBytes(text: string, bytes: number): string {
  let shown = text;
  for (let end = text.length; end > 0 && jsonBytes(shown) > bytes; ) {
    end = Math.floor(end / 2);
    shown = `${text.slice(0, end).toWellFormed()}…`;
  }
  return shown;
}

function jsonBytes(value: Json): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** Makes an untrusted text safe to store, log and show: addresses masked, at most `longest` characters. */
export function redact(text: string, longest = 500): string {
  const masked = maskUntrusted(text) as string;
  return masked.length > longest ? `${masked.slice(0, longest - 1).toWellFormed()}…` : masked;
}

/** Replaces characters that PostgreSQL cannot store by U+FFFD. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}

function isPhone(text: string): boolean {
  return text.charCodeAt(0) === 43 && PHONE.test(text) && digitCount(text) >= 7;
}

function digitCount(text: string): number {
  return text.replace(/\D/g, '').length;
}

function isDate(text: string): boolean {
  return /^\d{4}-\d\d-\d\d/.test(text);
}
