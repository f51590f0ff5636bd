import type { Limit } from '../../model/catalog.ts';
import type { JsonObject, Millis } from '../../model/event.ts';
import { formatDate, resolveZone, toFixedIso } from '../../time/calendar.ts';
import { DAY_MS, isoTime } from '../../time/iso-time.ts';
import type { CountedUse, LimitLookup } from '../facts.ts';
import { CountedUses } from '../known/counted-uses.ts';

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
 * @param known the known uses of the limit; a list may be in any order
 * @param traits the user's profile: `time_zone` gives the user's own day
 */
export function evaluateLimit(
  limit: Limit,
  known: CountedUses | readonly CountedUse[],
  time: Millis,
  traits: JsonObject,
): LimitState {
  const uses = known instanceof CountedUses ? known : known.length === 0 ? NO_USES : new CountedUses(known);
  const { period } = limit;
  if (period.kind === 'rolling') return evaluateRolling(limit, period.span, uses, time);
  const zone = period.kind === 'ever' ? '' : resolveZone(period.zone, traits);
  const bucket = period.kind === 'ever' ? 'ever' : formatDate(time, zone);
  const counted = uses.ofBucket(bucket);
  return {
    bucket,
    window: period.kind === 'ever' ? 'ever' : `${bucket} (${zone})`,
    slot: uses.nextSlot(bucket),
    uses: counted,
    reached: counted.length >= limit.max,
  };
}

const NO_USES = new CountedUses();

/**
 * No span of the period's length may hold more than `max` sends. A late event lies between sends, so the spans that end after
 * it count as well as those before it.
 */
function evaluateRolling(limit: Limit, span: Millis, uses: CountedUses, time: Millis): LimitState {
  const fullest = findFullestSpan(uses.between(time - span, time + span), span, time);
  const bucket = toFixedIso(time);
  return {
    bucket,
    window: `any ${limit.text.replace(/ per person$/, '').replace(/^.*per /, '')} around ${isoTime(time)}`,
    slot: uses.nextSlot(bucket),
    uses: fullest,
    reached: fullest.length >= limit.max,
  };
}

/**
 * Returns the uses of the span with the most of them that includes `time`; of several the earliest. Such a span starts at a
 * use or at `time` itself.
 * @param near the uses up to a span before and after `time`, oldest first
 */
function findFullestSpan(near: readonly CountedUse[], span: Millis, time: Millis): readonly CountedUse[] {
  let [from, to] = [0, 0];
  let end = 0;
  for (let start = 0; start <= near.length; start++) {
    const at = start < near.length ? Math.min((near[start] as CountedUse).at, time) : time;
    while (end < near.length && (near[end] as CountedUse).at <= at + span) end++;
    if (end - start > to - from) [from, to] = [start, end];
    if (at === time) break;
  }
  return near.slice(from, to);
}
