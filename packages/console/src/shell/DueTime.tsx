import { formatDuration } from './duration.ts';
import { Time } from './Time.tsx';
import { useZone } from './zone.ts';

/**
 * When something is due: how far off, the date and time, and what the clock says then where the user is.
 * @param now in milliseconds since 1970
 * @param zone zone of the user, an IANA name; null or an unknown name means UTC
 */
export function DueTime({ value, now, zone }: { value: string; now: number; zone: string | null }) {
  const shown = useZone();
  const due = Date.parse(value);
  if (Number.isNaN(due)) return <span>{value}</span>;
  const there = formatInZone(due, zone);
  return (
    <>
      {formatFromNow(due - now)}, <Time value={value} as="full" />
      {there.zone !== shown && <span className="there">{`${there.text} (${there.zone}), where the user is`}</span>}
    </>
  );
}

function formatFromNow(ms: number): string {
  return ms >= 0 ? `in ${formatDuration(roundDuration(ms))}` : `${formatDuration(roundDuration(-ms))} ago`;
}

/** Seconds say nothing about a time that is hours off. */
function roundDuration(ms: number): number {
  const unit = ms < 60_000 ? 1000 : 60_000;
  return Math.round(ms / unit) * unit;
}

function formatInZone(time: number, zone: string | null): { text: string; zone: string } {
  const text = (timeZone: string) =>
    new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short', timeZone }).format(time);
  try {
    return { text: text(zone ?? 'UTC'), zone: zone ?? 'UTC' };
  } catch {
    // The trait of the user is no zone: rules take UTC then, too.
    return { text: text('UTC'), zone: 'UTC' };
  }
}
