import type { Millis } from '../model/event.ts';

/* Ids that begin with a time: of a UUIDv7, the first 48 bits are its milliseconds (RFC 9562 section 5.7). */

/** Returns the smallest UUID of a millisecond; of a time before 1970, that of 1970. */
export function uuidAt(time: Millis): string {
  return `${toPrefix(time)}0000-0000-000000000000`;
}

/** Returns the greatest UUIDv7 of a millisecond. */
export function lastUuidAt(time: Millis): string {
  return `${toPrefix(time)}7fff-bfff-ffffffffffff`;
}

/** Returns a UUIDv7 of a time with the other digits of a UUID: the same for the same of both. */
export function toUuidV7(time: Millis, uuid: string): string {
  return `${toPrefix(time)}7${uuid.slice('xxxxxxxx-xxxx-x'.length)}`;
}

function toPrefix(time: Millis): string {
  const hex = Math.max(0, Math.floor(time)).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-`;
}

/** Returns the time inside a UUIDv7. */
export function uuidTime(uuid: string): Millis {
  return Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16);
}
