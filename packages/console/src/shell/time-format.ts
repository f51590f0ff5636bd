/** Moments in words, in the viewer's locale and a zone that is given by its IANA name. */

const SHAPES = {
  clock: { hour: '2-digit', minute: '2-digit', second: '2-digit' },
  minute: { hour: '2-digit', minute: '2-digit' },
  minuteAndZone: { hour: '2-digit', minute: '2-digit', timeZoneName: 'short' },
  clockAndZone: { hour: '2-digit', minute: '2-digit', second: '2-digit', timeZoneName: 'short' },
  year: { year: 'numeric' },
  day: { day: 'numeric', month: 'short' },
  dayAndYear: { day: 'numeric', month: 'short', year: 'numeric' },
  longDay: { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>;

/** To make one takes far longer than to use it. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(shape: keyof typeof SHAPES, zone: string): Intl.DateTimeFormat {
  const key = `${shape} ${zone}`;
  const known = formats.get(key);
  if (known) return known;
  const made = new Intl.DateTimeFormat(undefined, { ...SHAPES[shape], timeZone: zone });
  formats.set(key, made);
  return made;
}

/** `19:22:11 UTC` */
export function clockText(date: Date, zone: string): string {
  return formatOf('clockAndZone', zone).format(date);
}

/** `31 Oct 2025, 19:22 UTC`; the year only when it is not this one. */
export function fullText(date: Date, zone: string): string {
  return `${dayText(date, zone)}, ${formatOf('minuteAndZone', zone).format(date)}`;
}

/** `19:22:11` of today, `31 Oct 2025, 19:22` of another day. */
export function shortText(date: Date, zone: string): string {
  const days = formatOf('dayAndYear', zone);
  if (days.format(date) === days.format(new Date())) return formatOf('clock', zone).format(date);
  return `${dayText(date, zone)}, ${formatOf('minute', zone).format(date)}`;
}

/** `Friday, 31 October 2025` */
export function longDay(value: string, zone: string): string {
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? value : formatOf('longDay', zone).format(date);
}

/** Returns the name of a zone at a time: `GMT+9`, `UTC`. */
export function zoneName(date: Date, zone: string): string {
  const parts = Number.isNaN(date.getTime()) ? [] : formatOf('minuteAndZone', zone).formatToParts(date);
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? zone;
}

/** `2025-10-31 19:22:11 UTC` */
export function utcText(date: Date): string {
  return `${date
    .toISOString()
    .replace('T', ' ')
    .replace(/\.000Z$/, '')
    .replace(/Z$/, '')} UTC`;
}

function dayText(date: Date, zone: string): string {
  const year = formatOf('year', zone);
  const thisYear = year.format(date) === year.format(new Date());
  return formatOf(thisYear ? 'day' : 'dayAndYear', zone).format(date);
}
