import type { Count } from '../../model/catalog.ts';
import type { Event, Millis } from '../../model/event.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import { isAbout } from '../evaluate/triggers.ts';
import type { Ids, Trigger } from '../facts.ts';
import { getGrouping, nameGroup } from '../known/groupings.ts';
import { countBefore, countUpTo, partition } from '../known/in-order.ts';
import type { FullEvent } from '../known/known-events.ts';
import type { UserState } from '../user-state.ts';
import { countEvents, countSince, findStart, START } from './count.ts';
import { nameInWindow } from './open-counts.ts';
import { findRelated, getRelations, type Relation } from './related-events.ts';
import { nameListKind, type TriggerList } from './trigger-list.ts';

/** The arriving event, and what its candidates are looked for with. */
interface Search {
  readonly compiled: CompiledRule;
  readonly count: Count;
  readonly user: UserState;
  readonly list: TriggerList;
  readonly event: Event;
  readonly ids: Ids;
  readonly name: (trigger: FullEvent) => void;
}

/** Names the triggers whose `count` the event may make right. */
export function nameCountCandidates(
  compiled: CompiledRule,
  user: UserState,
  list: TriggerList,
  event: Event,
  ids: Ids,
  name: (trigger: FullEvent) => void,
): void {
  const { count } = compiled.rule;
  if (!count) return;
  const search: Search = { compiled, count, user, list, event, ids, name };
  const isCounted =
    count.of.includes(event.type) && (!getRelations(compiled).count.about || isAbout(compiled.rule, event));
  if (count.window.kind === 'since' && event.type === count.window.event) nameAfterStart(search, isCounted);
  else if (isCounted && count.how !== 'at_most') {
    if (count.window.kind === 'since') nameSinceStart(search, count.window.event);
    else nameInWindow(compiled, user, list, event, ids, name);
  }
}

/** Names, for a count since an event, those that lack this one event, after the same start. */
function nameSinceStart(search: Search, startType: string): void {
  const { compiled, count, user, event, ids } = search;
  const key = nameGroup(compiled, event, [undefined], ids);
  const start = key === undefined ? undefined : findStart(compiled, startType, user, event, ids);
  if (!start) return;
  const triggers = findTriggers(search, [compiled.sameCount], event);
  const segment = findSegment(search, triggers, startType);
  if (segment.isEven) {
    const counted = (trigger: FullEvent) => countEvents(compiled, count, user, trigger.event, ids).counted;
    nameEven(search, triggers, segment, counted, count.n - 1, count.n - 1);
    return;
  }
  nameInGroup(search, event, startType, start.time, count.n - 1, count.n - 1);
  // If it is the only start of its time, it has an earlier start itself.
  if (start.time === event.time) nameIfTrigger(search, start);
}

/** Names, for a count since this event, those for which it makes the difference, up to the next start. */
function nameAfterStart(search: Search, isCounted: boolean): void {
  const { compiled, count, user, event, ids } = search;
  const { n, how } = count;
  if (nameGroup(compiled, event, [undefined], ids) === undefined) return;
  const triggers = findTriggers(search, [undefined], event);
  const segment = findSegment(search, triggers, event.type);
  // With `same`, the triggers of one start count different events; and of starts at one time, one may be a trigger.
  if (compiled.sameCount || !segment.isEven) {
    const before = findStart(compiled, event.type, user, event, ids);
    // A later start leaves fewer events to count, and one at the same time leaves as many; it may be the event itself that is
    // lacking. A trigger that was the only start of its time gets one of this time.
    if (before && (how === 'at_least' || before.time === event.time)) {
      if (isCounted && how !== 'at_most') nameSinceStart(search, event.type);
      if (before.time === event.time) nameIfTrigger(search, before);
      return;
    }
    nameMoved(search, triggers, segment, before?.time, isCounted);
    return;
  }
  const own = isCounted ? 1 : 0;
  const counted = (trigger: FullEvent) => countSince(compiled, count, user, trigger.event, event.time, ids) + own;
  const start = findStart(compiled, event.type, user, event, ids);
  let [least, most] = how === 'at_least' ? [n, Number.POSITIVE_INFINITY] : how === 'exactly' ? [n, n] : [0, n];
  if (start) {
    // All of them have the same number fewer than before.
    const fewer = countBetween(search, start.time) - own;
    if (fewer === 0) return;
    if (how === 'at_least') most = n - fewer - 1;
    else if (how === 'at_most') least = n - fewer + 1;
  }
  if (least <= most) nameEven(search, triggers, segment, counted, least, most);
}

/**
 * Names the triggers of a segment that may have become right because this event is their start from now on. Looks at them, or,
 * where that is less, at the events that they no longer count, and at the triggers of these events' groups. Starts divide the
 * time of a user, and each costs the smaller of the two parts: so starts in any order cost little more than all events together.
 * @param before when they started until now; undefined: they had no start
 */
