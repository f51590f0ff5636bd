import { compileCondition, compileExpression, type Declared } from '../../expressions/condition.ts';
import type { Json } from '../../model/event.ts';

/** The expressions were checked when they were read. */
const ANYTHING: Declared = { matched: {}, now: true };
const NOTHING = { event: {}, traits: {}, user: {} };

/** True or false where a condition asks for nothing; one that fails then is never true. */
export function constantCondition(text: string): boolean | undefined {
  const compiled = compileCondition(text, ANYTHING);
  if ('problems' in compiled || compiled.condition.fields.length > 0) return undefined;
  return compiled.condition.evaluate(NOTHING).kind === 'true';
}

/** The value of an expression that asks for nothing. */
export function constantValue(text: string): Json | undefined {
  const compiled = compileExpression(text, ANYTHING);
  if ('problems' in compiled || compiled.expression.fields.length > 0) return undefined;
  const result = compiled.expression.evaluate(NOTHING);
  return result.kind === 'value' ? result.value : undefined;
}
