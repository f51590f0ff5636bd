import { differenceOfShares } from '../lib/statistics.ts';
import { type ReleaseWatch, WATCHED_NUMBERS, type WatchedNumber } from '../model/release.ts';
import type { ComparedSpan, Comparison, VersionNumbers } from './compare-versions.ts';

export const VERDICT_STATES = ['ok', 'exceeded', 'waits_open', 'too_few', 'not_watched'] as const;

/** Verdict of a watch on one number over one span. */
export interface WatchVerdict {
  readonly number: WatchedNumber;
  readonly span: 'since_start' | 'last_hour';
  /**
   * `too_few`: fewer events or messages of one of the versions than the watch wants. `waits_open`: the volume is beyond its bound so far,
   * and more waits of the users of one version are open than of the other, which may bring it within.
   */
  readonly state: (typeof VERDICT_STATES)[number];
  /** Rate, or volume, of the version before, and of the released one; null: of nothing. */
  readonly before: number | null;
  readonly released: number | null;
  /** Bound of the difference, or for the volume the two bounds of the multiple; null: it is not watched. */
  readonly bound: number | readonly [low: number | null, high: number | null] | null;
  readonly text: string;
}

/** Standard errors by which a volume must be away from what is expected, besides the bound of the watch. */
const VOLUME_ERRORS = 3;

/** Returns the standard error of a number of the released version. @param ratio its events for each of the version before */
function errorOf(expected: number, ratio: number): number {
  return Math.sqrt(Math.max(expected, 1) * (1 + ratio));
}

/** Judges a comparison: each number since the start and in the last hour. @param watch null: none is watched */
export function judge(comparison: Comparison, watch: ReleaseWatch | null): readonly WatchVerdict[] {
  const { sinceStart, lastHour } = comparison;
  const of = (span: WatchVerdict['span'], compared: ComparedSpan) =>
    WATCHED_NUMBERS.map((number) => judgeNumber(number, span, compared, watch));
  return [...of('since_start', sinceStart), ...(lastHour ? of('last_hour', lastHour) : [])];
}

/** Returns why a release is to be rolled back; undefined: it goes on. */
export function findReason(verdicts: readonly WatchVerdict[]): string | undefined {
  const exceeded = verdicts.filter(({ state }) => state === 'exceeded');
  if (exceeded.length === 0) return undefined;
  // A number that is exceeded in both spans is named once.
  const texts = new Map(exceeded.map(({ number, text }) => [number, text] as const).reverse());
  return [...texts.values()].reverse().join(' ');
}

const RATES = {
  errors: {
    name: 'error rate',
    hits: ({ dead, bounced, failed }: VersionNumbers) => dead + bounced + failed,
    n: ({ sent, dead }: VersionNumbers) => sent + dead,
    bound: (watch: ReleaseWatch) => watch.maxErrorIncrease,
  },
  complaints: {
    name: 'complaint rate',
    hits: ({ complained }: VersionNumbers) => complained,
    n: ({ sent }: VersionNumbers) => sent,
    bound: (watch: ReleaseWatch) => watch.maxComplaintIncrease,
  },
  unsubscribes: {
    name: 'unsubscribe rate',
    hits: ({ unsubscribed }: VersionNumbers) => unsubscribed,
    n: ({ sent }: VersionNumbers) => sent,
    bound: (watch: ReleaseWatch) => watch.maxUnsubscribeIncrease,
  },
} as const;

function judgeNumber(
  number: WatchedNumber,
  span: WatchVerdict['span'],
  compared: ComparedSpan,
  watch: ReleaseWatch | null,
): WatchVerdict {
  return number === 'volume' ? judgeVolume(span, compared, watch) : judgeRate(number, span, compared, watch);
}

/** A rate is exceeded if its increase is above the bound, and hardly by chance. */
function judgeRate(
  number: keyof typeof RATES,
  span: WatchVerdict['span'],
  { before, released }: ComparedSpan,
  watch: ReleaseWatch | null,
): WatchVerdict {
  const { name, hits, n, bound: boundOf } = RATES[number];
  const bound = watch && boundOf(watch);
  const [of, earlier] = [released, before].map((one) => ({ hits: hits(one), n: n(one) })) as [Share, Share];
  const [rate, rateBefore] = [toRate(of), toRate(earlier)];
  const found = differenceOfShares(of, earlier);
  const isExceeded = found !== null && bound !== null && found.difference > bound && found.low > 0;
  const text = `The ${name} of version ${released.version} is ${percent(rate)} (${of.hits} of ${of.n} messages ${SPANS[span]}), that of version ${before.version} ${percent(rateBefore)} (${earlier.hits} of ${earlier.n})${bound === null ? '.' : `; ${percent(bound)} more is allowed.`}`;
  const state = toState(watch, bound, Math.min(of.n, earlier.n), isExceeded);
  return { number, span, state, before: rateBefore, released: rate, bound, text };
}