function nameMoved(
  search: Search,
  triggers: readonly FullEvent[],
  { from, to }: Segment,
  before: Millis | undefined,
  isCounted: boolean,
): void {
  const { compiled, count, user, event, ids, name } = search;
  const relation: Relation = { ...BY_KEY, about: getRelations(compiled).count.about ?? false };
  const gone = count.of.map((type) => {
    const related = before === undefined ? [] : findRelated(compiled, user, event, type, relation, ids);
    return { related, from: countBefore(related, before ?? 0), to: countBefore(related, event.time) };
  });
  const goneCount = gone.reduce((sum, one) => sum + one.to - one.from, 0);
  if (before === undefined || to - from <= goneCount) {
    for (let index = from; index < to; index++) name(triggers[index] as FullEvent);
    return;
  }
  const goneOf = new Map<string, { readonly event: Event; count: number }>();
  const add = (one: Event, number: number) => {
    const group = nameGroup(compiled, one, [compiled.sameCount], ids);
    if (group === undefined) return;
    const known = goneOf.get(group);
    if (known) known.count += number;
    else goneOf.set(group, { event: one, count: number });
  };
  for (const { related, from: first, to: end } of gone) {
    for (let index = first; index < end; index++) add((related[index] as FullEvent).event, 1);
  }
  // The event itself counts from now on, and is not known yet.
  const own = isCounted ? 1 : 0;
  if (isCounted) add(event, 0);
  const { n, how } = count;
  for (const { event: one, count: fewer } of goneOf.values()) {
    const least = how === 'at_most' ? n - fewer + 1 : n - own;
    nameInGroup(search, one, event.type, event.time, least, n);
  }
}

/** Relation of counted events to a trigger, whatever they have in common beside the key. */
const BY_KEY = { purpose: 'counted by key', same: undefined };

/** Names an event, if it is among the triggers. */
function nameIfTrigger({ list, name }: Search, { key }: FullEvent): void {
  const trigger = list.known.find(key);
  if (trigger?.event) name(trigger as FullEvent);
}

/** Returns the number of counted events from `start` to the event, without those at its own time. */
function countBetween({ compiled, count, user, event, ids }: Search, start: Millis): number {
  let counted = 0;
  for (const type of count.of) {
    const related = findRelated(compiled, user, event, type, getRelations(compiled).count, ids);
    counted += countBefore(related, event.time) - countBefore(related, start);
  }
  return counted;
}

function findTriggers(
  { compiled, list: { known, type }, ids }: Search,
  same: CompiledRule['sameAfter'],
  event: Pick<Trigger, 'properties' | 'traits'>,
): readonly FullEvent[] {
  const name = nameGroup(compiled, event, same, ids);
  if (name === undefined) return [];
  const purpose = `${same[0] ? 'trigger with same' : 'trigger'} ${nameListKind(type)}`;
  const grouping = getGrouping(compiled, { purpose, same, about: type !== undefined });
  return known.groupBy(grouping, ids).get(name)?.events ?? [];
}

/** The triggers between the event and the next start, as places in their list. */
interface Segment {
  readonly from: number;
  readonly to: number;
  /** Whether all of them have the same start, so that a later one counts no fewer events. */
  readonly isEven: boolean;
}

function findSegment(
  { compiled, user, list, event, ids }: Search,
  triggers: readonly FullEvent[],
  startType: string,
): Segment {
  const starts = findRelated(compiled, user, event, startType, START, ids);
  const next = starts[countUpTo(starts, event.time)]?.time ?? Number.POSITIVE_INFINITY;
  const from = countBefore(triggers, event.time);
  // A start is not the start of itself: as a trigger it belongs to the one before. A trait change may be one, or be counted
  // without being known.
  const isEven = list.type !== undefined && list.type !== startType;
  const to = isEven ? countBefore(triggers, next) : countUpTo(triggers, next);
  return { from, to, isEven };
}

/** Names those of an even segment that count between `least` and `most` events, which are at one stretch. */
function nameEven(
  { name }: Search,
  triggers: readonly FullEvent[],
  { from, to }: Segment,
  counted: (trigger: FullEvent) => number,
  least: number,
  most: number,
): void {
  const first = partition(triggers, (trigger) => counted(trigger) < least, from, to);
  const end = partition(triggers, (trigger) => counted(trigger) <= most, first, to);
  for (let index = first; index < end; index++) name(triggers[index] as FullEvent);
}

/**
 * Names those of a segment that count between `least` and `most` events, all in the group of `event`, and those that count one
 * less than `least`: a trigger that is counted and not known counts one more than is known.
 * @param start from when is counted
 */
function nameInGroup(
  search: Search,
  event: Event,
  startType: string,
  start: Millis,
  least: number,
  most: number,
): void {
  const { compiled, count, user, ids } = search;
  const triggers = findTriggers(search, [compiled.sameCount], event);
  if (triggers.length === 0) return;
  const segment = findSegment(search, triggers, startType);
  const relation = getRelations(compiled).count;
  const groups = count.of.map((type) => {
    const related = findRelated(compiled, user, event, type, relation, ids);
    return { related, before: countBefore(related, start) };
  });
  const counted = ({ time }: FullEvent) =>
    groups.reduce((sum, { related, before }) => sum + countUpTo(related, time) - before, 0);
  nameEven(search, triggers, segment, counted, least - 1, most);
}
