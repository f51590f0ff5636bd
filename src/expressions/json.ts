import type { Json } from '../model/event.ts';
import { Duration, Fault, isMap, Timestamp, type Value } from './value.ts';

/** Maximum number of values; each list and object counts as one. */
const MAX_VALUES = 10_000;
/** Maximum total length of all texts and keys, in UTF-16 units. */
const MAX_CHARS = 100_000;
/** One level less than an event allows, because the properties object is the level above. */
const MAX_DEPTH = 31;

/**
 * Returns a JSON copy, in which times are RFC 3339 text in UTC (`2025-10-31T10:41:00.000Z`) and durations are seconds
 * (`5400s`, `-1.5s`). Fails for a value that is too large, nested too deep, or contains text that cannot be stored.
 */
export function toJson(value: Value): Json | Fault {
  if (typeof value === 'boolean' || value === null) return value;
  try {
    return copyValue(value, 0, { values: MAX_VALUES, text: MAX_CHARS });
  } catch (error) {
    if (error instanceof Unfit) return new Fault(error.message);
    throw error;
  }
}

/** Thrown and caught within this file, to leave nested calls. */
class Unfit extends Error {}

function copyValue(value: Value, depth: number, room: { values: number; text: number }): Json {
  if (--room.values < 0) throw new Unfit(`the value has more than ${MAX_VALUES} parts`);
  // Adding 0 turns -0, which JSON does not have, into 0.
  if (typeof value === 'number') return value + 0;
  if (typeof value === 'string') return takeText(value, room);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Timestamp) return new Date(value.ms).toISOString();
  if (value instanceof Duration) return `${Math.round(value.ms) / 1000}s`;

  if (depth >= MAX_DEPTH) throw new Unfit(`the value is nested more than ${MAX_DEPTH} levels deep`);
  if (!isMap(value)) return value.map((item) => copyValue(item, depth + 1, room));
  const fields: [string, Json][] = [];
  for (const key in value) {
    if (Object.hasOwn(value, key)) fields.push([takeText(key, room), copyValue(value[key]!, depth + 1, room)]);
  }
  // fromEntries defines its keys, so `__proto__` becomes a key and not a prototype.
  return Object.fromEntries(fields);
}

function takeText(text: string, room: { text: number }): string {
  room.text -= text.length;
  if (room.text < 0) throw new Unfit(`the value has more than ${MAX_CHARS} characters of text`);
  if (text.includes('\0') || !text.isWellFormed()) throw new Unfit('the value has a character that cannot be stored');
  return text;
}
