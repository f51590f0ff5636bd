import { LRUCache } from 'lru-cache';
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

/** The answer of `findHoursEnd` for each time from `from` up to, but not at, `to`. */
interface Stretch {
  readonly from: Millis;
  readonly to: Millis;
  readonly end: Millis | undefined;
}

/** A day in a zone costs some twenty look-ups of its offset; messages of one night ask for the same hours. */
const stretches = new LRUCache<string, Stretch>({ max: 1000 });

/**
 * Returns when the hours end that a time lies in; undefined: it lies in none. At a clock change they begin at the first instant
 * that shows the start, and end at the last one that shows the end; a skipped time is that of the change.
 */
export function findHoursEnd(time: Millis, hours: DailyHours): Millis | undefined {
  const key = `${hours.start} ${hours.end} ${hours.zone} ${hours.days ?? ''}`;
  let stretch = stretches.get(key);
  if (!stretch || time < stretch.from || time >= stretch.to) {
    stretch = findStretch(time, hours);
    stretches.set(key, stretch);
  }
  return stretch.end;
}

/** Returns the stretch around a time in which the answer is the same, as far as the days beside it say. */
function findStretch(time: Millis, { start, end, zone, days }: DailyHours): Stretch {
  const today = Math.floor((toLocalTime(time, zone) ?? time) / DAY_MS) * DAY_MS;
  // Hours that end later than the next ones begin go first.
  let [endOfLast, next] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const day of [today - DAY_MS, today, today + DAY_MS]) {
    if (days && !days.includes(toWeekday(day))) continue;
    const from = toEdgeInstant(day + start * 60_000, zone, 'first');
    const until = toEdgeInstant(day + end * 60_000 + (end <= start ? DAY_MS : 0), zone, 'last');
    if (time >= from && time < until) {
      // Without the hours before, it is not known up to when they would go first.
      return { from: endOfLast === Number.NEGATIVE_INFINITY ? time : Math.max(from, endOfLast), to: until, end: until };
    }
    if (until <= time) endOfLast = Math.max(endOfLast, until);
    if (from > time) next = Math.min(next, from);
  }
  // Without hours on these days, the last ones before and the next ones after this time are not known.
  const from = endOfLast === Number.NEGATIVE_INFINITY ? time : endOfLast;
  return { from, to: next === Number.POSITIVE_INFINITY ? time + 1 : next, end: undefined };
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
