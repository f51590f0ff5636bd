import type { Evidence, ReasonCode } from '../../model/decision.ts';
import type { Millis } from '../../model/event.ts';
import { findRuleOfWait } from '../compile/compile-direct.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import { addDecision, type DecisionContext, type Firing, type Writable } from '../context.ts';
import { evaluateCondition, explainCondition, toScope } from '../evaluate/evaluate-condition.ts';
import { evaluateKey } from '../evaluate/key.ts';
import type { Ids, Wait } from '../facts.ts';
import { addPatternEvidence, explainPattern, matchPattern, toMatched } from '../patterns/match-pattern.ts';
import { cancelledReason, migratedAwayReason, missedTime, unlessEventReason } from '../reasons.ts';
import { keepLatest } from './digest.ts';
import { dropItems } from './drop-items.ts';
import { findDueTime, findMissedTime, policyOf } from './due-time.ts';
import { countSeen, findEnding, findLastCancel } from './ending.ts';
import { closeWait, getWaitKind, toKeyEvidence, toStartState, toWaitEvidence, updateWait } from './wait.ts';
import { computeWindowEnd, extendSpan, getFirstTime } from './window-span.ts';

/** Migrations of one wait, at most; further ones are skipped. A replay repeats each. */
const MAX_MIGRATIONS = 50;

/**
 * Moves an open wait to the rule of the active version, as if it had started under that: matches the pattern of its trigger
 * again, computes when it is due, and ends it if an event that is known by now ends it under the new rule, or if the rule
 * would not wait. An end adds decisions. Changes the wait in place; an index of waits must be built again.
 *
 * @returns false, changing nothing, for a wait that cannot be moved: the rule makes another kind of wait, listens to other
 *   events, or has a key that the trigger lacks
 */
export function migrateWait(ctx: DecisionContext, wait: Wait): boolean {
  const compiled = findRuleOfWait(ctx.rules.active, wait);
  const key = compiled && findKey(compiled, wait, ctx.ids);
  if (!compiled || key === undefined) return false;
  const { version } = ctx.rules.active;
  const migrated = [...(wait.state.migrated ?? []), { at: ctx.now, version }];
  if (migrated.length > MAX_MIGRATIONS) return false;
  wait.catalogVersion = version;
  wait.key = key;
  wait.state = { ...wait.state, migrated };
  updateWait(ctx, wait, wait.dueAt, wait.state);
  if (wait.kind === 'digest') migrateDigest(ctx, compiled, wait);
  else migrateSingle(ctx, compiled, wait);
  return true;
}

/** Returns the key of the wait under the rule; undefined if the wait cannot be moved to it. */
function findKey(compiled: CompiledRule, { kind, state }: Wait, ids: Ids): string | undefined {
  const { rule } = compiled;
  const { trigger, items = [] } = state;
  const isTrigger = rule.on.includes(trigger.type) || (rule.changes !== undefined && state.begun?.evidence.change);
  if (!isTrigger || getWaitKind(rule) !== kind) return undefined;
  const key = evaluateKey(compiled, trigger, ids);
  // A digest has one key, so all of its items must have it.
  const isOfKey = items.every(({ event, traits }) => evaluateKey(compiled, { properties: event, traits }, ids) === key);
  return isOfKey ? key : undefined;
}

function migrateDigest(ctx: DecisionContext, compiled: CompiledRule, wait: Wait): void {
  const first = getFirstTime(wait);
  const due = computeWindowEnd(ctx, compiled, extendSpan(wait, first, first));
  updateWait(ctx, wait, due, keepLatest(compiled, wait.state));
  const cancel = findLastCancel(compiled, ctx.user, wait.state.trigger, first, due, ctx.ids);
  if (!cancel || dropItems(ctx, compiled, wait, cancel.time)) return;
  end(ctx, compiled, wait, { code: 'cancelled_by_event', reason: cancelledReason(compiled.rule, cancel.event) }, [
    cancel.eventId,
  ]);
}

function migrateSingle(ctx: DecisionContext, compiled: CompiledRule, wait: Wait): void {
  const { rule } = compiled;
  const { trigger, begun } = wait.state;
  const { change } = begun?.evidence ?? {};
  const evidence: Writable<Evidence> = { ...(change && { change }) };
  const pattern = compiled.hasPattern ? matchPattern(compiled, ctx.user, trigger, ctx.ids) : undefined;
  const matched = pattern && toMatched(compiled, pattern);
  if (pattern) addPatternEvidence(compiled, trigger, pattern, evidence);
  const eventIds = [trigger.eventId, ...(pattern?.steps ?? []).map(({ eventId }) => eventId)];
  const firing: Firing = { trigger, key: wait.key, eventIds, evidence, matched };
  const { matched: _, begun: __, seen: ___, ...rest } = wait.state;
  const state = { ...rest, ...toStartState(firing), ...countSeen(compiled, ctx.user, trigger, ctx.ids) };
  const found =
    wait.kind === 'debounce'
      ? { due: computeWindowEnd(ctx, compiled, extendSpan(wait, trigger.time, trigger.time)), at: undefined }
      : findDueTime(ctx.user, compiled, firing);
  const missed = findMissedTime(found, ctx.now);
  updateWait(ctx, wait, found?.due ?? trigger.time, state);

  const failure =
    (pattern && explainPattern(compiled, pattern, evidence)) ?? explainConditionNow(ctx, compiled, firing);
  if (failure) {
    const reason = migratedAwayReason(rule, failure.reason);
    end(ctx, compiled, wait, { code: 'catalog_changed', reason }, eventIds.slice(1), evidence);
    return;
  }
  const ending = findEnding(compiled, ctx.user, trigger, wait.dueAt, ctx.ids);
  if (ending) {
    const { code, event } = ending;
    const reasonOf = code === 'unless_event_occurred' ? unlessEventReason : cancelledReason;
    end(ctx, compiled, wait, { code, reason: reasonOf(rule, event.event) }, [event.eventId]);
    return;
  }
  if (missed && policyOf(rule, missed) !== 'send_now') {
    const reason = migratedAwayReason(rule, `${missedTime(rule, missed.code, missed.at)}.`);
    end(ctx, compiled, wait, { code: 'catalog_changed', reason }, []);
  }
}

/** The end of the wait evaluates the condition again; without `recheck` this is the only time. */
function explainConditionNow(ctx: DecisionContext, compiled: CompiledRule, firing: Firing) {
  const { rule, condition, usesNow } = compiled;
  if (!condition || usesNow || rule.recheck) return undefined;
  const evidence = evaluateCondition(condition, toScope(ctx, firing));
  firing.evidence.condition = evidence;
  return explainCondition(evidence);
}

function end(
  ctx: DecisionContext,
  compiled: CompiledRule,
  wait: Wait,
  why: { readonly code: ReasonCode; readonly reason: string },
  otherIds: readonly string[],
  evidence: Evidence = {},
): void {
  closeWait(wait, 'cancelled', ctx.now);
  addDecision(ctx, compiled, {
    ...why,
    eventIds: [wait.state.trigger.eventId, ...otherIds],
    evidence: { ...toKeyEvidence(wait.key), ...evidence, wait: toWaitEvidence(wait) },
    outcome: 'cancelled',
  });
}

/** Returns when the wait was migrated, and to which versions; in order of time. */
export function migrationsOf({
  state,
}: Pick<Wait, 'state'>): readonly { readonly at: Millis; readonly version: number }[] {
  return state.migrated ?? [];
}
