import type { Decision, Event, Evidence, JsonObject, Limit, Millis, Outcome, ReasonCode, Rule } from '../model.ts';
import { valuesSeen } from './condition.ts';
import { type CountedUse, type KnownEvent, type PersonFacts, patternKey, remember } from './facts.ts';
import { type LimitState, limitKey, limitState } from './limits.ts';
import { conditionReason, expiredReason, limitReason, patternReason, sentReason } from './reasons.ts';
import type { CompiledRule, RuleSet } from './rule-set.ts';

/** One notification to make, and the event it tells of (the trigger, which may have come before the event decided on). */
export interface Send {
  readonly decision: Decision;
  readonly trigger: Event;
}

export interface NewUse extends CountedUse {
  readonly limitKey: string;
}

export interface Decided {
  readonly decisions: readonly Decision[];
  readonly sends: readonly Send[];
  readonly uses: readonly NewUse[];
}

/**
 * Every rule's verdict on one event, given what is known of the person; then adds the event and its sends to what is
 * known. The same facts, event, time and ids give the same verdicts.
 *
 * A rule with a pattern (B within T after A) is judged when its later half *arrives*: for B against the A's known so
 * far, and for an A against the B's that waited for one. So the order of arrival does not matter.
 *
 * @param now when it is decided (rules may expire what became known too late)
 * @param newId a fresh UUID
 */
export function decide(rules: RuleSet, person: PersonFacts, event: Event, now: Millis, newId: () => string): Decided {
  const verdicts: Verdicts = { decisions: [], sends: [], uses: [] };
  for (const compiled of rules.byTrigger.get(event.type) ?? []) {
    const earlier = compiled.rule.after && latestBefore(person, compiled.rule.after, event.time);
    judge(compiled, person, event, event, earlier, now, newId, verdicts);
  }
  for (const compiled of rules.byEarlier.get(event.type) ?? []) {
    const arrived: KnownEvent = { key: event.key, eventId: event.eventId, time: event.time };
    for (const trigger of waitingFor(compiled.rule, person, event)) {
      judge(compiled, person, event, trigger, arrived, now, newId, verdicts);
    }
  }
  remember(person, event.type, { key: event.key, eventId: event.eventId, time: event.time, event });
  return verdicts;
}

