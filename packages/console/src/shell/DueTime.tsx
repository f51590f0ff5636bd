import { getLocale, t } from '../text/text.ts';
import { formatDuration } from './duration.ts';
import { Time } from './Time.tsx';
import { useZone } from './zone.ts';

/**
 * Due time: the distance from now, the date and time, and the local time of the user if it is in another zone.
 * @param now in milliseconds since 1970
 * @param zone zone of the user, an IANA name; null or an unknown name means UTC
 */
export function DueTime({ value, now, zone }: { value: string; now: number; zone: string | null }) {
  const shown = useZone();
  const due = Date.parse(value);
  if (Number.isNaN(due)) return <span>{value}</span>;
  const local = formatInZone(due, zone);
  return (
    <>
      {formatFromNow(due - now)}, <Time value={value} as="full" />
      {local.zone !== shown && (
        <span className="local-time">{t('{time} ({zone}), local time of the user', local)}</span>
      )}
    </>
  );
}

function formatFromNow(ms: number): string {
  const duration = formatDuration(roundDuration(Math.abs(ms)));
  return ms >= 0 ? t('in {duration}', { duration }) : t('{duration} ago', { duration });
}

/** Rounds a duration (ms) to seconds below one minute, else to minutes. */
function roundDuration(ms: number): number {
  const unit = ms < 60_000 ? 1000 : 60_000;
  return Math.round(ms / unit) * unit;
}

function formatInZone(time: number, zone: string | null): { time: string; zone: string } {
  const format = (timeZone: string) =>
    new Intl.DateTimeFormat(getLocale(), { dateStyle: 'medium', timeStyle: 'short', timeZone }).format(time);
  try {
    return { time: format(zone ?? 'UTC'), zone: zone ?? 'UTC' };
  } catch {
    // The trait is not a valid zone: rules use UTC then, too.
    return { time: format('UTC'), zone: 'UTC' };
  }
}
