import type { Decision, Event, Evidence, JsonObject, Millis, ReasonCode, Rule } from '../model.ts';
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
    judge(compiled, person, event, earlier, now, newId, verdicts);
  }
  for (const compiled of rules.byEarlier.get(event.type) ?? []) {
    const arrived: KnownEvent = { key: event.key, eventId: event.eventId, time: event.time };
    for (const trigger of waitingFor(compiled.rule, person, event)) {
      judge(compiled, person, trigger, arrived, now, newId, verdicts);
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

/** One rule on one trigger; a decision for each notification type it names. */
function judge(
  { rule, condition }: CompiledRule,
  person: PersonFacts,
  trigger: Event,
  earlier: KnownEvent | undefined,
  now: Millis,
  newId: () => string,
  verdicts: Verdicts,
): void {
  if (rule.after && earlier) person.completed.add(`${rule.name} ${trigger.key}`);
  const user = person.profile.traits;
  const evidence: { -readonly [K in keyof Evidence]: Evidence[K] } = {};
  if (condition) {
    const scope = { event: trigger.properties, traits: trigger.traits, user };
    evidence.condition = conditionEvidence(condition, scope);
  }
  if (rule.after) evidence.pattern = patternEvidence(rule.after, trigger.time, earlier);

  const states: LimitState[] = [];
  const [code, reason] = verdict();
  for (const type of rule.notify) {
    const notificationId = code === 'matched' ? newId() : null;
    const decision: Decision = {
      decision_id: newId(),
      rule: rule.name,
      notification_type: type,
      outcome:
        code === 'matched' ? 'send' : code === 'limit_reached' || code === 'expired' ? 'suppressed' : 'not_matched',
      reason_code: code,
      reason,
      notification_id: notificationId,
      event_ids: earlier ? [trigger.eventId, earlier.eventId] : [trigger.eventId],
      evidence,
    };
    verdicts.decisions.push(decision);
    if (notificationId !== null) verdicts.sends.push({ decision, trigger });
  }
  if (code === 'matched') count();

  function verdict(): [ReasonCode, string] {
    if (evidence.condition && evidence.condition.result !== true) {
      const { result } = evidence.condition;
      const code = result === 'field_missing' ? result : result === 'error' ? 'condition_error' : 'condition_false';
      return [code, conditionReason(evidence.condition)];
    }
    if (evidence.pattern && !earlier) return ['pattern_incomplete', patternReason(rule, evidence.pattern)];
    if (rule.expires !== undefined && now - trigger.time > rule.expires) {
      evidence.expired = { expires_ms: rule.expires, late_by_ms: now - trigger.time };
      return ['expired', expiredReason(trigger.time, evidence.expired)];
    }
    for (const limit of rule.limits) {
      states.push(limitState(limit, person.uses.get(limitKey(rule.name, limit)) ?? [], trigger.time, user));
    }
    if (states.length > 0)
      evidence.limits = rule.limits.map((limit, index) => limitEvidence(limit, states[index] as LimitState));
    const full = states.findIndex((state) => state.reached);
    const limit = rule.limits[full];
    if (limit) return ['limit_reached', limitReason(limit, states[full] as LimitState)];
    return ['matched', sentReason(rule, evidence, states)];
  }

  /** A limit counts what is sent: once for the rule, however many notifications it makes. */
  function count(): void {
    const first = verdicts.sends.at(-rule.notify.length)?.decision.notification_id as string;
    rule.limits.forEach((limit, index) => {
      const { bucket, slot } = states[index] as LimitState;
      const key = limitKey(rule.name, limit);
      const use = { bucket, slot, at: trigger.time, eventId: trigger.eventId, notificationId: first };
      verdicts.uses.push({ ...use, limitKey: key });
      const known = person.uses.get(key);
      if (known) known.push(use);
      else person.uses.set(key, [use]);
    });
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
  time: Millis,
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

function limitEvidence(limit: Rule['limits'][number], state: LimitState): NonNullable<Evidence['limits']>[number] {
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
