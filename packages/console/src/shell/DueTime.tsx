import { Text } from '@mantine/core';
import { duration } from './duration.ts';
import { utc } from './Time.tsx';

/**
 * When something is due: how far off, and the date and time where the person is, with the name of that zone; UTC on hover.
 * @param now in milliseconds since 1970
 * @param zone an IANA name; null, or one that nobody knows: UTC
 */
export function DueTime({ value, now, zone }: { value: string; now: number; zone: string | null }) {
  const due = Date.parse(value);
  if (Number.isNaN(due)) return <span>{value}</span>;
  return (
    <Text component="time" size="sm" dateTime={value} title={utc(new Date(due))}>
      {fromNow(due - now)}, {inZone(due, zone)}
    </Text>
  );
}

function fromNow(ms: number): string {
  return ms >= 0 ? `in ${duration(roughly(ms))}` : `${duration(roughly(-ms))} ago`;
}

/** Seconds say nothing about a time that is hours off. */
function roughly(ms: number): number {
  const unit = ms < 60_000 ? 1000 : 60_000;
  return Math.round(ms / unit) * unit;
}

function inZone(time: number, zone: string | null): string {
  for (const timeZone of [zone ?? 'UTC', 'UTC']) {
    try {
      const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short', timeZone });
      return `${format.format(time)} (${timeZone})`;
    } catch {
      // The trait of the person is no zone: rules take UTC then, too.
    }
  }
  return '';
}
