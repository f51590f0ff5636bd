import type { Event, Millis } from '../../model/event.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import type { Ids } from '../facts.ts';
import { getGrouping, nameGroup } from '../known/groupings.ts';
import { countBefore, countUpTo } from '../known/in-order.ts';
import type { EventGroup, FullEvent } from '../known/known-events.ts';
import type { UserState } from '../user-state.ts';
import { getChains, stepName } from './chain.ts';
import type { ChainIndex } from './chain-index.ts';
import { nameListKind, sweep, type TriggerList } from './trigger-list.ts';

/** Names the triggers whose chain of `after` the event may complete. */
export function nameChainCandidates(
  compiled: CompiledRule,
  user: UserState,
  { known, type }: TriggerList,
  event: Event,
  ids: Ids,
  name: (trigger: FullEvent) => void,
): void {
  const { after } = compiled.rule;
  const steps = [...after.keys()].filter((step) => after[step]?.event === event.type);
  if (steps.length === 0) return;
  // A trigger whose chain is complete keeps it, and is removed when it is seen.
  const grouping = getGrouping(compiled, {
    purpose: `open chain ${nameListKind(type)}`,
    same: compiled.sameAfter,
    about: type !== undefined,
  });
  const groups = known.groupBy(grouping, ids);
  const names = steps.map((step) => nameGroup(compiled, event, [compiled.sameAfter[step]], ids));
  for (const [group, triggers] of selectGroups(compiled, groups, event, ids)) {
    const last = triggers.events.at(-1);
    if (!last || last.time < event.time) continue;
    const own = steps.filter((step, index) => names[index] === stepName(group, step));
    if (own.length === 0) continue;
    const chains = getChains(compiled, user, group, ids);
    const visit = (trigger: FullEvent) => {
      if (chains.find(trigger)) return true;
      name(trigger);
      return false;
    };
    visitNewEnds(compiled, chains, triggers.events, own, event.time, visit);
    if (type === undefined || after.some((step) => step.event === type)) {
      visitOwnEnds(compiled, chains, triggers.events, event.time, visit);
    }
  }
}

/** Returns the groups of triggers that the event may belong to: mostly one, if all steps go by the same expression. */
function selectGroups(
  compiled: CompiledRule,
  groups: ReadonlyMap<string, EventGroup>,
  event: Event,
  ids: Ids,
): Iterable<[string, EventGroup]> {
  const [first, ...others] = compiled.rule.after;
  if (others.some(({ same }) => same !== first?.same)) return groups;
  const group = nameGroup(compiled, event, compiled.sameAfter, ids);
  const triggers = group === undefined ? undefined : groups.get(group);
  return group === undefined || !triggers ? [] : [[group, triggers]];
}

/** Visits the triggers that follow a time at which a chain ends once the event is known, and no other chain's end. */
function visitNewEnds(
  { rule: { after } }: CompiledRule,
  chains: ChainIndex,
  triggers: FullEvent[],
  steps: readonly number[],
  time: Millis,
  visit: (trigger: FullEvent) => boolean,
): void {
  const within = after.at(-1)?.within ?? 0;
  const { ends } = chains;
  let done = Number.NEGATIVE_INFINITY;
  const visitBetween = (from: Millis, to: Millis) =>
    sweep(triggers, from, to, (trigger) => {
      done = trigger.time;
      return visit(trigger);
    });
  for (const end of chains.preview(steps, time)) {
    const place = countUpTo(ends, end);
    if (done < end) visitBetween(end, end);
    // A trigger that a known end reaches is complete already.
    const covered = (ends[place - 1]?.time ?? Number.NEGATIVE_INFINITY) + within;
    const from = Math.max(end, covered, done) + 1;
    const to = Math.min(end + within, ends[place]?.time ?? Number.POSITIVE_INFINITY);
    if (from <= to) visitBetween(from, to);
  }
}

/**
 * Visits the triggers at whose own time a chain ends. The trigger may be an event of that chain, and no event of its own: then
 * the event can give it another chain. Of use only if triggers may be steps.
 */
function visitOwnEnds(
  { rule: { after } }: CompiledRule,
  chains: ChainIndex,
  triggers: FullEvent[],
  time: Millis,
  visit: (trigger: FullEvent) => boolean,
): void {
  const to = time + after.reduce((sum, { within }) => sum + within, 0);
  const { ends } = chains;
  const [firstEnd, lastEnd] = [countBefore(ends, time), countUpTo(ends, to)];
  const triggerCount = countUpTo(triggers, to) - countBefore(triggers, time);
  if (lastEnd - firstEnd <= triggerCount) {
    for (const end of ends.slice(firstEnd, lastEnd)) sweep(triggers, end.time, end.time, visit);
  } else {
    const isEnd = (at: Millis) => ends[countBefore(ends, at)]?.time === at;
    sweep(triggers, time, to, (trigger) => isEnd(trigger.time) && visit(trigger));
  }
}
