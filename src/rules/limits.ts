import type { Limit } from '../model/catalog.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import { formatDate, resolveZone, toFixedIso } from '../time/calendar.ts';
import { DAY_MS, isoTime } from '../time/iso-time.ts';
import type { CountedUse, LimitLookup } from './facts.ts';

/** How one limit stands for one event. */
export interface LimitState {
  /** The bucket a send of this event would be counted in. */
  readonly bucket: string;
  /** The same for people: `ever`, `2025-10-31 (UTC)`, `24h around …`. */
  readonly window: string;
  /** The next free slot in the bucket. */
  readonly slot: number;
  /** The sends that count against this event, oldest first. */
  readonly uses: readonly CountedUse[];
  readonly reached: boolean;
}

/** Where the sends of a rule under this limit are counted. Changing only the maximum keeps the count. */
export function toLimitKey(rule: string, limit: Limit): string {
  const { period } = limit;
  if (period.kind === 'ever') return `${rule}/ever`;
  if (period.kind === 'day') return `${rule}/day ${period.zone}`;
  return `${rule}/${period.span}ms`;
}

/** The uses that must be known to judge an event that happened between `from` and `to`. */
export function toLimitLookup(limitKey: string, { period }: Limit, from: Millis, to: Millis): LimitLookup {
  if (period.kind === 'ever') return { limitKey, from: 'ever', to: 'ever' };
  if (period.kind === 'rolling') {
    return { limitKey, from: toFixedIso(from - period.span), to: toFixedIso(to + period.span) };
  }
  if (period.zone === 'UTC') return { limitKey, from: formatDate(from, 'UTC'), to: formatDate(to, 'UTC') };
  // The zone is known only with the profile; no zone is further than a day from UTC.
  return { limitKey, from: formatDate(from - DAY_MS, 'UTC'), to: formatDate(to + DAY_MS, 'UTC') };
}

/** @param user the profile traits: `time_zone` gives the person's own day */
export function evaluateLimit(limit: Limit, uses: readonly CountedUse[], time: Millis, user: JsonObject): LimitState {
  const { period } = limit;
  if (period.kind === 'rolling') return rolling(limit, period.span, uses, time);
  const zone = period.kind === 'ever' ? '' : resolveZone(period.zone, user);
  const bucket = period.kind === 'ever' ? 'ever' : formatDate(time, zone);
  const counted = inOrder(uses.filter((use) => use.bucket === bucket));
  return {
    bucket,
    window: period.kind === 'ever' ? 'ever' : `${bucket} (${zone})`,
    slot: freeSlot(counted),
    uses: counted,
    reached: counted.length >= limit.max,
  };
}

/**
 * No span of the period's length may hold more than `max` sends. A late event lies between sends, so spans that end
 * after it count as well as those before it.
 */
function rolling(limit: Limit, span: Millis, all: readonly CountedUse[], time: Millis): LimitState {
  const near = inOrder(all.filter((use) => Math.abs(use.at - time) <= span));
  // Every span that holds `time` and as many sends as possible starts at a send or at `time` itself.
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
    slot: freeSlot(near.filter((use) => use.bucket === bucket)),
    uses: fullest,
    reached: fullest.length >= limit.max,
  };
}

function freeSlot(uses: readonly CountedUse[]): number {
  return uses.reduce((highest, use) => Math.max(highest, use.slot), 0) + 1;
}

/** Most often there is one, and sorting it would be the dearest part of judging a limit. */
function inOrder(uses: CountedUse[]): CountedUse[] {
  return uses.length < 2 ? uses : uses.sort(oldestFirst);
}

function oldestFirst(a: CountedUse, b: CountedUse): number {
  return a.at - b.at || a.slot - b.slot;
}
