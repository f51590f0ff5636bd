import { hash } from 'node:crypto';
import { INEXACT_NUMBER } from '../lib/text/exact-json.ts';
import type { Json, JsonObject } from '../model/event.ts';
import { containsAddress, isAddressName } from '../privacy/mask.ts';

/** Maximum nesting depth of an event; also keeps recursion over events safe elsewhere. */
const MAX_DEPTH = 32;

/** Maximum number of JSON values in an event. `[{},{},…]` takes twenty times its size in memory wherever it is parsed. */
const MAX_VALUES = 100_000;
const TOO_LARGE = 'is too large for a number (beyond 1.8e308)';

/** An event value that cannot be stored; `path` names its place. */
export class ContentError extends Error {
  readonly path: string;

  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

/** Output that `canonicalize` appends to. */
export interface CanonicalWriter {
  /** JSON text, as written by `jsonText`. */
  text: string;
  /** True once a value contains an address. */
  address: boolean;
  /** Number of JSON values so far, nested ones included. */
  values: number;
}

/**
 * Returns the value with the keys of every object sorted, so that equal content has equal text, and appends its JSON text
 * to `written`. An object whose keys are already sorted is returned as it is. A single pass, because this is the most
 * expensive part of parsing an event.
 *
 * @param parent, key path of the value; joined only for an error, because this runs for every field
 * @param name name of the enclosing field; the items of a list have the name of the list
 * @throws ContentError for a value that PostgreSQL or JSON cannot represent, and beyond the bounds above
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
      written.text += PLAIN.test(value) ? `"${value}"` : quoteUnsafe(value, parent, key, written);
      if (!written.address && isAddressName(name, value)) written.address = true;
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw new ContentError(joinPath(parent, key), TOO_LARGE);
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
  const path = joinPath(parent, key);
  if (INEXACT_NUMBER in (value as object)) {
    if (!Number.isFinite(Number((value as JsonObject)[INEXACT_NUMBER]))) throw new ContentError(path, TOO_LARGE);
    throw new ContentError(path, 'has more digits than a number can hold (about 16); send it as text, in quotes');
  }
  if (depth >= MAX_DEPTH) throw new ContentError(path, `is nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) return canonicalizeList(value, path, written, depth, name);
  return canonicalizeObject(value as JsonObject, path, written, depth);
}

function canonicalizeList(
  list: readonly unknown[],
  path: string,
  written: CanonicalWriter,
  depth: number,
  name: string,
): Json[] {
  written.text += '[';
  const copy = list.map((item, index) => {
    if (index > 0) written.text += ',';
    return canonicalize(item, path, `[${index}]`, written, depth + 1, name);
  });
  written.text += ']';
  return copy;
}

function canonicalizeObject(object: JsonObject, path: string, written: CanonicalWriter, depth: number): JsonObject {
  const names = Object.keys(object);
  let copy: JsonObject | undefined;
  if (!isSorted(names)) {
    sortNames(names);
    copy = {};
  }
  written.text += '{';
  for (let index = 0; index < names.length; index++) {
    const name = names[index] as string;
    if (index > 0) written.text += ',';
    written.text += toNameText(name, path, written);
    const item = canonicalize(object[name], path, name, written, depth + 1);
    if (copy === undefined && item !== object[name]) {
      copy = {};
      for (const before of names.slice(0, index)) copy[before] = object[before] as Json;
    }
    if (copy !== undefined) copy[name] = item;
  }
  written.text += '}';
  return copy ?? object;
}

/** Bounds of the two caches below, whose keys come from callers. */
const MAX_CACHED_TEXTS = 10_000;
const MAX_CACHED_CHARS = 100;
/** JSON text of field names that need no escaping, followed by a colon. */
const plainNames = new Map<string, string>();
/** JSON text of masks. There are few: the domains of addresses times their initial letters. */
const quotedMasks = new Map<string, string>();

function toNameText(name: string, path: string, written: CanonicalWriter): string {
  const known = plainNames.get(name);
  if (known !== undefined) return known;
  // Assigning `__proto__` would change the prototype of the copy instead of adding a field.
  if (name === '__proto__') throw new ContentError(joinPath(path, name), 'is a name that cannot be used');
  if (!PLAIN.test(name)) return `${quoteUnsafe(name, path, '', written)}:`;
  const text = `"${name}":`;
  if (name.length <= MAX_CACHED_CHARS) cacheText(plainNames, name, text);
  return text;
}

/** Returns the JSON text of a string that may contain special characters or an address. Throws ContentError. */
function quoteUnsafe(text: string, parent: string, key: string, written: CanonicalWriter): string {
  const known = quotedMasks.get(text);
  if (known !== undefined) return known;
  checkText(text, parent, key);
  const address = containsAddress(text);
  if (address) written.address = true;
  if (address || text.length > MAX_CACHED_CHARS || !text.includes('…')) return jsonText(text);
  // Copied through bytes: a substring of a two-byte string is itself stored with two bytes per character.
  return cacheText(quotedMasks, text, Buffer.from(jsonText(text)).toString());
}

function cacheText(texts: Map<string, string>, key: string, text: string): string {
  if (texts.size >= MAX_CACHED_TEXTS) texts.clear();
  texts.set(key, text);
  return text;
}

function isSorted(names: readonly string[]): boolean {
  for (let place = 1; place < names.length; place++) {
    if ((names[place - 1] as string) > (names[place] as string)) return false;
  }
  return true;
}

/** Sorts in place, by UTF-16 units. An insertion sort takes a tenth of the time of `sort` for the usual few names. */
function sortNames(names: string[]): void {
  if (names.length > 16) {
    names.sort();
    return;
  }
  for (let i = 1; i < names.length; i++) {
    const name = names[i] as string;
    let slot = i;
    for (; slot > 0 && (names[slot - 1] as string) > name; slot--) names[slot] = names[slot - 1] as string;
    names[slot] = name;
  }
}

/** Strings that need no escaping and contain no address: ASCII without control characters, quotes, backslashes, `@`, `+`, `%`. */
const PLAIN = /^[ !#$&-*,-?A-[\]-~]*$/;

function joinPath(parent: string, key: string): string {
  if (parent === '' || key === '') return parent + key;
  return key.startsWith('[') ? parent + key : `${parent}.${key}`;
}

/**
 * Returns JSON text in which `…`, the character that masks contain, is escaped. A single character beyond Latin-1 doubles
 * the size of the whole string in memory, and of every string concatenated from it.
 */
export function jsonText(value: Json): string {
  const text = JSON.stringify(value);
  return text.includes('…') ? text.replaceAll('…', '\\u2026') : text;
}

/** Returns the first 128 bits of the SHA-256 of a text as a version 8 UUID (RFC 9562 section 5.8). */
export function contentUuid(text: string): string {
  const hex = hash('sha256', text, 'hex');
  const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) & 3);
  // `join` instead of a template literal: V8 keeps a concatenation as a tree of pieces until it is first read.
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
    throw new ContentError(joinPath(parent, key), 'has a NUL character (U+0000), which cannot be stored');
  if (!text.isWellFormed())
    throw new ContentError(joinPath(parent, key), 'has half of a surrogate pair, which is not Unicode text');
}
