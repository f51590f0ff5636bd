const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const DAY = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const DAY_AND_YEAR = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' });
const LONG_DAY = new Intl.DateTimeFormat(undefined, {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
});
const MINUTE = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

/**
 * A moment in the viewer's locale and zone; UTC on hover.
 * `clock` leaves the day to what stands around it, `auto` names the day unless it is today, `full` always names it.
 */
export function Time({ value, as = 'auto' }: { value: string; as?: 'auto' | 'clock' | 'full' }) {
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) return <span>{value}</span>;
  return (
    <time dateTime={value} title={utc(date)} className="time">
      {as === 'clock' ? CLOCK.format(date) : dayAndTime(date, as === 'full')}
    </time>
  );
}

/** The heading of a day in a timeline: "Friday, 31 October 2025". */
export function longDay(value: string): string {
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? value : LONG_DAY.format(date);
}

function dayAndTime(date: Date, always: boolean): string {
  const today = new Date();
  if (!always && date.toDateString() === today.toDateString()) return CLOCK.format(date);
  const day = date.getFullYear() === today.getFullYear() ? DAY : DAY_AND_YEAR;
  return `${day.format(date)}, ${MINUTE.format(date)}`;
}

/** `2025-10-31 19:22:11 UTC` */
export function utc(date: Date): string {
  return `${date
    .toISOString()
    .replace('T', ' ')
    .replace(/\.000Z$/, '')
    .replace(/Z$/, '')} UTC`;
}