/** Volumes are notifications for each event, so users with more events change nothing. */
function judgeVolume(span: WatchVerdict['span'], compared: ComparedSpan, watch: ReleaseWatch | null): WatchVerdict {
  const { before, released } = compared;
  const { minVolumeRatio: low = null, maxVolumeRatio: high = null } = watch ?? {};
  const [volume, volumeBefore] = [released, before].map(({ decided, events }) => toRate({ hits: decided, n: events }));
  const expected = (volumeBefore ?? 0) * released.events;
  const ratio = released.events / Math.max(before.events, 1);
  const isOther = Math.abs(released.decided - expected) > VOLUME_ERRORS * errorOf(expected, ratio);
  const isTooLow = low !== null && released.decided < low * expected;
  const isTooHigh = high !== null && released.decided > high * expected;
  const isBeyond = isOther && (isTooLow || isTooHigh);
  const isUndecided =
    (isTooLow && mayDecide(compared, ratio, 1, low * expected - released.decided)) ||
    (isTooHigh && mayDecide(compared, ratio, -1, released.decided / high - expected));
  const open = isBeyond && isUndecided ? ` ${describeOpen(compared)}` : '';
  const text = `Version ${released.version} decided ${released.decided} notifications for ${released.events} events ${SPANS[span]}; by version ${before.version} it would be ${Math.round(expected)}${low === null && high === null ? '.' : `, and ${describeRange(low, high)} of that is allowed.`}${open}`;
  const sample = Math.min(released.events, before.events);
  const isWatched = low !== null || high !== null ? 0 : null;
  const judged = toState(watch, isWatched, sample, isBeyond);
  const state = judged === 'exceeded' && isUndecided ? 'waits_open' : judged;
  const bound = isWatched === null ? null : ([low, high] as const);
  return { number: 'volume', span, state, before: volumeBefore ?? null, released: volume ?? null, bound, text };
}

/**
 * Returns whether the open waits may decide as many notifications as are missing: where rules wait longer by one version, more of its
 * waits are open, and the other version has decided more so far. Waits that both versions have alike count for neither.
 *
 * @param sign 1: notifications of the released version are missing; -1: of the version before, in proportion to its events
 */
function mayDecide(
  { before, released, olderWaits }: ComparedSpan,
  ratio: number,
  sign: 1 | -1,
  missing: number,
): boolean {
  const excess = (one: number, other: number) => sign * (one - other * ratio);
  if (excess(released.waiting, before.waiting) >= missing) return true;
  if (olderWaits === null) return false;
  // There are more waits than were looked at. If those long ago differ, so do those before them, in unknown numbers.
  const older = excess(olderWaits.released, olderWaits.before);
  return older > VOLUME_ERRORS * errorOf(olderWaits.before * ratio, ratio);
}

function describeOpen({ before, released }: ComparedSpan): string {
  return `Its users have ${released.waiting} open waits that began since, and those of version ${before.version} ${before.waiting}: it is judged when they have ended.`;
}

function toState(
  watch: ReleaseWatch | null,
  bound: number | null,
  sample: number,
  isExceeded: boolean,
): WatchVerdict['state'] {
  if (!watch || bound === null) return 'not_watched';
  if (sample < watch.minSample) return 'too_few';
  return isExceeded ? 'exceeded' : 'ok';
}

interface Share {
  readonly hits: number;
  readonly n: number;
}

const SPANS = { since_start: 'since its release began', last_hour: 'in the last hour' };

function toRate({ hits, n }: Share): number | null {
  return n <= 0 ? null : hits / n;
}

function percent(rate: number | null): string {
  return rate === null ? 'unknown' : `${Number((rate * 100).toFixed(2))}%`;
}

function describeRange(low: number | null, high: number | null): string {
  if (low === null) return `up to ${high} times`;
  return high === null ? `at least ${low} times` : `${low} to ${high} times`;
}
