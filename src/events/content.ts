import { hash } from 'node:crypto';
import type { Json, JsonObject } from '../model/event.ts';
import { containsAddress, isAddressName } from '../privacy/mask.ts';

/** Deeper than this, nobody writes a rule about it, and recursion elsewhere stays safe. */
const MAX_DEPTH = 32;

/** JSON values in an event. Each takes memory of its own, again and again: `[{},{},…]` grows twentyfold when it is read. */
const MAX_VALUES = 100_000;

/** What cannot be stored, and where. */
export class ContentError extends Error {
  readonly path: string;

  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

/** What `canonical` writes on its way. */
export interface CanonicalWriter {
  /** The JSON text, as `jsonText` writes it. */
  text: string;
  /** There is an address in it. */
  address: boolean;
  /** How many JSON values are in it, nested ones as well. */
  values: number;
}

/**
 * The value with the keys of every object in order, so that equal content has equal text, and that text; itself where
 * they are in order. On the way it refuses what PostgreSQL or JSON cannot keep as it is (throws ContentProblem): the
 * input is a caller's. All of it in one pass, for it is the dearest part of reading an event.
 *
 * @param parent, key where the value stands; joined only where somebody asks, for this runs on every field
 * @param name of the field it stands in; that of a list is that of its items
 */
export function canonicalize(
  value: unknown,
  parent: string,
  key: string,
  written: CanonicalWriter,
  depth = 0,
  name = key,
): Json {
  if (++written.values > MAX_VALUES) {
    const most = MAX_VALUES.toLocaleString('en');
    throw new ContentError('', `event has more than ${most} values, nested ones counted; send it as several events`);
  }
  switch (typeof value) {
    case 'string':
      written.text += PLAIN.test(value) ? `"${value}"` : quotedWithCare(value, parent, key, written);
      if (!written.address && isAddressName(name, value)) written.address = true;
      return value;
    case 'number':
      if (!Number.isFinite(value))
        throw new ContentError(join(parent, key), 'is too large for a number (beyond 1.8e308)');
      written.text += value;
      if (!written.address && isAddressName(name, value)) written.address = true;
      return value;
    case 'boolean':
      written.text += value;
      return value;
    default:
      if (value === null || value === undefined) {
        written.text += 'null';
        return null;
      }
  }
  const path = join(parent, key);
  if (depth >= MAX_DEPTH) throw new ContentError(path, `is nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) return items(value, path, written, depth, name);
  return inOrder(value as JsonObject, path, written, depth);
}

function items(list: readonly unknown[], path: string, written: CanonicalWriter, depth: number, name: string): Json[] {
  written.text += '[';
  const copy = list.map((item, index) => {
    if (index > 0) written.text += ',';
    return canonicalize(item, path, `[${index}]`, written, depth + 1, name);
  });
  written.text += ']';
  return copy;
}

function inOrder(object: JsonObject, path: string, written: CanonicalWriter, depth: number): JsonObject {
  const names = Object.keys(object);
  let copy: JsonObject | undefined;
  if (!isSorted(names)) {
    sort(names);
    copy = {};
  }
  written.text += '{';
  for (let place = 0; place < names.length; place++) {
    const name = names[place] as string;
    if (place > 0) written.text += ',';
    written.text += nameText(name, path, written);
    const item = canonicalize(object[name], path, name, written, depth + 1);
    if (copy === undefined && item !== object[name]) {
      copy = {};
      for (const before of names.slice(0, place)) copy[before] = object[before] as Json;
    }
    if (copy !== undefined) copy[name] = item;
  }
  written.text += '}';
  return copy ?? object;
}

/** What is written again and again. Short, and so many of each: they are callers' texts. */
const MOST = 10_000;
const SHORT = 100;
/** Names of fields that need nothing, ready to write. */
const plainNames = new Map<string, string>();
/** Masks, which are as few as the domains of addresses times the letters they begin with. */
const quotedMasks = new Map<string, string>();

function nameText(name: string, path: string, written: CanonicalWriter): string {
  const known = plainNames.get(name);
  if (known !== undefined) return known;
  // Assigning this key would change the copy's prototype instead of adding a field.
  if (name === '__proto__') throw new ContentError(join(path, name), 'is a name that cannot be used');
  if (!PLAIN.test(name)) return `${quotedWithCare(name, path, '', written)}:`;
  const text = `"${name}":`;
  if (name.length <= SHORT) keep(plainNames, name, text);
  return text;
}

/** A text that is not plain. */
function quotedWithCare(text: string, parent: string, key: string, written: CanonicalWriter): string {
  const known = quotedMasks.get(text);
  if (known !== undefined) return known;
  checkText(text, parent, key);
  const address = containsAddress(text);
  if (address) written.address = true;
  if (address || text.length > SHORT || !text.includes('…')) return jsonText(text);
  // By way of bytes: what is cut out of a text of two-byte characters has two-byte characters itself.
  return keep(quotedMasks, text, Buffer.from(jsonText(text)).toString());
}

function keep(texts: Map<string, string>, key: string, text: string): string {
  if (texts.size >= MOST) texts.clear();
  texts.set(key, text);
  return text;
}

function isSorted(names: readonly string[]): boolean {
  for (let place = 1; place < names.length; place++) {
    if ((names[place - 1] as string) > (names[place] as string)) return false;
  }
  return true;
}

/** By UTF-16 units, in place. Most objects have a handful of names; for them this takes a tenth of what `sort` takes. */
function sort(names: string[]): void {
  if (names.length > 16) {
    names.sort();
    return;
  }
  for (let i = 1; i < names.length; i++) {
    const name = names[i] as string;
    let at = i;
    for (; at > 0 && (names[at - 1] as string) > name; at--) names[at] = names[at - 1] as string;
    names[at] = name;
  }
}

/** Nothing to escape or to look at more closely: ASCII without controls, quotes, backslashes, at signs, plus signs. */
const PLAIN = /^[ !#-*,-?A-[\]-~]*$/;

function join(parent: string, key: string): string {
  if (parent === '' || key === '') return parent + key;
  return key.startsWith('[') ? parent + key : `${parent}.${key}`;
}

/**
 * JSON text in which the one character that masks bring in is escaped. A single character beyond Latin-1 doubles the size
 * of the string it stands in, and of every one that is joined from it.
 */
export function jsonText(value: Json): string {
  const text = JSON.stringify(value);
  return text.includes('…') ? text.replaceAll('…', '\\u2026') : text;
}

/** The first 128 bits of the SHA-256 of a text, as a UUID of version 8 (RFC 9562 section 5.8). */
export function contentUuid(text: string): string {
  const hex = hash('sha256', text, 'hex');
  const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) & 3);
  // Joined: what is put together by a template stays in pieces until somebody reads it, and then again.
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ].join('-');
}

function checkText(text: string, parent: string, key: string): void {
  if (text.includes('\0'))
    throw new ContentError(join(parent, key), 'has a NUL character (U+0000), which cannot be stored');
  if (!text.isWellFormed())
    throw new ContentError(join(parent, key), 'has half of a surrogate pair, which is not Unicode text');
}
