/**
 * Triggers that became known before a trait of which the start of their wait depends: the trait happened before them and
 * arrives later. Such a trigger is evaluated again, so that the order of arrival does not matter. This holds for rules with
 * `delay`, `at` and `unless`, as long as the wait would not be over: nothing was sent yet.
 */

import { compareForDecision } from '../../events/emitted.ts';
import type { Event, JsonObject } from '../../model/event.ts';
import type { CompiledRule, RuleSet } from '../compile/rule-set.ts';
import { readsTrait } from '../compile/trait-reads.ts';
import type { DecisionContext } from '../context.ts';
import { matchPattern, toMatched } from '../patterns/match-pattern.ts';
import type { UserState } from '../user-state.ts';
import { findDueTime } from '../waits/due-time.ts';
import { findStartedWait } from '../waits/start-wait.ts';
import { toScope } from './evaluate-condition.ts';
import { isAbout } from './triggers.ts';

/** Returns the rules that may start the waits of earlier triggers when one of these traits becomes known. */
export function findRulesReading({ startReading }: RuleSet, traits: readonly string[]): readonly CompiledRule[] {
  if (startReading.length === 0 || traits.length === 0) return NO_RULES;
  return startReading.filter(({ startReads }) => startReads && traits.some((trait) => readsTrait(startReads, trait)));
}

const NO_RULES: readonly CompiledRule[] = [];

/** Yields the known triggers of the rule that do not come before the event. Without triggers by a change of a trait. */
export function* triggersSince({ rule }: CompiledRule, { events }: UserState, event: Event): Iterable<Event> {
  for (const type of rule.on) {
    const known = events.get(type);
    if (!known) continue;
    for (let index = known.length - known.countFrom(event.time); index < known.length; index++) {
      const trigger = known.items[index]?.event;
      if (trigger && trigger.key !== event.key && compareForDecision(event, trigger) < 0 && isAbout(rule, trigger)) {
        yield trigger;
      }
    }
  }
}

/**
 * Yields the known triggers of the rule whose wait starts with the traits that the event brings, and did not start without.
 * @param before the visible traits of the user without those of the event
 */
export function* startedByTraits(
  ctx: DecisionContext,
  compiled: CompiledRule,
  event: Event,
  before: JsonObject,
): Iterable<Event> {
  const { user, now } = ctx;
  const userBefore = { ...user, profile: { ...user.profile, traits: before }, addresses: undefined };
  for (const trigger of triggersSince(compiled, user, event)) {
    const due = findStart(ctx, compiled, user, trigger);
    if (due === undefined || due <= now) continue;
    if (findStart(ctx, compiled, userBefore, trigger) !== undefined) continue;
    if (!findStartedWait(ctx, compiled, trigger)) yield trigger;
  }
}

/** Returns when the wait of a trigger is due; undefined if it does not start with this state of the user. */
function findStart({ ids }: DecisionContext, compiled: CompiledRule, user: UserState, trigger: Event) {
  const { condition, usesNow } = compiled;
  const pattern = compiled.hasPattern ? matchPattern(compiled, user, trigger, ids) : undefined;
  if (pattern && !pattern.isComplete) return undefined;
  const matched = pattern && toMatched(compiled, pattern);
  const firing = { trigger, matched };
  if (condition && !usesNow && condition.evaluate(toScope({ user }, firing)).kind !== 'true') return undefined;
  return findDueTime(user, compiled, firing)?.due;
}
