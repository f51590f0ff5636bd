import type { Millis } from '../model/event.ts';
import { toEdgeInstant, toLocalTime } from './calendar.ts';
import { DAY_MS } from './iso-time.ts';

/**
 * Hours of each day in a zone that begin at `start` and end before `end`, in minutes since local midnight; the end may be on
 * the next day.
 */
export interface DailyHours {
  readonly start: number;
  readonly end: number;
  readonly zone: string;
  /** Weekdays on which they begin, 1 for Monday to 7; absent: each. */
  readonly days?: readonly number[];
}

/**
 * Returns when the hours end that a time lies in; undefined: it lies in none. At a clock change they begin at the first instant
 * that shows the start, and end at the last one that shows the end; a skipped time is that of the change.
 */
export function findHoursEnd(time: Millis, { start, end, zone, days }: DailyHours): Millis | undefined {
  const today = Math.floor((toLocalTime(time, zone) ?? time) / DAY_MS) * DAY_MS;
  for (const day of [today - DAY_MS, today, today + DAY_MS]) {
    if (days && !days.includes(toWeekday(day))) continue;
    const from = toEdgeInstant(day + start * 60_000, zone, 'first');
    const until = toEdgeInstant(day + end * 60_000 + (end <= start ? DAY_MS : 0), zone, 'last');
    if (time >= from && time < until) return until;
  }
  return undefined;
}

/** Returns when the hours begin that come next after a time; they do not contain it. */
export function findHoursStart(time: Millis, { start, zone, days }: DailyHours): Millis {
  const today = Math.floor((toLocalTime(time, zone) ?? time) / DAY_MS) * DAY_MS;
  for (let day = today - DAY_MS; day <= today + (days ? 8 : 1) * DAY_MS; day += DAY_MS) {
    if (days && !days.includes(toWeekday(day))) continue;
    const from = toEdgeInstant(day + start * 60_000, zone, 'first');
    if (from > time) return from;
  }
  return time + DAY_MS;
}

/** @param day midnight of a local day, as if it was UTC */
function toWeekday(day: Millis): number {
  return new Date(day).getUTCDay() || 7;
}

/** Returns minutes since midnight as `22:00`. */
export function formatTimeOfDay(minutes: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(minutes / 60) % 24)}:${two(minutes % 60)}`;
}
