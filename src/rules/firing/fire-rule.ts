import type { CompiledRule } from '../compile/rule-set.ts';
import { addDecision, type DecisionContext, type Firing } from '../context.ts';
import { evaluateCondition, explainCondition, toScope } from '../evaluate/evaluate-condition.ts';
import { act } from './act.ts';
import { applyGates } from './gates.ts';
import { isAllDropped, planTypes } from './plan-types.ts';
import { fillVariables } from './variables.ts';

/**
 * Fires a rule whose condition and pattern hold and whose wait, if any, is over: acts if the gates let it pass, else adds a
 * decision that says which gate stopped it, or which variables are missing.
 *
 * @returns whether it acted: sent something, or carried out an action
 */
export function fireRule(ctx: DecisionContext, compiled: CompiledRule, firing: Firing): boolean {
  const verdict = applyGates(ctx, compiled, firing);
  if (verdict.code !== undefined) {
    const { code, reason } = verdict;
    addDecision(ctx, compiled, { code, reason, eventIds: firing.eventIds, evidence: firing.evidence });
    return false;
  }
  const plans = planTypes(ctx, firing, compiled, verdict.types);
  const isDropped = plans !== undefined && verdict.types.every((type) => isAllDropped(plans.get(type)));
  const passed = compiled.checksVariables && !isDropped ? fillVariables(ctx, compiled, firing, verdict) : verdict;
  return passed ? act(ctx, compiled, firing, passed, plans) : false;
}

/**
 * Fires a rule at the end of a wait: evaluates the condition again first, unless `recheck` is off. Returns whether it acted.
 */
export function recheckAndAct(ctx: DecisionContext, compiled: CompiledRule, firing: Firing): boolean {
  const { rule, condition, usesNow } = compiled;
  const { eventIds, evidence } = firing;
  if (condition && (rule.recheck || usesNow)) {
    evidence.condition = evaluateCondition(condition, toScope(ctx, firing));
    const failure = explainCondition(evidence.condition);
    if (failure) {
      addDecision(ctx, compiled, { ...failure, eventIds, evidence });
      return false;
    }
  }
  return fireRule(ctx, compiled, firing);
}
