import type { Millis } from '../model/event.ts';
import { FIRST_TIME, isoTime, LAST_TIME, parseIsoTime } from './iso-time.ts';

const SHAPE =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?(?:([Zz])|([+-])(\d\d):?(\d\d))?$/;

/**
 * A parsed timestamp, or the problem as the end of a sentence. `at` is the time in ISO 8601; `rest` holds the digits below
 * the millisecond, which distinguish two otherwise equal events.
 */
export type ParsedTimestamp =
  | { readonly time: Millis; readonly at: string; readonly rest: string }
  | { readonly problem: string };

/** Parses an RFC 3339 date and time with a zone. */
export function parseTimestamp(text: string): ParsedTimestamp {
  // Fast path for the form that most programs write.
  const written = parseIsoTime(text);
  if (written !== undefined && written >= FIRST_TIME) return { time: written, at: text, rest: '' };
  const parts = SHAPE.exec(text);
  if (parts === null) return { problem: 'is not a date and time; write it like 2025-10-31T19:00:00Z' };
  const [, y, mo, d, h, mi, s = '00', fraction = '', utc, sign, oh = '00', om = '00'] = parts;
  if (utc === undefined && sign === undefined) {
    return { problem: 'has no zone; end it with Z or an offset such as +02:00' };
  }
  const [year, month, day] = [Number(y), Number(mo), Number(d)];
  const [hour, minute, second] = [Number(h), Number(mi), Number(s)];
  if (month < 1 || month > 12 || day < 1 || day > getDaysInMonth(year, month))
    return { problem: `has no such day: ${y}-${mo}-${d}` };
  // Second 60 is a leap second (RFC 3339 section 5.7), read as the start of the next minute.
  if (hour > 23 || minute > 59 || second > 60 || Number(oh) > 23 || Number(om) > 59) {
    return { problem: 'has no such time of day; hours are 00–23, minutes and seconds 00–59' };
  }
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second, Number(fraction.slice(0, 3).padEnd(3, '0')));
  const offset = (sign === '-' ? -1 : 1) * (Number(oh) * 60 + Number(om)) * 60_000;
  const time = date.getTime() - offset;
  if (time < FIRST_TIME || time > LAST_TIME) return { problem: 'is outside the years 0001 to 9999' };
  return { time, at: isoTime(time), rest: fraction.slice(3).replace(/0+$/, '') };
}

function getDaysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
