import { sliceStart } from '../lib/truncate-text.ts';
import type { Json, JsonObject } from '../model/event.ts';

const MAX_TEXT_CHARS = 200;
const MAX_ITEMS = 20;
const MAX_DEPTH = 4;
/** Maximum number of values in total. */
const MAX_VALUES = 100;

/**
 * Returns a copy with at most 100 values, 20 per list or object, four levels deep, and 200 characters per text. Omitted
 * parts are marked with `…`: at the end of a text, as the last item of a list, or as the last key of an object.
 */
export function truncateForEvidence(value: Json): Json {
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? truncateText(value) : value;
  return copyValue(value, 0, { left: MAX_VALUES });
}

function copyValue(value: Json, depth: number, room: { left: number }): Json {
  room.left--;
  if (typeof value === 'string') return truncateText(value);
  if (typeof value !== 'object' || value === null) return value;
  const list = Array.isArray(value);
  const keys = list ? value.keys() : iterateKeys(value);
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
    if (list) items.push(copyValue(value[key as number] ?? null, depth + 1, room));
    else
      fields.push([
        truncateText(key as string),
        copyValue((value as JsonObject)[key as string] ?? null, depth + 1, room),
      ]);
  }
  // fromEntries defines its keys, so `__proto__` becomes a key and not a prototype.
  return list ? items : Object.fromEntries(fields);
}

/** Yields keys one at a time, because an object may have a hundred thousand. */
function* iterateKeys(object: JsonObject): Generator<string> {
  for (const key in object) if (Object.hasOwn(object, key)) yield key;
}

function truncateText(text: string): string {
  return text.length <= MAX_TEXT_CHARS ? text : `${sliceStart(text, MAX_TEXT_CHARS)}…`;
}
