import { type Condition, collectSeenValues, type Scope } from '../../expressions/condition.ts';
import type { Evidence } from '../../model/decision.ts';
import type { Event } from '../../model/event.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import type { DecisionContext, Firing, RuleDecision, Writable } from '../context.ts';
import { conditionReason } from '../reasons.ts';
import { visibleTraits } from '../visible-traits.ts';

type ConditionEvidence = NonNullable<Evidence['condition']>;

/** Returns the variables that a rule's expressions see. `now` is the due time, and undefined before a wait ends. */
export function toScope(
  ctx: Pick<DecisionContext, 'user'>,
  { trigger, matched, due }: Pick<Firing, 'trigger' | 'matched' | 'due'>,
): Scope {
  return {
    event: trigger.properties,
    traits: trigger.traits,
    user: visibleTraits(ctx.user),
    context: trigger.context,
    matched,
    now: due,
  };
}

/** Evaluates a condition. Returns the result with the values that were seen, as evidence. */
export function evaluateCondition(condition: Condition, scope: Scope): ConditionEvidence {
  const result = condition.evaluate(scope);
  const { values, missing } = collectSeenValues(condition, scope);
  const evidence: Writable<ConditionEvidence> = {
    expression: condition.expression,
    result: result.kind === 'missing' ? 'field_missing' : result.kind === 'error' ? 'error' : result.kind === 'true',
    values,
  };
  if (missing.length > 0) evidence.missing = missing;
  if (result.kind === 'error') evidence.error = result.message;
  return evidence;
}

/** Returns the code and sentence for a condition that did not hold; undefined if it held. */
export function explainCondition(evidence: ConditionEvidence): Pick<RuleDecision, 'code' | 'reason'> | undefined {
  const { result } = evidence;
  if (result === true) return undefined;
  const code = result === 'field_missing' ? result : result === 'error' ? 'condition_error' : 'condition_false';
  return { code, reason: conditionReason(evidence) };
}

/** Returns whether the condition fails whatever the profile and the history are. */
export function surelyFails({ condition, usesNow }: CompiledRule, { properties, traits, context }: Event): boolean {
  if (!condition || usesNow || usesFacts(condition)) return false;
  return condition.evaluate({ event: properties, traits, user: {}, context }).kind !== 'true';
}

function usesFacts(condition: Condition): boolean {
  return condition.paths.some(([root]) => root === 'user' || root === 'matched');
}
