import type { CompiledRule } from '../compile/rule-set.ts';
import type { Ids, Trigger } from '../facts.ts';
import { getGrouping, nameGroup, SEPARATOR } from '../known/groupings.ts';
import { type FullEvent, getEventsOfType, getIndex, MAX_SCANNED_EVENTS } from '../known/known-events.ts';
import type { UserState } from '../user-state.ts';
import { ChainIndex } from './chain-index.ts';
import { findRelated, getRelations, type Relation } from './related-events.ts';

/**
 * Finds a chain of events for the steps of `after`: each at most `within` before the next one, the last of them before the
 * trigger, and no event for two steps.
 *
 * @returns the events, the earliest first; of all chains one whose last event is the latest. Undefined: there is no chain.
 */
export function findChain(
  compiled: CompiledRule,
  user: UserState,
  trigger: Trigger,
  ids: Ids,
): readonly FullEvent[] | undefined {
  const { after } = compiled.rule;
  let known = 0;
  for (const { event: type } of after) known += user.events.get(type)?.length ?? 0;
  if (known === 0) return undefined;
  if (known > MAX_SCANNED_EVENTS) {
    const name = nameGroup(compiled, trigger, compiled.sameAfter, ids);
    return name === undefined ? undefined : getChains(compiled, user, name, ids).find(trigger);
  }
  const { steps } = getRelations(compiled);
  const candidates: (readonly FullEvent[])[] = [];
  for (let step = 0; step < after.length; step++) {
    const related = findRelated(compiled, user, trigger, after[step]!.event, steps[step] as Relation, ids);
    if (related.length === 0) return undefined;
    candidates.push(related);
  }
  return new ChainIndex(after, candidates).find(trigger);
}

/**
 * Returns the chains of the events that belong to the triggers of one group, kept up to date from now on.
 * @param name of the group: the key and the value of `same` of each step (`nameGroup`)
 */
export function getChains(compiled: CompiledRule, { events }: UserState, name: string, ids: Ids): ChainIndex {
  const byName = getIndex(events, compiled, () => new Map<string, ChainIndex>());
  let index = byName.get(name);
  if (!index) {
    const groups = compiled.rule.after.map(({ event: type }, step) => {
      const { purpose, same } = getRelations(compiled).steps[step] as Relation;
      return getEventsOfType(events, type).getGroup(
        getGrouping(compiled, { purpose, same: [same] }),
        ids,
        stepName(name, step),
      );
    });
    const chains = new ChainIndex(
      compiled.rule.after,
      groups.map((group) => group.events),
    );
    for (const [step, group] of groups.entries()) {
      group.followers ??= [];
      group.followers.push(({ time }) => chains.add(step, time));
    }
    byName.set(name, chains);
    index = chains;
  }
  return index;
}

/** Returns the name of the group that the candidates of a step are in. @param name of the triggers they belong to */
export function stepName(name: string, step: number): string {
  const [key = '', ...values] = name.split(SEPARATOR);
  return key + SEPARATOR + (values[step] ?? '');
}
