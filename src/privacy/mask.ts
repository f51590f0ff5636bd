import type { Json } from '../model/event.ts';

/**
 * Anywhere in a text: something, an at sign, a domain with a dot; but not what `maskEmail` makes of a word. Bounded, so that
 * no text takes long.
 */
const EMAIL = /[^\s@]@(?<!(?<!\S)\S…@)[^\s@.]{1,63}(?:\.[^\s@.]{1,63}){1,8}/u;
/** Anywhere in a text: E.164 with the usual separators, so that of +0100 and a year behind a time nothing is made. Bounded, too. */
const INTERNATIONAL = /\+\(?[1-9](?:[\s().-]{0,4}\d){6,14}/;
const EVERY_INTERNATIONAL = new RegExp(INTERNATIONAL, 'g');
/** As a whole: a plus and digits, however they are parted. */
const PHONE = /^\+[\d\s().-]{7,24}$/;
/** As a whole: what is masked already. */
const MASK = /^(?:…|\+?\d{3}…\d\d|.…@[^\s@+]*)$/su;

/** `maria@example.com` → `m…@example.com`. What stands behind the domain may be anything, and goes. */
export function maskEmail(address: string): string {
  const at = address.lastIndexOf('@');
  if (at < 1) return '…';
  const [domain] = /^[^\s+]*/.exec(address.slice(at)) as RegExpExecArray;
  return `${String.fromCodePoint(address.codePointAt(0) as number)}…${domain}`;
}

/** `+351912345678` → `+351…78`. */
export function maskPhone(number: string): string {
  const digits = number.replace(/\D/g, '');
  return digits.length < 7
    ? '…'
    : `${number.trim().startsWith('+') ? '+' : ''}${digits.slice(0, 3)}…${digits.slice(-2)}`;
}

/** Fields whose value is an address whatever it looks like, in any spelling: email, Email_Address, phoneNumber, mobile, phones. */
const ADDRESS_NAME =
  /^(?:e[_-]?mails?(?:[_-]?address(?:es)?)?|(?:phone|mobile|telephone)s?(?:[_-]?numbers?)?|msisdns?)$/i;

/** No phone number is smaller: so that amounts need no look at their name. */
const SMALLEST_NUMBER = 1_000_000;

/** The value stands under a name that promises an address, and is no mask. */
export function isAddressName(name: string, value: string | number): boolean {
  if (typeof value === 'number') return Math.abs(value) >= SMALLEST_NUMBER && ADDRESS_NAME.test(name);
  return ADDRESS_NAME.test(name) && !MASK.test(value);
}

/** The text is or holds a phone number or an e-mail address. Cheap for all others: most have neither an `@` nor a `+`. */
export function containsAddress(text: string): boolean {
  if (text.includes('+') && (isPhone(text) || INTERNATIONAL.test(text))) return true;
  return text.includes('@') && EMAIL.test(text);
}

/** The text with every address in it masked. */
export function maskText(text: string): string {
  if (!containsAddress(text)) return text;
  if (isPhone(text)) return maskPhone(text);
  return maskInternational(maskWords(text, (word) => EMAIL.test(word)));
}

function maskWords(text: string, isAddress: (word: string) => boolean): string {
  return text.replace(/\S+/g, (word) => {
    if (!word.includes('@') || !isAddress(word)) return word;
    // A number glued to an address is told apart from it, so that it is masked as one, too.
    const behind = word.indexOf('+', word.lastIndexOf('@'));
    return maskEmail(word) + (behind === -1 ? '' : word.slice(behind));
  });
}

function maskInternational(text: string): string {
  return text.replace(EVERY_INTERNATIONAL, maskPhone);
}

/** A copy with every address replaced by its mask, also in keys. */
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
export function maskUntrusted(value: unknown, depth = 0, key = '', room = { left: MAX_MASKED }): Json {
  if (value !== null && typeof value === 'object' && depth <= MAX_DEPTH) {
    const nested = { left: depth === 0 ? room.left : Math.max(room.left / 2, room.left - KEPT_BACK) };
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
  if (typeof value === 'string') return shortened(maskLoose(value), room);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  return typeof value === 'boolean' ? value : null;
}

/** The text's beginning without anything like an address. */
function maskLoose(text: string): string {
  const whole = storableText(text);
  const shown = whole.length <= MAX_TEXT ? whole : `${whole.slice(0, MAX_TEXT).toWellFormed()}…`;
  const masked = maskInternational(maskWords(shown, () => true));
  return masked.replace(/\d[\d\s().-]{6,}\d/g, (number) =>
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
  const masked = maskUntrusted(text) as string;
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
