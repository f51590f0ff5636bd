import { TidingsError } from '../errors.ts';
import { FIRST_TIME, LAST_TIME } from '../time/iso-time.ts';

/** Encodes a position in a list as the opaque `next` of a page. `readCursor` decodes it. */
export function writeCursor(parts: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

type PartKind = 'text' | 'number' | 'uuid';

/**
 * Decodes the parameter `before` of a list. Returns null without one: the list starts with its newest entry. Throws
 * `invalid_request` unless it is a cursor with parts of these kinds.
 */
export function readCursor<const T extends readonly PartKind[]>(
  before: string | undefined,
  kinds: T,
  name = 'before',
): { [K in keyof T]: T[K] extends 'number' ? number : string } | null {
  if (before === undefined) return null;
  const parts = decode(before);
  if (Array.isArray(parts) && parts.length === kinds.length && kinds.every((kind, i) => hasKind(kind, parts[i]))) {
    return parts as { [K in keyof T]: T[K] extends 'number' ? number : string };
  }
  throw new TidingsError(
    'invalid_request',
    `${name} is not a cursor of this list; send the next of the previous page.`,
    { path: name },
  );
}

function decode(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    return null;
  }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The longest text that a cursor holds: an id that a path may have. */
const MAX_TEXT_CHARS = 1024;

function hasKind(kind: PartKind, value: unknown): boolean {
  if (kind === 'number') {
    return typeof value === 'number' && Number.isInteger(value) && value <= LAST_TIME && value >= FIRST_TIME;
  }
  if (typeof value !== 'string') return false;
  return kind === 'uuid' ? UUID.test(value) : !value.includes('\0') && value.length <= MAX_TEXT_CHARS;
}
