import type { Trigger } from './facts.ts';

type Position = Pick<Trigger, 'time' | 'key'>;

/** Compares by event time; two events of the same time by key, so that the order never depends on arrival. */
export function compareByTime(a: Position, b: Position): number {
  return a.time - b.time || (a.key < b.key ? -1 : 1);
}

/** Returns whether the first of two different events comes before the other in the order of `compareByTime`. */
export function isBefore(event: Position, other: Position): boolean {
  return event.time < other.time || (event.time === other.time && event.key < other.key);
}
