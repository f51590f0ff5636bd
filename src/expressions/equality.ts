/** When two values are the same: deeply, by value, and within a bound. */
import { consumeSteps, type Frame, fault, keysOf } from './code.ts';
import { Duration, Fault, isMap, ownField, Timestamp, type Value } from './value.ts';

/** Deep equality; a failure when the values are too large to go through. */
export function equal(frame: Frame, a: Value, b: Value, depth = 0): boolean | Fault {
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
    return every(frame, a.length, depth, (at) => equal(frame, a[at], b[at], depth + 1));
  }
  if (!isMap(a) || !isMap(b)) return false;
  const keys = keysOf(frame, a);
  const others = keysOf(frame, b);
  if (keys instanceof Fault) return keys;
  if (others instanceof Fault) return others;
  if (keys.length !== others.length) return false;
  return every(frame, keys.length, depth, (at) => {
    const other = ownField(b, keys[at]!);
    return other === undefined ? false : equal(frame, a[keys[at]!]!, other, depth + 1);
  });
}

/** How deep a comparison may go: hostile JSON can be nested deeper than the stack. */
const DEEPEST = 100;

function every(frame: Frame, length: number, depth: number, holds: (at: number) => boolean | Fault): boolean | Fault {
  if (depth >= DEEPEST) return fault(frame, `a value is nested more than ${DEEPEST} levels deep`);
  for (let at = 0; at < length; at++) {
    const result = consumeSteps(frame, 4) ?? holds(at);
    if (result !== true) return result;
  }
  return true;
}

/** Whether one of the items equals the value. */
export function includes(frame: Frame, list: readonly Value[], value: Value): boolean | Fault {
  for (const item of list) {
    const result = consumeSteps(frame, 1) ?? equal(frame, value, item);
    if (result !== false) return result;
  }
  return false;
}
