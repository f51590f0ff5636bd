import { formatClock, formatFull, formatShort, formatUtc } from './time-format.ts';
import { useZone } from './zone.ts';

const FORMATTERS = { auto: formatShort, clock: formatClock, full: formatFull };

/**
 * A moment in the viewer's locale and the zone that is chosen; UTC on hover.
 * `clock` leaves the day to what stands around it, `full` names it always; both name the zone.
 * `auto`, for columns and asides, names the day unless it is today.
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
