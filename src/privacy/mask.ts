import { INEXACT_NUMBER } from '../lib/text/exact-json.ts';
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

/**
 * Whether the text contains a phone number or an email address, as it is or percent-encoded. Cheap for most texts, which have
 * neither `@` nor `+` nor `%`.
 */
export function containsAddress(text: string): boolean {
  return containsPlainAddress(text) || (text.includes('%') && containsPlainAddress(decodePercent(text)));
}

function containsPlainAddress(text: string): boolean {
  if (text.includes('+') && (isPhone(text) || INTERNATIONAL.test(text))) return true;
  return text.includes('@') && EMAIL.test(text);
}

/** Returns the text with every address in it masked. A word with an address that is percent-encoded is decoded. */
export function maskText(text: string): string {
  if (!containsAddress(text)) return text;
  const decoded = decodeWords(text, containsPlainAddress);
  if (isPhone(decoded)) return maskPhone(decoded);
  return maskInternational(maskWords(decoded, (word) => EMAIL.test(word)));
}

function maskWords(text: string, isAddress: (word: string) => boolean): string {
  return text.replace(QUOTED_LOCAL, '"…"').replace(/\S+/g, (word) => {
    if (!word.includes('@') || !isAddress(word)) return word;
    // A phone number directly after an email address is split off, so that it is masked as well.
    const behind = word.indexOf('+', word.lastIndexOf('@'));
    return maskEmail(word) + (behind === -1 ? '' : word.slice(behind));
  });
}

/** Matches the part before the `@` of `"maria silva"@example.com`, which may have blanks. */
const QUOTED_LOCAL = /"[^"]{1,64}"(?=@[^\s@.]{1,63}\.)/g;

/** Returns the text with the words decoded that are addresses when decoded; the whole text if only all words together are. */
function decodeWords(text: string, isAddress: (decoded: string) => boolean): string {
  if (!text.includes('%')) return text;
  const words = text.replace(/\S+/g, (word) => {
    const decoded = word.includes('%') ? decodePercent(word) : word;
    return decoded !== word && isAddress(decoded) ? decoded : word;
  });
  const whole = decodePercent(words);
  return whole !== words && isAddress(whole) && !isAddress(words) ? whole : words;
}

/**
 * Decodes percent-encoding, also one that was encoded several times (`%2540`), in linear time. Control characters become
 * blanks; what is not UTF-8 stays, other than its ASCII.
 */
function decodePercent(text: string): string {
  if (!ESCAPE.test(text)) return text;
  return text
    .replace(/%(?:25)+(?=[\da-f]{2})/gi, '%')
    .replace(/(?:%[\da-f]{2})+/gi, (run) => toPrintable(decodeRun(run)));
}

const ESCAPE = /%[\da-f]{2}/i;

function decodeRun(run: string): string {
  try {
    return decodeURIComponent(run);
  } catch {
    return run.replace(/%([0-7][\da-f])/gi, (_, code) => String.fromCharCode(Number.parseInt(code, 16)));
  }
}

function toPrintable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: replaces control characters on purpose
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
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

/** A letter, digit or hyphen of a domain inside markup or a URL, where it may be percent-encoded. */
const DOMAIN_SIGN = String.raw`(?:[\p{L}\p{N}-]|%(?:[46][1-9a-f]|[57][\da]|3\d|2d|[89a-f][\da-f]))`;
/**
 * Matches the at sign and the domain of an email address inside markup or a URL: percent-encoded, also several times, as an
 * entity or as an escape of JavaScript. The domain has a letter at the start of its last part. All repetitions are bounded.
 */
const AT_DOMAIN = new RegExp(
  String.raw`(?:@|%(?:25){0,8}40|&#0{0,4}64;|&#x0{0,4}40;|&commat;|\\u0040)` +
    String.raw`(?:${DOMAIN_SIGN}{1,63}(?:\.|%(?:25){0,8}2e)){1,8}(?=\p{L}|%)${DOMAIN_SIGN}{2,63}`,
  'giu',
);
/** Matches a character of the part before the at sign; letters outside the first plane are two of them. */
const LOCAL_SIGN = /[\p{L}\p{N}\ud800-\udfff.!#$%'*+^_`{|}~-]/u;
const QUOTED_LOCAL_IN_MARKUP = /("|&quot;|%22)[^"<>&%]{1,64}(?:"|&quot;|%22)(?=@|%(?:25){0,8}40)/gi;
/** Matches a phone number in E.164 of which the plus sign or the separators are percent-encoded. */
const ENCODED_INTERNATIONAL =
  /(?:\+|%(?:25){0,8}2b|&#43;|&plus;|\\u002b)(?:\(|%(?:25){0,8}28)?[1-9](?:(?:[\s().-]|%(?:25){0,8}(?:20|28|29|2d|2e)){0,4}\d){6,14}/gi;

/**
 * Returns a rendered message as it may be shown: addresses masked, everything else as it was sent. Other than `maskText` it
 * keeps markup and links whole: `https://example.com/@jane.doe` is no address.
 */
export function maskMessage(text: string): string {
  if (!/[@+%&\\]/.test(text)) return text;
  const masked = maskEmailsInMarkup(text.replace(QUOTED_LOCAL_IN_MARKUP, '$1…'));
  return masked.replace(ENCODED_INTERNATIONAL, (number) =>
    maskPhone(
      number
        .replace(/^(?:%(?:25)*2b|&#43;|&plus;|\\u002b)/i, number.startsWith('&') ? '+' : '')
        .replace(/%(?:25)*[\da-f]{2}/gi, ' '),
    ),
  );
}

function maskEmailsInMarkup(text: string): string {
  let masked = '';
  let from = 0;
  for (const { 0: domain, index } of text.matchAll(AT_DOMAIN)) {
    let start = index;
    while (start > from && LOCAL_SIGN.test(text.charAt(start - 1))) start--;
    if (start === index) continue;
    masked += `${text.slice(from, start)}${String.fromCodePoint(text.codePointAt(start) as number)}…${domain}`;
    from = index + domain.length;
  }
  return masked + text.slice(from);
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
  const plain = decodeWords(shown, (word) => word.includes('@') || containsPlainAddress(word));
  const masked = maskInternational(maskWords(plain, () => true));
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
