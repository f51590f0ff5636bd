import { hash } from 'node:crypto';
import type { Json, JsonObject } from '../model.ts';
import { holdsAddress, namedAddress } from '../privacy/mask.ts';

/** Deeper than this, nobody writes a rule about it, and recursion elsewhere stays safe. */
const MAX_DEPTH = 32;

/** What cannot be stored, and where. */
export class ContentProblem extends Error {
  readonly path: string;

  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

/** Set by `canonical` when it saw an address anywhere. */
export interface Seen {
  address: boolean;
}

/**
 * The value with the keys of every object in order, so that equal content has equal text; itself where they are. On the
 * way it refuses what PostgreSQL or JSON cannot keep as it is (throws ContentProblem): the input is a caller's.
 *
 * @param parent, key where the value stands; joined only where somebody asks, for this runs on every field
 */
export function canonical(value: unknown, parent: string, key: string, seen: Seen, depth = 0): Json {
  switch (typeof value) {
    case 'string':
      if (!PLAIN.test(value)) {
        checkText(value, parent, key);
        if (!seen.address && holdsAddress(value)) seen.address = true;
      }
      if (!seen.address && namedAddress(key, value)) seen.address = true;
      return value;
    case 'number':
      if (!Number.isFinite(value))
        throw new ContentProblem(join(parent, key), 'is too large for a number (beyond 1.8e308)');
      return value;
    case 'boolean':
      return value;
    default:
      if (value === null || value === undefined) return null;
  }
  const path = join(parent, key);
  if (depth >= MAX_DEPTH) throw new ContentProblem(path, `is nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) return value.map((item, index) => canonical(item, path, `[${index}]`, seen, depth + 1));
  return inOrder(value as JsonObject, path, seen, depth);
}

function inOrder(object: JsonObject, path: string, seen: Seen, depth: number): JsonObject {
  const names = Object.keys(object);
  let same = names.every((name, place) => place === 0 || (names[place - 1] as string) < name);
  if (!same) sort(names);
  const copy: JsonObject = {};
  for (const name of names) {
    // Assigning this key would change the copy's prototype instead of adding a field.
    if (name === '__proto__') throw new ContentProblem(join(path, name), 'is a name that cannot be used');
    if (!PLAIN.test(name)) {
      checkText(name, path, '');
      if (!seen.address && holdsAddress(name)) seen.address = true;
    }
    const item = canonical(object[name], path, name, seen, depth + 1);
    if (item !== object[name]) same = false;
    copy[name] = item;
  }
  return same ? object : copy;
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

/** Nothing that must be looked at more closely: ASCII without controls, at signs, a plus at the beginning. */
const PLAIN = /^(?!\+)[ -?A-~]*$/;

function join(parent: string, key: string): string {
  if (parent === '' || key === '') return parent + key;
  return key.startsWith('[') ? parent + key : `${parent}.${key}`;
}

/**
 * JSON text in which the one character that masks bring in is escaped. A single character beyond Latin-1 doubles the size
 * of the string it stands in, and of the whole batch that is joined from such strings.
 */
export function jsonText(value: Json): string {
  const text = JSON.stringify(value);
  return text.includes('…') ? text.replaceAll('…', '\\u2026') : text;
}

/** The first 128 bits of the SHA-256 of a text, as a UUID of version 8 (RFC 9562 section 5.8). */
export function contentUuid(text: string): string {
  const hex = hash('sha256', text, 'hex');
  const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) & 3);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function checkText(text: string, parent: string, key: string): void {
  if (text.includes('\0'))
    throw new ContentProblem(join(parent, key), 'has a NUL character (U+0000), which cannot be stored');
  if (!text.isWellFormed())
    throw new ContentProblem(join(parent, key), 'has half of a surrogate pair, which is not Unicode text');
}
