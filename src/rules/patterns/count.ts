import type { Count } from '../../model/catalog.ts';
import type { Millis } from '../../model/event.ts';
import { formatDate, resolveZone } from '../../time/calendar.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import type { Ids, Trigger } from '../facts.ts';
import { getGrouping, nameDay, nameGroup } from '../known/groupings.ts';
import { countBefore, countUpTo } from '../known/in-order.ts';
import { type FullEvent, type Grouping, MAX_SCANNED_EVENTS } from '../known/known-events.ts';
import type { UserState } from '../user-state.ts';
import { findRelated, getRelations, isAmong, type Relation } from './related-events.ts';

/** The events that `count` asks for. */
export interface Counted {
  readonly counted: number;
  /** Display text: `the 10m up to 2025-10-31T…`, `2025-10-31 (UTC)`, `since signup_completed of 2025-10-31T…`. */
  readonly window: string;
  readonly isEnough: boolean;
}

/** Counts the known events in the window that ends with the trigger. The trigger counts, if it is of a counted type. */
export function countEvents(
  compiled: CompiledRule,
  count: Count,
  user: UserState,
  trigger: Trigger,
  ids: Ids,
): Counted {
  const { window } = count;
  let counted: number;
  let text: string;
  if (window.kind === 'rolling') {
    counted = countSince(compiled, count, user, trigger, trigger.time - window.span, ids);
    text = `the ${window.text} up to ${isoTime(trigger.time)}`;
  } else if (window.kind === 'day') {
    const zone = resolveZone(window.zone, user.profile.traits);
    counted = countOnDay(compiled, count, user, trigger, zone, ids);
    text = `${formatDate(trigger.time, zone)} (${zone})`;
  } else {
    const start = findStart(compiled, window.event, user, trigger, ids);
    text = start ? `since ${window.event} of ${isoTime(start.time)}` : `since ${window.event}`;
    if (!start) return { counted: 0, window: text, isEnough: false };
    counted = countSince(compiled, count, user, trigger, start.time, ids);
  }
  return { counted, window: text, isEnough: isEnough(count, counted) };
}

/** Returns the number of counted events from `from` to the trigger, both included. */
export function countSince(
  compiled: CompiledRule,
  count: Count,
  user: UserState,
  trigger: Trigger,
  from: Millis,
  ids: Ids,
): number {
  const relation = getRelations(compiled).count;
  let counted = count.of.includes(trigger.type) ? 1 : 0;
  for (const type of count.of) {
    const related = findRelated(compiled, user, trigger, type, relation, ids);
    const inWindow = countUpTo(related, trigger.time) - countBefore(related, from);
    if (inWindow > 0) counted += inWindow - (isAmong(related, trigger) ? 1 : 0);
  }
  return counted;
}

function countOnDay(
  compiled: CompiledRule,
  count: Count,
  user: UserState,
  trigger: Trigger,
  zone: string,
  ids: Ids,
): number {
  const relation = getRelations(compiled).count;
  let counted = count.of.includes(trigger.type) ? 1 : 0;
  for (const type of count.of) {
    const known = user.events.get(type);
    if (!known) continue;
    let onDay: readonly FullEvent[];
    if (known.length > MAX_SCANNED_EVENTS) {
      const name = nameGroup(compiled, trigger, [compiled.sameCount], ids);
      if (name === undefined) continue;
      const grouping = dayGrouping(compiled);
      onDay = known.groupBy(grouping, ids, zone).get(nameDay(name, trigger.time, zone))?.events ?? [];
    } else {
      const day = formatDate(trigger.time, zone);
      const related = findRelated(compiled, user, trigger, type, relation, ids);
      onDay = related.filter(({ time }) => formatDate(time, zone) === day);
    }
    const upTo = countUpTo(onDay, trigger.time);
    if (upTo > 0) counted += upTo - (isAmong(onDay, trigger) ? 1 : 0);
  }
  return counted;
}

/** Returns the grouping of counted events by day. */
export function dayGrouping(compiled: CompiledRule): Grouping {
  const { same, about = false } = getRelations(compiled).count;
  return getGrouping(compiled, { purpose: 'count on day', same: [same], about, byDay: true });
}

/** Returns the grouping of counted events by which `findRelated` finds them. */
export function countGrouping(compiled: CompiledRule): Grouping {
  const { purpose, same, about = false } = getRelations(compiled).count;
  return getGrouping(compiled, { purpose, same: [same], about });
}

/**
 * Returns the latest event of a type up to the trigger; undefined without one.
 * @param type of the event since which is counted
 */
export function findStart(
  compiled: CompiledRule,
  type: string,
  user: UserState,
  trigger: Trigger,
  ids: Ids,
): FullEvent | undefined {
  const starts = findRelated(compiled, user, trigger, type, START, ids);
  const upTo = countUpTo(starts, trigger.time);
  const latest = starts[upTo - 1];
  return latest?.key === trigger.key ? starts[upTo - 2] : latest;
}

/** Relation of the event since which is counted to a trigger. */
export const START: Relation = { purpose: 'start', same: undefined };

function isEnough({ how, n }: Count, counted: number): boolean {
  switch (how) {
    case 'at_least':
      return counted >= n;
    case 'at_most':
      return counted <= n;
    case 'exactly':
      return counted === n;
  }
}
