import type { Millis } from '../model/event.ts';

/** Times as `Date.prototype.toISOString` writes them, `2025-10-31T19:00:00.000Z`: the one form in which Tidings says a time. */

/** A day of UTC, which knows no leap seconds. */
export const DAY: Millis = 86_400_000;

/** The years 1 to 9999: the first and the last moment that an event may have, and that CEL knows. */
export const FIRST_TIME: Millis = Date.parse('0001-01-01T00:00:00.000Z');
export const LAST_TIME: Millis = Date.parse('9999-12-31T23:59:59.999Z');

const LENGTH = '2025-10-31T19:00:00.000Z'.length;

/** An event has a handful of times, on few days: a fifth of the time that Date takes. */
export function isoTime(time: Millis): string {
  const day = Math.floor(time / DAY);
  let date = dates.get(day);
  if (date === undefined) {
    date = new Date(day * DAY).toISOString().replace(/T.*/, 'T');
    if (dates.size >= MOST) dates.clear();
    dates.set(day, date);
  }
  const ms = Math.trunc(time - day * DAY);
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  return `${date}${TWO[Math.floor(minutes / 60)]}:${TWO[minutes % 60]}:${TWO[seconds % 60]}.${THREE[ms % 1000]}Z`;
}

/** Reads this form and no other, of the years 0 to 9999; undefined: it is another, or there is no such day or time. */
export function readIsoTime(text: string): Millis | undefined {
  if (text.length !== LENGTH || text[10] !== 'T' || text[13] !== ':' || text[16] !== ':') return undefined;
  if (text[19] !== '.' || text[23] !== 'Z') return undefined;
  const hours = digits(text, 11, 13);
  const minutes = digits(text, 14, 16);
  const seconds = digits(text, 17, 19);
  const ms = digits(text, 20, 23);
  // What is no number is not less than anything.
  if (!(hours < 24 && minutes < 60 && seconds < 60 && ms < 1000)) return undefined;
  const day = startOf(text.slice(0, 10));
  return day === undefined ? undefined : day + ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms;
}

/** Of a date, `2025-10-31`. */
function startOf(date: string): Millis | undefined {
  const known = starts.get(date);
  if (known !== undefined) return known;
  const start = Date.parse(`${date}T00:00:00.000Z`);
  // Date.parse takes the 30th of February for a day in March.
  if (Number.isNaN(start) || new Date(start).toISOString().slice(0, 10) !== date) return undefined;
  if (starts.size >= MOST) starts.clear();
  starts.set(date, start);
  return start;
}

function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

const ZERO = '0'.charCodeAt(0);
const MOST = 1000;
const dates = new Map<number, string>();
const starts = new Map<string, Millis>();
const TWO = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'));
const THREE = Array.from({ length: 1000 }, (_, n) => String(n).padStart(3, '0'));
