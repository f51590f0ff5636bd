import type { Evidence } from '../../model/decision.ts';
import type { Event, Millis } from '../../model/event.ts';
import { addDecision, type DecisionContext, type Firing, findWaits } from '../context.ts';
import { evaluateCondition, toScope } from '../evaluate-condition.ts';
import { compareByTime, isBefore } from '../event-order.ts';
import type { Trigger, UserState, Wait } from '../facts.ts';
import { evaluateKey } from '../key.ts';
import { pendingTraitChanges, stateAt } from '../lookahead.ts';
import { matchPattern, toMatched } from '../patterns/match-pattern.ts';
import { alreadyWaitingReason, supersededReason } from '../reasons.ts';
import type { CompiledRule } from '../rule-set.ts';
import { matchesTraitChange } from '../trait-changes.ts';
import { isAbout } from '../triggers.ts';
import { closeWait, toKeyEvidence, toWaitEvidence } from './wait.ts';

/**
 * Applies `again` to a trigger whose wait overlaps other waits of the rule for the same key. The order of arrival does not
 * matter: by event time, `ignore` keeps the first trigger and `restart` the last one; `beside` keeps all.
 *
 * One exception: a trigger that was ignored stays ignored, also when something that happened earlier ends the wait in its
 * way afterwards.
 *
 * @param end when the wait of this trigger will be over
 * @param user the known events among which a later trigger may be
 * @returns the latest wait that this trigger replaces, or `superseded` if it starts no wait itself; undefined: no overlap
 */
export function resolveOverlap(
  ctx: DecisionContext,
  compiled: CompiledRule,
  firing: Firing,
  end: Millis,
  user: UserState,
): Wait | 'superseded' | undefined {
  const { rule } = compiled;
  if (rule.again === 'beside') return undefined;
  const { key, trigger } = firing;
  // The digest of another version is sent all the same, and an occurrence of a recurring rule has no trigger.
  const mayOverlap = ({ kind, state }: Wait) =>
    kind !== 'digest' && kind !== 'every' && state.trigger.key !== trigger.key;
  const others = findWaits(ctx, (wait) => wait.rule === rule.name && wait.key === key && mayOverlap(wait));
  if (rule.again === 'ignore') return keepFirstTrigger(ctx, compiled, firing, end, others);
  return keepLastTrigger(ctx, compiled, firing, findLaterTrigger(ctx, compiled, firing, end, others, user), others);
}

/** Adds the decision that a trigger starts no wait, because another wait is open. */
export function recordAlreadyWaiting(
  ctx: DecisionContext,
  compiled: CompiledRule,
  { eventIds, evidence }: Firing,
  open: Wait,
): void {
  evidence.wait = toWaitEvidence(open);
  const reason = alreadyWaitingReason(compiled.rule, open);
  addDecision(ctx, compiled, { code: 'already_waiting', reason, eventIds, evidence });
}

function keepFirstTrigger(
  ctx: DecisionContext,
  compiled: CompiledRule,
  firing: Firing,
  end: Millis,
  others: readonly Wait[],
): Wait | 'superseded' | undefined {
  const { trigger } = firing;
  const overlapping = others.filter((wait) => {
    if (wait.status === 'cancelled') return false;
    return isBefore(trigger, wait.state.trigger) ? wait.triggerTime <= end : trigger.time <= wait.dueAt;
  });
  const first = overlapping.find((wait) => wait.status === 'fired' || isBefore(wait.state.trigger, trigger));
  if (first) {
    recordAlreadyWaiting(ctx, compiled, firing, first);
    return 'superseded';
  }
  for (const wait of overlapping) supersedeWait(ctx, compiled, wait, trigger);
  return overlapping[0];
}

function keepLastTrigger(
  ctx: DecisionContext,
  compiled: CompiledRule,
  { trigger, eventIds, evidence }: Firing,
  later: Trigger | undefined,
  others: readonly Wait[],
): Wait | 'superseded' | undefined {
  if (later) {
    const reason = supersededReason(compiled.rule, later);
    addDecision(ctx, compiled, { code: 'superseded', reason, eventIds: [...eventIds, later.eventId], evidence });
    return 'superseded';
  }
  const earlier = others.filter(
    (wait) => wait.status === 'waiting' && trigger.time <= wait.dueAt && isBefore(wait.state.trigger, trigger),
  );
  for (const wait of earlier) supersedeWait(ctx, compiled, wait, trigger);
  return earlier.at(-1);
}

/** Cancels a wait because another trigger takes its place. */
export function supersedeWait(ctx: DecisionContext, compiled: CompiledRule, wait: Wait, by: Trigger): void {
  closeWait(wait, 'cancelled', ctx.now, { event_id: by.eventId, event_type: by.type, at: by.time });
  const eventIds = [by.eventId, wait.state.trigger.eventId];
  const evidence: Evidence = { ...toKeyEvidence(wait.key), wait: toWaitEvidence(wait) };
  addDecision(ctx, compiled, {
    code: 'superseded',
    reason: supersededReason(compiled.rule, by),
    eventIds,
    evidence,
  });
}

/** Returns a trigger that happened later and arrived earlier, and would have restarted this wait; undefined without one. */
function findLaterTrigger(
  ctx: DecisionContext,
  compiled: CompiledRule,
  { trigger, key }: Firing,
  end: Millis,
  others: readonly Wait[],
  user: UserState,
): Trigger | undefined {
  const { rule } = compiled;
  // If a field gives the time, the latest trigger has the valid one, however much later it happened.
  const isLater = (other: Trigger) =>
    isBefore(trigger, other) && (rule.at?.field !== undefined || other.time <= end) && other.key !== trigger.key;
  const waiting = others.find(({ state }) => isLater(state.trigger));
  if (waiting) return waiting.state.trigger;
  const events = rule.on
    .flatMap((type) => user.events.get(type) ?? [])
    .flatMap(({ event }) => (event && isAbout(rule, event) ? [event] : []));
  // Trait changes that are decided already have started a wait each; only those that are pending are looked for.
  const changes =
    user !== ctx.user && rule.changes
      ? pendingTraitChanges(user, (trait, to) => matchesTraitChange(rule, trait, to))
      : [];
  return [...events, ...changes]
    .filter(isLater)
    .sort(compareByTime)
    .find((event) => evaluateKey(compiled, event, ctx.ids) === key && wouldStart(ctx, compiled, event, user));
}

/**
 * Returns whether the rule's condition and pattern hold for a later trigger without a wait. Such a trigger has no wait because its time
 * was missing or past, because something ended it at once, or because it is not decided yet.
 */
function wouldStart(ctx: DecisionContext, compiled: CompiledRule, trigger: Event, known: UserState): boolean {
  const { condition, usesNow } = compiled;
  const user = stateAt(known, trigger);
  const pattern = matchPattern(compiled, user, trigger, ctx.ids);
  if (!pattern.isComplete) return false;
  if (!condition || usesNow) return true;
  const scope = toScope({ user }, { trigger, matched: toMatched(compiled, pattern) });
  return evaluateCondition(condition, scope).result === true;
}
