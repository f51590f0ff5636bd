import type { Channel } from './delivery.ts';
import type { Millis } from './event.ts';

/** Periods of rate limits, the shortest first, with their lengths in ms. */
const PERIODS = [
  ['per_second', 1000],
  ['per_minute', 60_000],
  ['per_hour', 3_600_000],
  ['per_day', 86_400_000],
] as const;

/** Names of the periods of a rate limit. */
export const RATE_PERIODS: readonly (typeof PERIODS)[number][0][] = PERIODS.map(([name]) => name);

/** The largest number of messages that a rate limit can allow in a period. */
export const MAX_RATE = 1_000_000;

/**
 * Number of messages that may be sent per period. Over any time t it allows at most `burst + t × rate`. `burst` is for the shortest
 * period that is given, by default the number of messages of that period; a longer period may be used up at once.
 */
export type RateLimit = { readonly [period in (typeof PERIODS)[number][0]]?: number } & { readonly burst?: number };

/** Limits of a channel by scope; absent: none. */
export interface ScopedLimits {
  /** Limit of all tenants together. */
  readonly global?: RateLimit;
  /** Limit of each tenant. */
  readonly tenant?: RateLimit;
  /** Limit of each user. */
  readonly user?: RateLimit;
}

export type ChannelLimits = { readonly [channel in Channel]?: ScopedLimits };

/** One period of a rate limit, with an id that all processes share: a bucket that fills evenly (GCRA). */
export interface RateWindow {
  readonly id: string;
  /** Time in ms between two messages at its rate. */
  readonly interval: Millis;
  /** Messages that may follow at once, when none was sent for long. */
  readonly capacity: number;
}

/** Returns the windows of a limit. @param id of the limit, unique in the installation */
export function toWindows(id: string, limit: RateLimit): RateWindow[] {
  const given = PERIODS.filter(([name]) => limit[name] !== undefined);
  return given.map(([name, length], place) => {
    const count = limit[name] as number;
    return {
      id: `${id} ${name}`,
      interval: length / count,
      capacity: place === 0 ? (limit.burst ?? count) : count,
    };
  });
}

/** Returns the limit of an ordinary account, as its provider publishes it: a quarter of a second's messages may follow at once. */
export function toProviderLimit(perSecond: number): RateLimit {
  return { per_second: perSecond, burst: Math.max(1, Math.floor(perSecond / 4)) };
}

/**
 * Returns what is wrong with a rate limit, as part of a sentence that says what would be right, and the field; undefined: nothing.
 * @param limit of unknown shape
 */
export function findRateFault(
  limit: unknown,
): { readonly field: string | undefined; readonly message: string } | undefined {
  const fields = [...RATE_PERIODS, 'burst'];
  if (typeof limit !== 'object' || limit === null || Array.isArray(limit)) {
    return { field: undefined, message: `must be an object with ${fields.join(', ')}` };
  }
  for (const [field, value] of Object.entries(limit)) {
    if (!fields.includes(field)) return { field, message: `is not known; write ${fields.join(', ')}` };
    if (!Number.isInteger(value) || value < 1 || value > MAX_RATE) {
      return { field, message: `must be a whole number from 1 to ${MAX_RATE}` };
    }
  }
  if (RATE_PERIODS.every((period) => !Object.hasOwn(limit, period))) {
    return { field: undefined, message: `needs at least one of ${RATE_PERIODS.join(', ')}` };
  }
  return undefined;
}
