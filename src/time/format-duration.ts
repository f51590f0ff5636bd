import type { Millis } from '../model/event.ts';

const UNITS = [
  ['d', 24 * 3_600_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** Returns a duration in the largest unit of which it is a multiple, as `parseDuration` reads it: `7d`, `90m`. */
export function formatDuration(ms: Millis): string {
  const [unit, size] = UNITS.find(([, one]) => ms % one === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}
