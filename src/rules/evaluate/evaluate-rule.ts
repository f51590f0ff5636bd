import type { Evidence } from '../../model/decision.ts';
import type { Event } from '../../model/event.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import { addDecision, type DecisionContext, type Firing, type Writable } from '../context.ts';
import { toDirectEvidence } from '../direct.ts';
import type { Trigger } from '../facts.ts';
import { fireRule } from '../firing/fire-rule.ts';
import { addLeftOut } from '../left-out.ts';
import {
  addPatternEvidence,
  explainPattern,
  matchPattern,
  type PatternMatch,
  rememberMatch,
  toMatched,
} from '../patterns/match-pattern.ts';
import { keyReason, tooMuchHistoryReason } from '../reasons.ts';
import { extendBurst } from '../waits/debounce.ts';
import { collectDigest } from '../waits/digest.ts';
import { recordAlreadyWaiting } from '../waits/overlap.ts';
import { findStartedWait, startWait } from '../waits/start-wait.ts';
import { hasFired, mayHaveFired } from './already-fired.ts';
import { evaluateCondition, explainCondition, toScope } from './evaluate-condition.ts';
import { evaluateKey } from './key.ts';

/**
 * Evaluates one rule on one trigger: key, pattern, condition; then waits or fires, as the rule says. Adds one decision for
 * each notification type that the rule may send; none for a trigger that is evaluated again and for which the rule has fired.
 *
 * @param change the trait change that triggered the rule
 */
export function evaluateRule(
  ctx: DecisionContext,
  compiled: CompiledRule,
  trigger: Event & Pick<Trigger, 'depth'>,
  change?: Evidence['change'],
): void {
  const { user, ids } = ctx;
  const key = evaluateKey(compiled, trigger, ids);
  if (key === undefined) {
    const reason = keyReason(compiled.rule);
    addDecision(ctx, compiled, { code: 'key_missing', reason, eventIds: [trigger.eventId], evidence: {} });
    return;
  }
  const pattern = compiled.hasPattern ? matchPattern(compiled, user, trigger, ids) : undefined;
  if (pattern?.isComplete) rememberMatch(compiled, user, trigger);

  const evidence: Writable<Evidence> = {};
  if (key !== '') evidence.key = key;
  if (change) evidence.change = change;
  if (compiled.isDirect) evidence.direct = toDirectEvidence(trigger, user.profile.traits);
  if (trigger.unreadable || user.unreadable) evidence.masked = true;
  if (user.leftOut) addLeftOut(compiled, user, evidence);
  const eventIds = [trigger.eventId];
  for (const { eventId } of pattern?.steps ?? []) eventIds.push(eventId);
  const firing: Firing = { trigger, key, eventIds, evidence, matched: pattern && toMatched(compiled, pattern) };
  const { condition } = compiled;
  if (condition && isConditionDue(compiled, pattern)) {
    evidence.condition = evaluateCondition(condition, toScope(ctx, firing));
  }
  if (pattern) addPatternEvidence(compiled, trigger, pattern, evidence);

  const failure =
    (evidence.condition && explainCondition(evidence.condition)) ??
    (pattern && explainPattern(compiled, pattern, evidence));
  if (failure) addDecision(ctx, compiled, { code: failure.code, reason: failure.reason, eventIds, evidence });
  else if (!wasHandledBefore(ctx, compiled, firing)) waitOrFire(ctx, compiled, firing);
}

/** The condition is evaluated now, unless it needs matched events that are missing, or the time at which a wait ends. */
function isConditionDue({ usesMatched, usesNow, hasWait }: CompiledRule, pattern: PatternMatch | undefined): boolean {
  const isMissing = pattern !== undefined && pattern.steps === undefined;
  return !(usesMatched && isMissing) && !(usesNow && hasWait);
}

/**
 * Returns whether a trigger that is evaluated again, because a late event completed its pattern, has fired the rule or
 * started its wait before, or may have. Adds a decision if it started a wait, and if that cannot be known.
 */
function wasHandledBefore(ctx: DecisionContext, compiled: CompiledRule, firing: Firing): boolean {
  const { trigger } = firing;
  if (trigger.key === ctx.source) return false;
  const started = compiled.hasWait ? findStartedWait(ctx, compiled, trigger) : undefined;
  if (started) {
    recordAlreadyWaiting(ctx, compiled, firing, started);
    return true;
  }
  if (hasFired(compiled, ctx.user, trigger)) return true;
  if (!mayHaveFired(compiled, ctx.user, trigger)) return false;
  const { eventIds, evidence } = firing;
  addDecision(ctx, compiled, {
    code: 'too_much_history',
    reason: tooMuchHistoryReason(compiled.rule),
    eventIds,
    evidence,
  });
  return true;
}

function waitOrFire(ctx: DecisionContext, compiled: CompiledRule, firing: Firing): void {
  const { rule, hasWait } = compiled;
  if (rule.digest) collectDigest(ctx, compiled, firing);
  else if (rule.debounce) extendBurst(ctx, compiled, firing);
  else if (hasWait) startWait(ctx, compiled, firing);
  else fireRule(ctx, compiled, firing);
}
