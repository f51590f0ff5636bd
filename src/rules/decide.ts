/**
 * The three entry points of the engine: an event arrives, a wait is due, a recurring rule has an occurrence. All are
 * synchronous and perform no I/O: the same facts, input, time and ids give the same verdicts.
 *
 * Only decide-in-order.ts may import this file; every caller decides through it.
 */

import { truncateForEvidence } from '../expressions/truncate.ts';
import type { Event, Millis, Profile } from '../model/event.ts';
import { isSameValue } from '../users/profile.ts';
import { type DecisionContext, newContext, type Verdicts } from './context.ts';
import { evaluateRule } from './evaluate-rule.ts';
import { type Ids, mergeEvent, recordFired, type Trigger, type UserState, type Wait } from './facts.ts';
import { fireSchedule, fireWait } from './firing/fire-wait.ts';
import { shiftPending } from './lookahead.ts';
import { findOpenTriggers, hasBecomeComplete } from './patterns/match-pattern.ts';
import type { CompiledRule, RuleSets } from './rule-set.ts';
import { addTraitChanges, findOpenChanges, matchesTraitChange } from './trait-changes.ts';
import { findTriggered } from './triggers.ts';
import { cancelWaits, reportTooLate } from './waits/cancel.ts';
import { toWaitId } from './waits/wait.ts';

/**
 * Decides what every rule makes of one event, in this order: waits that it ends, rules that it triggers by its type and by
 * the traits that it changes, earlier triggers whose pattern it completes.
 *
 * Then adds the event, and what it caused, to the user's state.
 *
 * @param user its profile includes the event's traits; changed in place
 * @param before the profile without the event's traits
 * @param now time of the decision
 * @returns verdicts whose source is the key of the event
 */
export function decide(
  rules: RuleSets,
  user: UserState,
  event: Event & Pick<Trigger, 'depth'>,
  before: Profile,
  now: Millis,
  ids: Ids,
): Verdicts {
  const { active } = rules;
  const ctx = newContext(rules, user, now, ids, event.key);
  if (user.waits.size > 0) {
    cancelWaits(ctx, event);
    reportTooLate(ctx, event);
  }
  const triggered = findTriggered(active, event);
  for (const compiled of triggered) evaluateRule(ctx, compiled, event);
  if (active.byTrait.size > 0) evaluateTraitChanges(ctx, event, before, triggered);

  const open = findOpenTriggers(active, user, event, ids);
  mergeEvent(user, event.type, { key: event.key, eventId: event.eventId, time: event.time, event });
  shiftPending(user, event);
  for (const trigger of open) {
    if (hasBecomeComplete(trigger, user, ids)) evaluateRule(ctx, trigger.compiled, trigger.trigger, trigger.change);
  }
  recordFired(user, event.time, ctx.decisions);
  return ctx;
}

/** Fires an open wait that is due. The verdicts' source is its id. */
export function decideDueWait(rules: RuleSets, user: UserState, wait: Wait, now: Millis, ids: Ids): Verdicts {
  const ctx = newContext(rules, user, now, ids, wait.waitId);
  fireWait(ctx, wait);
  return ctx;
}

/**
 * Runs one occurrence of a recurring rule for one user. The verdicts' source is the id of the wait that records it.
 *
 * @param localTimeKey the occurrence as local time: a user has each of them once
 * @returns `wait`: that record; undefined when the user is not in the audience, or had this occurrence before
 */
export function decideOccurrence(
  rules: RuleSets,
  compiled: CompiledRule,
  user: UserState,
  due: Millis,
  localTimeKey: string,
  now: Millis,
  ids: Ids,
): { readonly verdicts: Verdicts; readonly wait: Wait | undefined } {
  const ctx = newContext(rules, user, now, ids, toWaitId({ user, ids }, compiled.rule.name, localTimeKey));
  return { verdicts: ctx, wait: fireSchedule(ctx, compiled, due, localTimeKey) };
}

/** Evaluates the rules that listen to traits which the event changes. The same value again is no change. */
function evaluateTraitChanges(
  ctx: DecisionContext,
  event: Event & Pick<Trigger, 'depth'>,
  before: Profile,
  alreadyEvaluated: readonly CompiledRule[],
): void {
  const { byTrait, hasTraitPatterns } = ctx.rules.active;
  const { traits } = ctx.user.profile;
  const evaluated = new Set(alreadyEvaluated);
  for (const trait of Object.keys(event.traits)) {
    const listening = byTrait.get(trait);
    if (!listening) continue;
    const from = before.traits[trait] ?? null;
    const to = traits[trait] ?? null;
    if (isSameValue(from, to)) continue;
    for (const compiled of listening) {
      if (evaluated.has(compiled) || !matchesTraitChange(compiled.rule, trait, to)) continue;
      evaluated.add(compiled);
      evaluateRule(ctx, compiled, event, { trait, from: truncateForEvidence(from), to: truncateForEvidence(to) });
    }
  }
  if (hasTraitPatterns) addTraitChanges(ctx.user, findOpenChanges(event, ctx.decisions));
}
