import { compileCondition, compileExpression, type Declared } from '../../expressions/condition.ts';
import type { Json } from '../../model/event.ts';

/** Allows every name: the expressions were checked against their scope when they were parsed. */
const ANY_DECLARED: Declared = { matched: {}, now: true };
const NO_DATA = { event: {}, traits: {}, user: {} };

/** Evaluates a condition that refers to no field; undefined for any other. False includes a condition that fails. */
export function evaluateConstantCondition(text: string): boolean | undefined {
  const compiled = compileCondition(text, ANY_DECLARED);
  if ('problems' in compiled || compiled.condition.fields.length > 0) return undefined;
  return compiled.condition.evaluate(NO_DATA).kind === 'true';
}

/** Evaluates an expression that refers to no field; undefined for any other, and for one that fails. */
export function evaluateConstant(text: string): Json | undefined {
  const compiled = compileExpression(text, ANY_DECLARED);
  if ('problems' in compiled || compiled.expression.fields.length > 0) return undefined;
  const result = compiled.expression.evaluate(NO_DATA);
  return result.kind === 'value' ? result.value : undefined;
}
