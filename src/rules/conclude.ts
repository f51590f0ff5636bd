import { type Condition, collectSeenValues, type Scope } from '../expressions/condition.ts';
import type { Limit, Rule } from '../model/catalog.ts';
import type { Evidence } from '../model/decision.ts';
import type { Emitted, Json, JsonObject, Millis } from '../model/event.ts';
import { isoTime } from '../time/iso-time.ts';
import {
  addDecision,
  addEmitFailure,
  type DecisionContext,
  type Firing,
  findWaits,
  type RuleDecision,
  type Writable,
} from './context.ts';
import { addUse } from './facts.ts';
import { limitBucketKey } from './key.ts';
import { evaluateLimit, type LimitState } from './limits.ts';
import {
  branchReason,
  conditionReason,
  emptyBranchReason,
  expiredReason,
  holdoutReason,
  limitReason,
  loopReason,
  sentReason,
} from './reasons.ts';
import { type CompiledRule, emittedType } from './rule-set.ts';
import { closeWait, toWaitEvidence } from './wait.ts';

/** Rules may emit events that trigger rules; so many in a row, and no more. */
const MAX_EMIT_DEPTH = 5;

/**
 * The last steps of every rule: expiry, limits, split, choice; then the notifications and actions. The condition and the
 * pattern hold by now. True when it was told (or acted).
 */
export function applyGatesAndAct(m: DecisionContext, compiled: CompiledRule, matter: Firing): boolean {
  const { rule } = compiled;
  const { trigger, due, eventIds, evidence } = matter;

  const time = due ?? trigger.time;
  if (rule.expires !== undefined && m.now - time > rule.expires) {
    evidence.expired = { expires_ms: rule.expires, late_by_ms: m.now - time };
    const reason = expiredReason(time, evidence.expired, due !== undefined);
    addDecision(m, compiled, { code: 'expired', reason, eventIds, evidence });
    return false;
  }
  const states = limitStates(m, compiled, matter, time);
  if (states.length > 0) {
    evidence.limits = states.map((state, at) => limitEvidence(compiled.limits[at]!.limit, state));
    const full = states.findIndex((state) => state.reached);
    if (full >= 0) {
      const reason = limitReason(compiled.limits[full]!.limit, states[full]!);
      addDecision(m, compiled, { code: 'limit_reached', reason, eventIds, evidence });
      return false;
    }
  }

  const scope = toScope(m, matter);
  let types = rule.notify;
  let variant: string | undefined;
  if (rule.split) {
    const chosen = variantOf(m, rule);
    variant = chosen.name;
    evidence.split = { variant: chosen.name, share: chosen.share };
    if (chosen.notify.length === 0) {
      addDecision(m, compiled, { code: 'holdout', reason: holdoutReason(chosen), eventIds, evidence });
      return false;
    }
    types = chosen.notify;
  }
  if (rule.choose) {
    const at = compiled.branches.findIndex((branch) => !branch || branch.evaluate(scope).kind === 'true');
    if (at < 0) {
      addDecision(m, compiled, { code: 'no_branch', reason: branchReason(rule), eventIds, evidence });
      return false;
    }
    evidence.branch = at + 1;
    types = rule.choose[at]!.notify;
    if (types.length === 0 && rule.actions.length === 0) {
      addDecision(m, compiled, { code: 'holdout', reason: emptyBranchReason(rule, at + 1), eventIds, evidence });
      return false;
    }
  }
  if (rule.actions.some(({ kind }) => kind !== 'cancel') && (trigger.depth ?? 0) >= MAX_EMIT_DEPTH) {
    addDecision(m, compiled, { code: 'loop', reason: loopReason(rule, MAX_EMIT_DEPTH), eventIds, evidence });
    return false;
  }

  const reason = sentReason(
    rule,
    types,
    evidence,
    states,
    compiled.limits.map(({ limit }) => limit),
    due,
  );
  const acted = types.length === 0;
  const decisions = addDecision(m, compiled, {
    code: acted ? 'acted' : 'matched',
    reason,
    eventIds,
    evidence,
    types: acted ? [rule.name] : types,
  });
  const data = dataOf(compiled, scope, variant);
  for (const decision of acted ? [] : decisions) {
    m.sends.push({
      decision,
      trigger,
      rule,
      catalogVersion: matter.catalogVersion ?? m.rules.active.version,
      matched: matter.matched,
      data,
      items: matter.items,
      total: matter.total,
    });
  }
  countSend(
    m,
    compiled,
    matter,
    states,
    time,
    decisions[0]?.notification_id ?? m.ids.fromText(`${m.source} ${rule.name}`),
  );
  act(m, compiled, matter, scope, time);
  return true;
}

/** The scope of a rule's expressions. `now` is there where the rule waits. */
export function toScope(
  m: DecisionContext,
  { trigger, matched, due }: Pick<Firing, 'trigger' | 'matched' | 'due'>,
): Scope {
  return {
    event: trigger.properties,
    traits: trigger.traits,
    user: m.user.profile.traits,
    matched,
    now: due,
  };
}

export function conditionEvidence(condition: Condition, scope: Scope): NonNullable<Evidence['condition']> {
  const result = condition.evaluate(scope);
  const { values, missing } = collectSeenValues(condition, scope);
  const evidence: Writable<NonNullable<Evidence['condition']>> = {
    expression: condition.expression,
    result: result.kind === 'missing' ? 'field_missing' : result.kind === 'error' ? 'error' : result.kind === 'true',
    values,
  };
  if (missing.length > 0) evidence.missing = missing;
  if (result.kind === 'error') evidence.error = result.message;
  return evidence;
}

