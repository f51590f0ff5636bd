/* Formats of times, in the locale of the viewer and a zone given by its IANA name. */
import { getLocale } from '../text/text.ts';

const FORMATS = {
  clock: { hour: '2-digit', minute: '2-digit', second: '2-digit' },
  minute: { hour: '2-digit', minute: '2-digit' },
  minuteAndZone: { hour: '2-digit', minute: '2-digit', timeZoneName: 'short' },
  clockAndZone: { hour: '2-digit', minute: '2-digit', second: '2-digit', timeZoneName: 'short' },
  year: { year: 'numeric' },
  day: { day: 'numeric', month: 'short' },
  dayAndYear: { day: 'numeric', month: 'short', year: 'numeric' },
  longDay: { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>;

/** Cached formatters, because creating one takes far longer than using it. */
const formats = new Map<string, Intl.DateTimeFormat>();

function getFormat(format: keyof typeof FORMATS, zone: string): Intl.DateTimeFormat {
  const key = `${format} ${zone}`;
  const known = formats.get(key);
  if (known) return known;
  const made = new Intl.DateTimeFormat(getLocale(), { ...FORMATS[format], timeZone: zone });
  formats.set(key, made);
  return made;
}

/** Formats the time of day: `19:22:11 UTC`. */
export function formatClock(date: Date, zone: string): string {
  return getFormat('clockAndZone', zone).format(date);
}

/** Formats date and time: `31 Oct 2025, 19:22 UTC`. The current year is left out. */
export function formatFull(date: Date, zone: string): string {
  return `${formatDay(date, zone)}, ${getFormat('minuteAndZone', zone).format(date)}`;
}

/** Formats a time without zone: `19:22:11` for today, `31 Oct 2025, 19:22` for another day. */
export function formatShort(date: Date, zone: string): string {
  const days = getFormat('dayAndYear', zone);
  if (days.format(date) === days.format(new Date())) return getFormat('clock', zone).format(date);
  return `${formatDay(date, zone)}, ${getFormat('minute', zone).format(date)}`;
}

/** Formats the day: `Friday, 31 October 2025`. An invalid time is returned as it is. */
export function formatLongDay(value: string, zone: string): string {
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? value : getFormat('longDay', zone).format(date);
}

/** Returns the name of a zone at a time: `GMT+9`, `UTC`. */
export function getZoneName(date: Date, zone: string): string {
  const parts = Number.isNaN(date.getTime()) ? [] : getFormat('minuteAndZone', zone).formatToParts(date);
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? zone;
}

/** Formats a time in UTC, independent of the locale: `2025-10-31 19:22:11 UTC`. */
export function formatUtc(date: Date): string {
  return `${date
    .toISOString()
    .replace('T', ' ')
    .replace(/\.000Z$/, '')
    .replace(/Z$/, '')} UTC`;
}

function formatDay(date: Date, zone: string): string {
  const year = getFormat('year', zone);
  const thisYear = year.format(date) === year.format(new Date());
  return getFormat(thisYear ? 'day' : 'dayAndYear', zone).format(date);
}
