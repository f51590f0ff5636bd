import { formatClock, formatFull, formatShort, formatUtc } from './time-format.ts';
import { useZone } from './zone.ts';

const FORMATTERS = { auto: formatShort, clock: formatClock, full: formatFull };

/**
 * Time in the locale of the viewer and the chosen zone, with UTC on hover. An invalid time is shown as it is.
 * `clock`: time and zone, where the context shows the day. `full`: day, time and zone.
 * `auto`: no zone, and the day only if it is not today; for table columns and notes.
 */
export function Time({ value, as = 'auto' }: { value: string; as?: 'auto' | 'clock' | 'full' }) {
  const zone = useZone();
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) return <span>{value}</span>;
  return (
    <time dateTime={value} title={formatUtc(date)} className="time">
      {FORMATTERS[as](date, zone)}
    </time>
  );
}