/** What stands against sending, where the condition does not hold. */
export function explainCondition(
  evidence: NonNullable<Evidence['condition']>,
): Pick<RuleDecision, 'code' | 'reason'> | undefined {
  const { result } = evidence;
  if (result === true) return undefined;
  const code = result === 'field_missing' ? result : result === 'error' ? 'condition_error' : 'condition_false';
  return { code, reason: conditionReason(evidence) };
}

function limitStates(m: DecisionContext, compiled: CompiledRule, { key }: Firing, time: Millis): LimitState[] {
  return compiled.limits.map((bound) => {
    const uses = m.user.uses.get(limitBucketKey(bound, key)) ?? [];
    return evaluateLimit(bound.limit, uses, time, m.user.profile.traits);
  });
}

/** A limit counts what is sent: once for the rule, however many notifications it makes. */
function countSend(
  m: DecisionContext,
  compiled: CompiledRule,
  { trigger, key }: Firing,
  states: readonly LimitState[],
  at: Millis,
  notificationId: string,
): void {
  for (let index = 0; index < states.length; index++) {
    const bound = compiled.limits[index]!;
    const { bucket, slot } = states[index]!;
    const name = limitBucketKey(bound, key);
    const use = { bucket, slot, at, eventId: trigger.eventId, notificationId };
    m.uses.push({ ...use, limitKey: name });
    addUse(m.user, name, use);
  }
}

/** Depends on the rule and the person alone, so everybody stays where they are. */
function variantOf(m: DecisionContext, rule: Rule): NonNullable<Rule['split']>[number] {
  const split = rule.split ?? [];
  const place =
    (Number.parseInt(m.ids.fromText(`split ${rule.name} ${m.user.userId}`).slice(0, 8), 16) / 2 ** 32) * 100;
  let upTo = 0;
  for (const variant of split) {
    upTo += variant.share;
    if (place < upTo) return variant;
  }
  return split[split.length - 1]!;
}

/** What is missing or cannot be computed is left out: the template shows nothing for it. */
function dataOf({ data }: CompiledRule, scope: Scope, variant: string | undefined): JsonObject | undefined {
  if (data.length === 0 && variant === undefined) return undefined;
  const values: [string, Json][] = variant === undefined ? [] : [['variant', variant]];
  for (const [name, expression] of data) {
    const result = expression.evaluate(scope);
    if (result.kind === 'value') values.push([name, result.value]);
  }
  return Object.fromEntries(values);
}

function act(m: DecisionContext, compiled: CompiledRule, matter: Firing, scope: Scope, time: Millis): void {
  const { rule } = compiled;
  // A trigger is told once, whatever completed its pattern or its wait. The first of a digest may end its window as well.
  const occasion = `${matter.trigger.key}${rule.digest && matter.due !== undefined ? ':digest' : ''}`;
  for (const [place, action] of rule.actions.entries()) {
    if (action.kind === 'cancel') {
      cancelWaits(m, compiled, action.rule, matter, time);
      continue;
    }
    const values: [string, Json][] = [];
    for (const [name, expression] of compiled.actions[place] ?? []) {
      const result = expression.evaluate(scope);
      if (result.kind === 'value') values.push([name, result.value]);
    }
    const fields = Object.fromEntries(values);
    const made: Emitted = {
      eventId: `${rule.name}.${place}:${occasion}`,
      type: emittedType(action),
      time,
      properties: action.kind === 'emit' ? fields : {},
      traits: action.kind === 'set' ? fields : {},
      rule: rule.name,
      causedBy: matter.trigger.eventId,
      depth: (matter.trigger.depth ?? 0) + 1,
    };
    // By the catalog of the rule, which was checked against it: what waited ends as if nothing had changed.
    const { misfit } = m.rules.at(matter.catalogVersion ?? m.rules.active.version);
    const wrong = misfit(made.type, made.properties, made.traits);
    if (wrong) addEmitFailure(m, made, `${wrong.path} ${wrong.message}`);
    else m.emits.push(made);
  }
}

/** Ends what another rule has pending for the person at this time; of the same key where both rules have one. */
function cancelWaits(
  m: DecisionContext,
  compiled: CompiledRule,
  name: string,
  { key, trigger }: Firing,
  time: Millis,
): void {
  for (const wait of findWaits(m, (one) => one.rule === name && one.status === 'waiting' && time <= one.dueAt)) {
    if (compiled.key && wait.key !== '' && wait.key !== key) continue;
    const other = m.rules.at(wait.catalogVersion).byName.get(name);
    if (!other) continue;
    closeWait(wait, 'cancelled', m.now, { event_id: trigger.eventId, event_type: trigger.type, at: trigger.time });
    addDecision(m, other, {
      code: 'cancelled_by_rule',
      reason: `Cancelled: the rule ${compiled.rule.name} cancels what ${name} has pending.`,
      eventIds: [trigger.eventId, wait.state.trigger.eventId],
      evidence: { wait: toWaitEvidence(wait) },
    });
  }
}

function limitEvidence(limit: Limit, state: LimitState): NonNullable<Evidence['limits']>[number] {
  return {
    limit: limit.text,
    window: state.window,
    max: limit.max,
    used: state.uses.length,
    // The latest few name the sends; the number says the rest.
    uses: state.uses.slice(-5).map((use) => ({
      at: isoTime(use.at),
      event_id: use.eventId,
      notification_id: use.notificationId,
    })),
  };
}
