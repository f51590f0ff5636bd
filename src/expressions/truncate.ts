import { sliceStart } from '../lib/text/truncate-text.ts';
import type { Json, JsonObject } from '../model/event.ts';
import { maskDeep, maskText } from '../privacy/mask.ts';

const MAX_TEXT_CHARS = 200;
/** Characters in which addresses are looked for: an address that starts in what is shown may end behind it. */
const MAX_MASKED_CHARS = 1000;
const MAX_ITEMS = 20;
const MAX_DEPTH = 4;
/** Maximum number of values in total. */
const MAX_VALUES = 100;

/**
 * Returns a copy as evidence may show it: with addresses masked, and with at most 100 values, 20 per list or object, four
 * levels deep, and 200 characters per text. Omitted parts are marked with `…`: at the end of a text, as the last item of a
 * list, or as the last key of an object.
 * @param name name of the field that has the value; that of an address, such as `phone`, masks any number
 */
export function truncateForEvidence(value: Json, name: string): Json {
  return copyValue(value, 0, { left: MAX_VALUES }, name);
}

function copyValue(value: Json, depth: number, room: { left: number }, name: string): Json {
  room.left--;
  if (typeof value === 'string') return maskAndTruncate(value, name);
  if (typeof value !== 'object' || value === null) return maskDeep(value, name);
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
    if (list) items.push(copyValue(value[key as number] ?? null, depth + 1, room, name));
    else
      fields.push([
        maskAndTruncate(key as string, ''),
        copyValue((value as JsonObject)[key as string] ?? null, depth + 1, room, key as string),
      ]);
  }
  // fromEntries defines its keys, so `__proto__` becomes a key and not a prototype.
  return list ? items : Object.fromEntries(fields);
}

/** Yields keys one at a time, because an object may have a hundred thousand. */
function* iterateKeys(object: JsonObject): Generator<string> {
  for (const key in object) if (Object.hasOwn(object, key)) yield key;
}

function maskAndTruncate(text: string, name: string): string {
  const whole = text.length <= MAX_MASKED_CHARS ? text : sliceStart(text, MAX_MASKED_CHARS);
  const masked = name === '' ? maskText(whole) : (maskDeep(whole, name) as string);
  if (masked.length <= MAX_TEXT_CHARS && whole.length === text.length) return masked;
  return `${sliceStart(masked, MAX_TEXT_CHARS)}…`;
}
