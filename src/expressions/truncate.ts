import type { Json, JsonObject } from '../model/event.ts';

const MAX_TEXT = 200;
const MAX_ITEMS = 20;
const MAX_DEPTH = 4;
/** Values in all. */
const MAX_VALUES = 100;

/**
 * A copy that holds at most 100 values, 20 to a list or object, four levels deep, and 200 characters of each text.
 * What is left out is marked with `…`: at the end of a text, as the last item of a list, as the last key of an object.
 */
export function truncateForEvidence(value: Json): Json {
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? shortened(value) : value;
  return copy(value, 0, { left: MAX_VALUES });
}

function copy(value: Json, depth: number, room: { left: number }): Json {
  room.left--;
  if (typeof value === 'string') return shortened(value);
  if (typeof value !== 'object' || value === null) return value;
  const list = Array.isArray(value);
  const keys = list ? value.keys() : ownKeys(value);
  const length = list ? value.length : undefined;

  const items: Json[] = [];
  const fields: [string, Json][] = [];
  let taken = 0;
  for (const key of keys) {
    if (taken === MAX_ITEMS || depth >= MAX_DEPTH || room.left <= 0) {
      const rest = length === undefined ? '…' : `… ${length - taken} more`;
      items.push(rest);
      fields.push(['…', '…']);
      break;
    }
    taken++;
    if (list) items.push(copy(value[key as number] ?? null, depth + 1, room));
    else fields.push([shortened(key as string), copy((value as JsonObject)[key as string] ?? null, depth + 1, room)]);
  }
  // fromEntries defines its keys, so `__proto__` becomes a key and not a prototype.
  return list ? items : Object.fromEntries(fields);
}

/** One key after the other: an object may have a hundred thousand. */
function* ownKeys(object: JsonObject): Generator<string> {
  for (const key in object) if (Object.hasOwn(object, key)) yield key;
}

function shortened(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT).toWellFormed()}…`;
}
