import type { Json } from '../model.ts';

/** Anywhere in a word: something, an at sign, a domain with a dot. Bounded, so that no text takes long. */
const EMAIL_IN_WORD = /[^\s@]@[^\s@.]{1,63}(?:\.[^\s@.]{1,63}){1,8}/;
/** E.164 with the usual separators: a plus and 7 to 15 digits. */
const PHONE = /^\+[\d\s().-]{7,24}$/;

/** The second character of every e-mail mask: a mask is no address any more. */
const ELLIPSIS = 0x2026;

/** `maria@example.com` → `m…@example.com`. */
export function maskEmail(address: string): string {
  const at = address.lastIndexOf('@');
  return at < 1 ? '…' : `${String.fromCodePoint(address.codePointAt(0) as number)}…${address.slice(at)}`;
}

/** `+351912345678` → `+351…78`. */
export function maskPhone(number: string): string {
  const digits = number.replace(/\D/g, '');
  return digits.length < 7
    ? '…'
    : `${number.trim().startsWith('+') ? '+' : ''}${digits.slice(0, 3)}…${digits.slice(-2)}`;
}

/** Fields whose text is an address whatever it looks like. */
const ADDRESS_NAMES = new Set(
  'email email_address emailAddress e_mail phone phone_number phoneNumber mobile mobile_number mobileNumber telephone msisdn'.split(
    ' ',
  ),
);

/** The text stands under a name that promises an address, and is no mask. */
export function namedAddress(key: string, text: string): boolean {
  return ADDRESS_NAMES.has(key) && !text.includes('…');
}

/** The text is a phone number or holds an e-mail address. Cheap for all others: most have neither an `@` nor a leading `+`. */
export function holdsAddress(text: string): boolean {
  if (text.charCodeAt(0) === 43) return isPhone(text);
  return text.includes('@') && text.charCodeAt(1) !== ELLIPSIS && EMAIL_IN_WORD.test(text);
}

/** The text with every address in it masked. */
function maskText(text: string): string {
  if (isPhone(text)) return maskPhone(text);
  return text.replace(/\S+/g, (word) => (word.includes('@') && EMAIL_IN_WORD.test(word) ? maskEmail(word) : word));
}

/** A copy with every address replaced by its mask, also in keys. */
export function maskDeep(value: Json, key = ''): Json {
  if (typeof value === 'string') {
    if (namedAddress(key, value)) return value.includes('@') ? maskEmail(value) : maskPhone(value);
    return holdsAddress(value) ? maskText(value) : value;
  }
  if (Array.isArray(value)) return value.map((item) => maskDeep(item, key));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [holdsAddress(name) ? maskText(name) : name, maskDeep(item, name)]),
    );
  }
  return value;
}

const ADDRESS_LIKE_KEY = /mail|phone|mobile|address/i;

/** Bytes of JSON that are kept of what was refused, nearly: what marks a cut may come on top. */
const MAX_MASKED = 15 * 1024;
/** Of these, what the fields after a list or an object are left with. */
const KEPT_BACK = 1024;
const MAX_TEXT = 2000;
const MAX_ITEMS = 100;
const MAX_DEPTH = 8;

/**
 * For input of unknown shape (quarantine): also hides what sits under a key that promises an address, and addresses
 * inside longer texts, because what was refused may be refused for a malformed address. At most 16 KB as JSON; what is left
 * out is marked with `…`: at the end of a text, as the last item of a list, as the last key of an object.
 */
export function maskSuspicious(value: unknown, depth = 0, room = { left: MAX_MASKED }): Json {
  if (value !== null && typeof value === 'object' && depth <= MAX_DEPTH) {
    const nested = { left: depth === 0 ? room.left : Math.max(room.left / 2, room.left - KEPT_BACK) };
    room.left -= nested.left;
    const copy = Array.isArray(value) ? maskItems(value, depth, nested) : maskFields(value, depth, nested);
    room.left += nested.left - 3;
    return copy;
  }
  const masked = typeof value === 'string' ? shortened(maskLoose(value), room.left) : plain(value);
  room.left -= jsonBytes(masked) + 1;
  return masked;
}

function maskItems(list: readonly unknown[], depth: number, room: { left: number }): Json[] {
  const items: Json[] = [];
  for (const item of list) {
    if (items.length === MAX_ITEMS || room.left <= 0) {
      items.push('…');
      break;
    }
    items.push(maskSuspicious(item, depth + 1, room));
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
    const hidden = ADDRESS_LIKE_KEY.test(key) && typeof item !== 'object';
    fields.push([name, maskSuspicious(hidden ? '…' : item, depth + 1, room)]);
  }
  return Object.fromEntries(fields);
}

function plain(value: unknown): Json {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'boolean') return value;
  return value !== null && typeof value === 'object' ? '…' : null;
}

/** The text's beginning without anything like an address. */
function maskLoose(text: string): string {
  const whole = storableText(text);
  const shown = whole.length <= MAX_TEXT ? whole : `${whole.slice(0, MAX_TEXT).toWellFormed()}…`;
  return shown
    .replace(/\S+/g, (word) => (word.includes('@') ? maskEmail(word) : word))
    .replace(/\+?\d[\d\s().-]{6,}\d/g, (number) =>
      digitCount(number) >= 9 && !isDate(number) ? maskPhone(number) : number,
    );
}

/** To so many bytes of JSON; a text is short, and so nobody counts where exactly. */
function shortened(text: string, bytes: number): string {
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

/** What somebody else wrote, fit to be kept, logged and shown: short (in characters), without addresses. */
export function redact(text: string, longest = 500): string {
  const masked = maskSuspicious(text) as string;
  return masked.length > longest ? `${masked.slice(0, longest - 1).toWellFormed()}…` : masked;
}

/** What PostgreSQL cannot store becomes a visible replacement. */
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
