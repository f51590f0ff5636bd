import { TidingsError } from '../errors.ts';
import { FIRST_TIME, LAST_TIME } from '../time/iso-time.ts';

/** `next` and `before` of a list: opaque to the caller, a place in the order to us. */
export function writeCursor(parts: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** Null: there is no cursor, the list is read from its beginning. */
export function readCursor<const T extends readonly ('text' | 'number' | 'uuid')[]>(
  before: string | undefined,
  shape: T,
): { [K in keyof T]: T[K] extends 'number' ? number : string } | null {
  if (before === undefined) return null;
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(before, 'base64url').toString());
  } catch {
    parts = null;
  }
  const fits =
    Array.isArray(parts) &&
    parts.length === shape.length &&
    shape.every((kind, i) => isKind(kind, (parts as unknown[])[i]));
  if (!fits)
    throw new TidingsError('invalid_request', 'before is not a place in this list; use the next of the page before.', {
      path: 'before',
    });
  return parts as { [K in keyof T]: T[K] extends 'number' ? number : string };
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function isKind(kind: 'text' | 'number' | 'uuid', value: unknown): boolean {
  if (kind === 'number')
    return typeof value === 'number' && Number.isInteger(value) && value <= LAST_TIME && value >= FIRST_TIME;
  return (
    typeof value === 'string' && (kind === 'uuid' ? UUID.test(value) : !value.includes('\0') && value.length <= 1024)
  );
}
