import type { Millis } from '../model/event.ts';
import type { DueSchedule } from '../store/waits/schedules.ts';

/** Returns the next occurrence of a cron pattern in a zone, strictly after a time; null: never. */
export type NextOccurrence = (cron: string, zone: string, after: Millis) => Millis | null;

const HOUR_MS = 3_600_000;

/**
 * Returns the latest occurrence of a schedule up to now. Searches from near to far, so that a long absence costs no more
 * than a short one.
 */
export function latestMissed(
  next: NextOccurrence,
  { cron, zone, nextAt }: Pick<DueSchedule, 'cron' | 'zone' | 'nextAt'>,
  now: Millis,
): Millis {
  for (let back = HOUR_MS; now - back > nextAt; back *= 24) {
    const latest = latestBetween(next, cron, zone, now - back, now);
    if (latest !== null) return latest;
  }
  return latestBetween(next, cron, zone, nextAt, now) ?? nextAt;
}

function latestBetween(next: NextOccurrence, cron: string, zone: string, after: Millis, until: Millis): Millis | null {
  let latest: Millis | null = null;
  for (let one = next(cron, zone, after); one !== null && one <= until; one = next(cron, zone, one)) latest = one;
  return latest;
}
