import type { Limit } from '../../src/model/catalog.ts';
import type { JsonObject, Millis } from '../../src/model/event.ts';
import type { LimitState } from '../../src/rules/evaluate/limits.ts';
import type { CountedUse } from '../../src/rules/facts.ts';
import { formatDate, resolveZone, toFixedIso } from '../../src/time/calendar.ts';
import { isoTime } from '../../src/time/iso-time.ts';

/** Evaluates a limit by scanning all uses. Slow and plain: what `evaluateLimit` must agree with. */
export function evaluateLimitByScan(
  limit: Limit,
  uses: readonly CountedUse[],
  time: Millis,
  traits: JsonObject,
): LimitState {
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
