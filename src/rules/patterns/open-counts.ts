import type { Event } from '../../model/event.ts';
import { resolveZone } from '../../time/calendar.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import type { Ids } from '../facts.ts';
import { getGrouping, nameDay, nameGroup } from '../known/groupings.ts';
import { type EventGroup, type FullEvent, type Grouping, getEventsOfType } from '../known/known-events.ts';
import type { UserState } from '../user-state.ts';
import { countEvents, countGrouping, dayGrouping } from './count.ts';
import { ShiftedCounts } from './shifted-counts.ts';
import { nameListKind, type TriggerList } from './trigger-list.ts';

/** The triggers of one group that lack counted events in a window of fixed length, each with what it counts now. */
interface OpenCounts {
  readonly counts: ShiftedCounts;
  /** The groups of counted events, one for each type of `of`, that it follows. */
  readonly followed: readonly EventGroup[];
}

const known = new WeakMap<EventGroup, OpenCounts>();

/**
 * Names, for a window of fixed length, the triggers that lack this one event. One more event is never too many for a trigger
 * that had too few, and who has enough needs no more. What each trigger counts is kept up to date, so that no trigger is
 * counted again for an event in its window.
 */
export function nameInWindow(
  compiled: CompiledRule,
  user: UserState,
  { known: list, type }: TriggerList,
  event: Event,
  ids: Ids,
  name: (trigger: FullEvent) => void,
): void {
  const { count } = compiled.rule;
  if (!count || count.window.kind === 'since') return;
  const same = [compiled.sameCount];
  let group = nameGroup(compiled, event, same, ids);
  if (group === undefined) return;
  const { window } = count;
  const zone = window.kind === 'day' ? resolveZone(window.zone, user.profile.traits) : '';
  const byDay = window.kind === 'day';
  const purpose = `open count ${byDay ? 'on day ' : ''}${nameListKind(type)}`;
  if (byDay) group = nameDay(group, event.time, zone);
  const grouping = getGrouping(compiled, { purpose, same, about: type !== undefined, byDay });
  const triggers = list.groupBy(grouping, ids, zone).get(group);
  const last = triggers?.events.at(-1);
  if (!triggers || !last || last.time < event.time) return;
  const counted = byDay ? dayGrouping(compiled) : countGrouping(compiled);
  const to = window.kind === 'rolling' ? event.time + window.span : Number.POSITIVE_INFINITY;
  findOpenCounts(compiled, user, triggers, { grouping: counted, name: group, zone }, ids).visitLastOnes(
    event.time,
    to,
    name,
  );
}

interface CountedGroup {
  readonly grouping: Grouping;
  readonly name: string;
  readonly zone: string;
}

/** Returns the counts of a group of triggers. Built the first time, and again if the groups of counted events were. */
function findOpenCounts(
  compiled: CompiledRule,
  user: UserState,
  triggers: EventGroup,
  { grouping, name, zone }: CountedGroup,
  ids: Ids,
): ShiftedCounts {
  const { of } = compiled.rule.count!;
  const followed = of.map((type) => getEventsOfType(user.events, type).getGroup(grouping, ids, name, zone));
  const built = known.get(triggers);
  if (built?.followed.every((group, index) => group === followed[index])) return built.counts;
  const counts = buildCounts(compiled, user, triggers, followed, ids);
  known.set(triggers, { counts, followed });
  return counts;
}

function buildCounts(
  compiled: CompiledRule,
  user: UserState,
  triggers: EventGroup,
  followed: readonly EventGroup[],
  ids: Ids,
): ShiftedCounts {
  const count = compiled.rule.count!;
  const counts = new ShiftedCounts(count.n);
  // After the counts were built again, these are not looked at.
  const isCurrent = () => known.get(triggers)?.counts === counts;
  const add = (trigger: FullEvent) =>
    counts.add(trigger, countEvents(compiled, count, user, trigger.event, ids).counted);
  for (const trigger of triggers.events) add(trigger);
  follow(triggers, (trigger) => {
    if (isCurrent()) add(trigger);
  });
  const { window } = count;
  for (const group of followed) {
    follow(group, ({ time, key }) => {
      // A trigger counts itself, whether it is known or not.
      if (isCurrent())
        counts.countUp(time, window.kind === 'rolling' ? time + window.span : Number.POSITIVE_INFINITY, key);
    });
  }
  return counts;
}

function follow(group: EventGroup, follower: (event: FullEvent) => void): void {
  group.followers ??= [];
  group.followers.push(follower);
}
