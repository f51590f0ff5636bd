import type { Millis } from '../model/event.ts';
import { KEPT_GRAINS, type KeptGrain, type MetricPeriods } from '../store/metrics/counters.ts';
import { DAY_MS } from '../time/iso-time.ts';

/** Spans of time as sums that are kept. All times are UTC. */

const MINUTE_MS: Millis = 60_000;
const HOUR_MS: Millis = 3_600_000;
const WEEK_MS: Millis = 7 * DAY_MS;
/** The first Monday after the start of 1970; the fold has the same for four weeks. */
const MONDAY: Millis = 4 * DAY_MS;

const LENGTH_MS: { readonly [grain in KeptGrain]: Millis } = {
  minute: MINUTE_MS,
  hour: HOUR_MS,
  day: DAY_MS,
  week: WEEK_MS,
  four_weeks: 4 * WEEK_MS,
};

/** Whole buckets of one grain, from the start of the first to the end of the last. */
export interface Segment {
  readonly grain: KeptGrain;
  readonly from: Millis;
  readonly to: Millis;
}

/** Returns the start of the bucket of a time. */
export function floorTo(grain: KeptGrain, time: Millis): Millis {
  const origin = LENGTH_MS[grain] >= WEEK_MS ? MONDAY : 0;
  return Math.floor((time - origin) / LENGTH_MS[grain]) * LENGTH_MS[grain] + origin;
}

/** Returns the first start of a bucket that is not before a time. */
export function ceilTo(grain: KeptGrain, time: Millis): Millis {
  const start = floorTo(grain, time);
  return start === time ? time : start + LENGTH_MS[grain];
}

/** Returns the start of the bucket after the one that starts then. */
export function nextBucket(grain: KeptGrain, start: Millis): Millis {
  return start + LENGTH_MS[grain];
}

/** Returns how many buckets of a grain a span has, the parts at its ends included. */
export function countBuckets(grain: KeptGrain, from: Millis, to: Millis): number {
  return Math.ceil((ceilTo(grain, to) - floorTo(grain, from)) / LENGTH_MS[grain]);
}

/**
 * Covers a span with as few sums as possible: four weeks in its middle, then weeks, days, hours and minutes at its ends. It is widened to whole
 * buckets of the finest grain that is kept at each end.
 * @param finest the finest grain that there is
 * @returns the segments in order of time, and the span that they cover
 */
export function coverSpan(
  { from, to }: { readonly from: Millis; readonly to: Millis },
  {
    now,
    periods,
    finest,
  }: { readonly now: Millis; readonly periods: MetricPeriods; readonly finest: 'minute' | 'hour' },
): { readonly segments: readonly Segment[]; readonly from: Millis; readonly to: Millis } {
  const keeps = (grain: 'minute' | 'hour', at: Millis) => {
    const period = periods[grain];
    return (grain === 'hour' || finest === 'minute') && (period === null || at >= now - period);
  };
  const grainAt = (time: Millis): KeptGrain => {
    // The whole of the coarser bucket must be there in finer ones.
    if (keeps('hour', floorTo('day', time)) && keeps('minute', floorTo('hour', time))) return 'minute';
    return keeps('hour', floorTo('day', time)) ? 'hour' : 'day';
  };
  // Days that are left of four weeks count, also where the rest is removed.
  const longSince = periods.week === null ? from : now - periods.week;
  const start = floorTo(grainAt(from), from);
  const end = ceilTo(grainAt(to), to);
  return { segments: cover(start, end, KEPT_GRAINS.length - 1, longSince), from: start, to: end };
}

/** @param longSince buckets of the coarsest grain are whole from then on */
function cover(from: Millis, to: Millis, level: number, longSince: Millis): Segment[] {
  const grain = KEPT_GRAINS[level];
  if (from >= to || grain === undefined) return [];
  const first = ceilTo(grain, grain === 'four_weeks' ? Math.max(from, longSince) : from);
  const last = floorTo(grain, to);
  if (first >= last) return cover(from, to, level - 1, longSince);
  return [
    ...cover(from, first, level - 1, longSince),
    { grain, from: first, to: last },
    ...cover(last, to, level - 1, longSince),
  ];
}
