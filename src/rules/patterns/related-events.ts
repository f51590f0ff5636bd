import type { Rule } from '../../model/catalog.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import { evaluateKey, haveSameValue } from '../evaluate/key.ts';
import { isAbout } from '../evaluate/triggers.ts';
import type { Ids, Trigger } from '../facts.ts';
import { getGrouping, nameGroup } from '../known/groupings.ts';
import { findIndexOf } from '../known/in-order.ts';
import { type FullEvent, MAX_SCANNED_EVENTS } from '../known/known-events.ts';
import type { UserState } from '../user-state.ts';

/** Which events of a type belong to a trigger. */
export interface Relation {
  /** Names the relation within the rule. */
  readonly purpose: string;
  /** The expression that both must have the same value of. */
  readonly same: CompiledRule['sameCount'];
  /** Whether to leave out what the rule's `about` does not accept. */
  readonly about?: boolean;
}

/** Relations of one rule, by what it looks for. */
interface Relations {
  readonly steps: readonly Relation[];
  readonly count: Relation;
  readonly unless: Relation;
}

const relations = new WeakMap<CompiledRule, Relations>();

/** Returns how the events of a rule's pattern and of its `unless` belong to a trigger. */
export function getRelations(compiled: CompiledRule): Relations {
  let known = relations.get(compiled);
  if (!known) {
    const { rule, sameAfter, sameCount, sameUnless } = compiled;
    known = {
      steps: sameAfter.map((same, step) => ({ purpose: `step ${step}`, same })),
      count: { purpose: 'count', same: sameCount, about: rule.about !== undefined && countsTriggers(rule) },
      unless: { purpose: 'unless', same: sameUnless },
    };
    relations.set(compiled, known);
  }
  return known;
}

/** Returns whether the rule counts the events that trigger it, which is the default of `of`. */
function countsTriggers({ on, count }: Rule): boolean {
  return count !== undefined && count.of.length === on.length && count.of.every((type) => on.includes(type));
}

/**
 * Returns the known events of a type that belong to the trigger: with the same key of the rule and the same value of `same`.
 * In order of time. The trigger itself may be among them: see `isAmong`. Empty when the trigger has no key and the rule needs
 * one. Not to be changed, and not to be kept.
 */
export function findRelated(
  compiled: CompiledRule,
  user: UserState,
  trigger: Pick<Trigger, 'properties' | 'traits'>,
  type: string,
  { purpose, same, about = false }: Relation,
  ids: Ids,
): readonly FullEvent[] {
  const known = user.events.get(type);
  if (!known || known.length === 0) return NO_EVENTS;
  if (known.length > MAX_SCANNED_EVENTS) {
    const name = nameGroup(compiled, trigger, [same], ids);
    if (name === undefined) return NO_EVENTS;
    const grouping = getGrouping(compiled, { purpose, same: [same], about });
    return known.groupBy(grouping, ids).get(name)?.events ?? NO_EVENTS;
  }
  const key = evaluateKey(compiled, trigger, ids);
  if (key === undefined) return NO_EVENTS;
  return known.items.filter(
    (one): one is FullEvent =>
      one.event !== undefined &&
      !(about && !isAbout(compiled.rule, one.event)) &&
      evaluateKey(compiled, one.event, ids) === key &&
      haveSameValue(same, one.event, trigger, ids),
  );
}

/** Returns whether the trigger is one of these events. @param events in order of time */
export function isAmong(events: readonly FullEvent[], trigger: Trigger): boolean {
  return findIndexOf(events, trigger) >= 0;
}

const NO_EVENTS: readonly FullEvent[] = [];