interface Verdicts {
  readonly decisions: Decision[];
  readonly sends: Send[];
  readonly uses: NewUse[];
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** One rule on one trigger; a decision for each notification type it names. `event` is the one that arrived. */
function judge(
  { rule, condition }: CompiledRule,
  person: PersonFacts,
  event: Event,
  trigger: Event,
  earlier: KnownEvent | undefined,
  now: Millis,
  newId: () => string,
  verdicts: Verdicts,
): void {
  if (rule.after && earlier) person.completed.add(`${rule.name} ${trigger.key}`);
  const user = person.profile.traits;
  const evidence: Writable<Evidence> = {};
  if (condition) {
    evidence.condition = conditionEvidence(condition, { event: trigger.properties, traits: trigger.traits, user });
  }
  if (rule.after) evidence.pattern = patternEvidence(rule.after, trigger, earlier);

  const states: LimitState[] = [];
  const [code, reason] = verdict(rule, person, trigger, earlier, now, evidence, states);
  const eventIds = earlier ? [trigger.eventId, earlier.eventId] : [trigger.eventId];
  let first: string | null = null;
  for (const type of rule.notify) {
    const notificationId = code === 'matched' ? newId() : null;
    first ??= notificationId;
    const decision: Decision = {
      // The n-th decision on the event that arrived: the same wherever it is decided again.
      decision_id: `${event.key}.${verdicts.decisions.length}`,
      rule: rule.name,
      notification_type: type,
      outcome: OUTCOMES[code],
      reason_code: code,
      reason,
      notification_id: notificationId,
      event_ids: eventIds,
      evidence,
    };
    verdicts.decisions.push(decision);
    if (notificationId !== null) verdicts.sends.push({ decision, trigger });
  }
  if (first !== null) countSend(rule, person, trigger, states, first, verdicts);
}

const OUTCOMES: { readonly [code in ReasonCode]: Outcome } = {
  matched: 'send',
  condition_false: 'not_matched',
  field_missing: 'not_matched',
  condition_error: 'not_matched',
  pattern_incomplete: 'not_matched',
  limit_reached: 'suppressed',
  expired: 'suppressed',
};

/** The first thing that stands against sending, or `matched`. Adds to the evidence and to `states` what it looked at. */
function verdict(
  rule: Rule,
  person: PersonFacts,
  trigger: Event,
  earlier: KnownEvent | undefined,
  now: Millis,
  evidence: Writable<Evidence>,
  states: LimitState[],
): [ReasonCode, string] {
  const { condition, pattern } = evidence;
  if (condition && condition.result !== true) {
    const { result } = condition;
    const code = result === 'field_missing' ? result : result === 'error' ? 'condition_error' : 'condition_false';
    return [code, conditionReason(condition)];
  }
  if (pattern && !earlier) return ['pattern_incomplete', patternReason(rule, pattern)];
  if (rule.expires !== undefined && now - trigger.time > rule.expires) {
    evidence.expired = { expires_ms: rule.expires, late_by_ms: now - trigger.time };
    return ['expired', expiredReason(trigger.time, evidence.expired)];
  }
  if (rule.limits.length > 0) {
    const seen: NonNullable<Evidence['limits']>[number][] = [];
    evidence.limits = seen;
    for (const limit of rule.limits) {
      const uses = person.uses.get(limitKey(rule.name, limit)) ?? [];
      const state = limitState(limit, uses, trigger.time, person.profile.traits);
      states.push(state);
      seen.push(limitEvidence(limit, state));
    }
    const full = states.findIndex((state) => state.reached);
    if (full >= 0) return ['limit_reached', limitReason(rule.limits[full] as Limit, states[full] as LimitState)];
  }
  return ['matched', sentReason(rule, evidence, states)];
}

/** A limit counts what is sent: once for the rule, however many notifications it makes. */
function countSend(
  rule: Rule,
  person: PersonFacts,
  trigger: Event,
  states: readonly LimitState[],
  notificationId: string,
  verdicts: Verdicts,
): void {
  for (const [index, limit] of rule.limits.entries()) {
    const { bucket, slot } = states[index] as LimitState;
    const key = limitKey(rule.name, limit);
    const use = { bucket, slot, at: trigger.time, eventId: trigger.eventId, notificationId };
    verdicts.uses.push({ ...use, limitKey: key });
    const known = person.uses.get(key);
    if (known) known.push(use);
    else person.uses.set(key, [use]);
  }
}

function conditionEvidence(
  condition: NonNullable<CompiledRule['condition']>,
  scope: { event: JsonObject; traits: JsonObject; user: JsonObject },
): NonNullable<Evidence['condition']> {
  const result = condition.evaluate(scope);
  const { values, missing } = valuesSeen(condition, scope);
  return {
    expression: condition.expression,
    result: result.kind === 'missing' ? 'field_missing' : result.kind === 'error' ? 'error' : result.kind === 'true',
    values,
    ...(missing.length > 0 ? { missing } : {}),
    ...(result.kind === 'error' ? { error: result.message } : {}),
  };
}

function patternEvidence(
  after: NonNullable<Rule['after']>,
  { time }: Event,
  earlier: KnownEvent | undefined,
): NonNullable<Evidence['pattern']> {
  return {
    after: after.event,
    within: after.withinText,
    from: iso(time - after.within),
    to: iso(time),
    ...(earlier ? { matched: { event_id: earlier.eventId, at: iso(earlier.time) } } : {}),
  };
}

function limitEvidence(limit: Limit, state: LimitState): NonNullable<Evidence['limits']>[number] {
  return {
    limit: limit.text,
    window: state.window,
    max: limit.max,
    used: state.uses.length,
    // The latest few name the sends; the number says the rest.
    uses: state.uses.slice(-5).map((use) => ({
      at: iso(use.at),
      event_id: use.eventId,
      notification_id: use.notificationId,
    })),
  };
}

/** The latest A with A.time ≤ B.time ≤ A.time + within. */
function latestBefore(person: PersonFacts, after: NonNullable<Rule['after']>, time: Millis): KnownEvent | undefined {
  let latest: KnownEvent | undefined;
  for (const known of person.known.get(after.event) ?? []) {
    if (known.time <= time && time <= known.time + after.within && (!latest || known.time > latest.time))
      latest = known;
  }
  return latest;
}

/** The triggers that this A completes: in its span, and not complete before it came. In order of event time. */
function waitingFor(rule: Rule, person: PersonFacts, earlier: Event): Event[] {
  const { within, event: earlierType } = rule.after as NonNullable<Rule['after']>;
  const pattern = patternKey(earlierType, within);
  const found: Event[] = [];
  for (const type of rule.on) {
    for (const { event: trigger, waitsFor } of person.known.get(type) ?? []) {
      if (!trigger || (waitsFor && !waitsFor.has(pattern))) continue;
      if (trigger.time < earlier.time || trigger.time > earlier.time + within) continue;
      if (!person.completed.has(`${rule.name} ${trigger.key}`)) found.push(trigger);
    }
  }
  return found.sort((a, b) => a.time - b.time);
}

function iso(time: Millis): string {
  return new Date(time).toISOString();
}
