import type { JsonObject } from '../../model/event.ts';
import { checkVariables } from '../../templates/variables.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import { addDecision, type DecisionContext, type Firing } from '../context.ts';
import { variablesReason } from '../reasons.ts';
import type { Passed } from './gates.ts';
import { evaluateVariables } from './values.ts';

/** A firing that passed the gates, with the variables of its notifications. */
export type PassedWithVariables = Passed & { readonly variables?: JsonObject | undefined };

/**
 * Evaluates the variables that a rule gives its notifications, and leaves out each notification whose declared variables are
 * missing or of another type: a failed decision names them. Undefined: all notifications of the rule are left out.
 */
export function fillVariables(
  ctx: DecisionContext,
  compiled: CompiledRule,
  firing: Firing,
  passed: Passed,
): PassedWithVariables | undefined {
  const variables = evaluateVariables(ctx, compiled, firing);
  const { planned } = ctx.rules.at(firing.catalogVersion ?? ctx.rules.active.version);
  const types = passed.types.filter((type) => {
    const checked = checkVariables({ variables: planned.get(type) ?? {} }, variables ?? {});
    if (!('problems' in checked)) return true;
    const [first] = checked.problems;
    addDecision(ctx, compiled, {
      code: first?.code ?? 'variable_missing',
      reason: variablesReason(type, checked.problems),
      eventIds: firing.eventIds,
      evidence: firing.evidence,
      types: [type],
    });
    return false;
  });
  if (types.length === 0 && passed.types.length > 0) return undefined;
  return { ...passed, types, variables };
}
