import type { Json } from '../model/event.ts';
import { Duration, Fault, isMap, Timestamp, type Value } from './value.ts';

/** Values in all, each list and object being one. */
const MAX_VALUES = 10_000;
/** Characters (UTF-16) of all texts and keys together. */
const MAX_TEXT = 100_000;
/** One less than an event may have: its properties are the level above. */
const MAX_DEPTH = 31;

/**
 * A copy in which times are RFC 3339 text in UTC (`2025-10-31T10:41:00.000Z`) and durations are seconds (`5400s`,
 * `-1.5s`); or why there is none: it is too large, too deep, or has text that no database stores.
 */
export function toJson(value: Value): Json | Fault {
  if (typeof value === 'boolean' || value === null) return value;
  try {
    return copy(value, 0, { values: MAX_VALUES, text: MAX_TEXT });
  } catch (error) {
    if (error instanceof Unfit) return new Fault(error.message);
    throw error;
  }
}

/** Thrown here and caught here, out of however many levels. */
class Unfit extends Error {}

function copy(value: Value, depth: number, room: { values: number; text: number }): Json {
  if (--room.values < 0) throw new Unfit(`the value has more than ${MAX_VALUES} parts`);
  // Adding 0 makes 0 of -0, which JSON does not tell apart.
  if (typeof value === 'number') return value + 0;
  if (typeof value === 'string') return fittingText(value, room);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Timestamp) return new Date(value.ms).toISOString();
  if (value instanceof Duration) return `${Math.round(value.ms) / 1000}s`;

  if (depth >= MAX_DEPTH) throw new Unfit(`the value is nested more than ${MAX_DEPTH} levels deep`);
  if (!isMap(value)) return value.map((item) => copy(item, depth + 1, room));
  const fields: [string, Json][] = [];
  for (const key in value) {
    if (Object.hasOwn(value, key)) fields.push([fittingText(key, room), copy(value[key]!, depth + 1, room)]);
  }
  // fromEntries defines its keys, so `__proto__` becomes a key and not a prototype.
  return Object.fromEntries(fields);
}

function fittingText(text: string, room: { text: number }): string {
  room.text -= text.length;
  if (room.text < 0) throw new Unfit(`the value has more than ${MAX_TEXT} characters of text`);
  if (text.includes('\0') || !text.isWellFormed()) throw new Unfit('the value has a character that cannot be stored');
  return text;
}
