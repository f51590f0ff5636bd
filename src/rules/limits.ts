import type { Limit } from '../model/catalog.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import { formatDate, resolveZone, toFixedIso } from '../time/calendar.ts';
import { DAY_MS, isoTime } from '../time/iso-time.ts';
import type { CountedUse, LimitLookup } from './facts.ts';

/** The state of a limit for one event. */
export interface LimitState {
  /** The bucket in which a send for this event would be counted. */
  readonly bucket: string;
  /** The same as evidence: `ever`, `2025-10-31 (UTC)`, `any 24h around …`. */
  readonly window: string;
  /** The next free slot in the bucket. */
  readonly slot: number;
  /** The sends that count against this event, oldest first. */
  readonly uses: readonly CountedUse[];
  readonly reached: boolean;
}

/**
 * Returns the key under which the sends of a rule or group are counted. It names the period and not the maximum, so a change
 * of the maximum keeps the count.
 */
export function toLimitKey(owner: string, limit: Limit): string {
  const { period } = limit;
  if (period.kind === 'ever') return `${owner}/ever`;
  if (period.kind === 'day') return `${owner}/day ${period.zone}`;
  return `${owner}/${period.span}ms`;
}

/** Returns the uses that must be known to evaluate a limit for an event that happened between `from` and `to`. */
export function toLimitLookup(limitKey: string, { period }: Limit, from: Millis, to: Millis): LimitLookup {
  if (period.kind === 'ever') return { limitKey, from: 'ever', to: 'ever' };
  if (period.kind === 'rolling') {
    return { limitKey, from: toFixedIso(from - period.span), to: toFixedIso(to + period.span) };
  }
  if (period.zone === 'UTC') return { limitKey, from: formatDate(from, 'UTC'), to: formatDate(to, 'UTC') };
  // The user's zone is not known yet; no zone is more than a day from UTC.
  return { limitKey, from: formatDate(from - DAY_MS, 'UTC'), to: formatDate(to + DAY_MS, 'UTC') };
}

/**
 * Evaluates a limit for one more send at this time.
 * @param uses known uses of the limit, in any order
 * @param traits the user's profile: `time_zone` gives the user's own day
 */
export function evaluateLimit(limit: Limit, uses: readonly CountedUse[], time: Millis, traits: JsonObject): LimitState {
  const { period } = limit;
  if (period.kind === 'rolling') return evaluateRolling(limit, period.span, uses, time);
  const zone = period.kind === 'ever' ? '' : resolveZone(period.zone, traits);
  const bucket = period.kind === 'ever' ? 'ever' : formatDate(time, zone);
  const counted = sortUses(uses.filter((use) => use.bucket === bucket));
  return {
    bucket,
    window: period.kind === 'ever' ? 'ever' : `${bucket} (${zone})`,
    slot: findFreeSlot(counted),
    uses: counted,
    reached: counted.length >= limit.max,
  };
}

/**
 * No span of the period's length may hold more than `max` sends. A late event lies between sends, so the spans that end after
 * it count as well as those before it.
 */
function evaluateRolling(limit: Limit, span: Millis, all: readonly CountedUse[], time: Millis): LimitState {
  const near = sortUses(all.filter((use) => Math.abs(use.at - time) <= span));
  // The span with the most sends among those that include `time` starts at a send or at `time` itself.
  let fullest: CountedUse[] = [];
  for (const start of [...near.map((use) => use.at), time]) {
    if (start > time) continue;
    const inside = near.filter((use) => use.at >= start && use.at <= start + span && time <= start + span);
    if (inside.length > fullest.length) fullest = inside;
  }
  const bucket = toFixedIso(time);
  return {
    bucket,
    window: `any ${limit.text.replace(/ per person$/, '').replace(/^.*per /, '')} around ${isoTime(time)}`,
    slot: findFreeSlot(near.filter((use) => use.bucket === bucket)),
    uses: fullest,
    reached: fullest.length >= limit.max,
  };
}

function findFreeSlot(uses: readonly CountedUse[]): number {
  return uses.reduce((highest, use) => Math.max(highest, use.slot), 0) + 1;
}

/** Mostly there is one use, and sorting would be the most expensive part of evaluating a limit. */
function sortUses(uses: CountedUse[]): CountedUse[] {
  return uses.length < 2 ? uses : uses.sort(compareOldestFirst);
}

function compareOldestFirst(a: CountedUse, b: CountedUse): number {
  return a.at - b.at || a.slot - b.slot;
}
