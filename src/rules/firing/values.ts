/** Values that a rule gives its notifications and actions. */

import type { Expression, Scope } from '../../expressions/condition.ts';
import type { Json, JsonObject } from '../../model/event.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import type { DecisionContext, Firing } from '../context.ts';
import { toScope } from '../evaluate/evaluate-condition.ts';

/** Leaves out what is missing or cannot be computed: a template shows nothing for it. */
export function evaluateAll(named: readonly (readonly [string, Expression])[], scope: Scope): JsonObject {
  const values: [string, Json][] = [];
  for (const [name, expression] of named) {
    const result = expression.evaluate(scope);
    if (result.kind === 'value') values.push([name, result.value]);
  }
  return Object.fromEntries(values);
}

/** Returns the variables that a rule gives its notifications, as they are; undefined: it gives none. */
export function evaluateVariables(
  ctx: DecisionContext,
  { variables }: CompiledRule,
  firing: Firing,
): JsonObject | undefined {
  if (variables === undefined) return undefined;
  const scope = toScope(ctx, firing);
  if (!('evaluate' in variables)) return evaluateAll(variables, scope);
  const result = variables.evaluate(scope);
  const isObject = result.kind === 'value' && typeof result.value === 'object' && !Array.isArray(result.value);
  return isObject && result.value !== null ? (result.value as JsonObject) : undefined;
}
