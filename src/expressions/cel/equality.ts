/* Deep equality by value, within bounds. */

import { Duration, Fault, getOwnField, isMap, Timestamp, type Value } from '../value.ts';
import { consumeSteps, type Frame, listKeys, toFault } from './code.ts';

/** Compares two values deeply. Returns a failure if they are too large. */
export function areEqual(frame: Frame, a: Value, b: Value, depth = 0): boolean | Fault {
  if (a === b) return true;
  if (typeof a === 'string') {
    if (typeof b !== 'string' || a.length !== b.length) return false;
    return consumeSteps(frame, a.length >> 8) ?? false;
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Timestamp) return b instanceof Timestamp && a.ms === b.ms;
  if (a instanceof Duration) return b instanceof Duration && a.ms === b.ms;

  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    return everyIndex(frame, a.length, depth, (at) => areEqual(frame, a[at], b[at], depth + 1));
  }
  if (!isMap(a) || !isMap(b)) return false;
  const keys = listKeys(frame, a);
  const others = listKeys(frame, b);
  if (keys instanceof Fault) return keys;
  if (others instanceof Fault) return others;
  if (keys.length !== others.length) return false;
  return everyIndex(frame, keys.length, depth, (at) => {
    const other = getOwnField(b, keys[at]!);
    return other === undefined ? false : areEqual(frame, a[keys[at]!]!, other, depth + 1);
  });
}

/** Nesting limit of a comparison: hostile JSON can be nested deeper than the stack. */
const MAX_COMPARE_DEPTH = 100;

function everyIndex(
  frame: Frame,
  length: number,
  depth: number,
  holds: (at: number) => boolean | Fault,
): boolean | Fault {
  if (depth >= MAX_COMPARE_DEPTH) return toFault(frame, `a value is nested more than ${MAX_COMPARE_DEPTH} levels deep`);
  for (let at = 0; at < length; at++) {
    const result = consumeSteps(frame, 4) ?? holds(at);
    if (result !== true) return result;
  }
  return true;
}

/** Whether the list contains the value. */
export function containsValue(frame: Frame, list: readonly Value[], value: Value): boolean | Fault {
  for (const item of list) {
    const result = consumeSteps(frame, 1) ?? areEqual(frame, value, item);
    if (result !== false) return result;
  }
  return false;
}
