/** The one file of the CEL conformance test that imports the evaluator. */
import { compileExpression, type Scope } from '../../src/expressions/condition.ts';

export type JsonObject = Scope['event'];
export type Json = JsonObject[string];

/** The outcome of one expression. `text` describes it in one line: `value: 3`, `rejected: there is no function "f"`. */
export type Result = { readonly text: string } & (
  | { readonly kind: 'value'; readonly value: Json; readonly type: string }
  | { readonly kind: 'missing' | 'error'; readonly type: string }
  /** Not compiled, because of these problems. */
  | { readonly kind: 'rejected'; readonly messages: readonly string[] }
);

/** Compiles the expression, without any schema, and evaluates it on the event. */
export function evaluate({ expression, event }: { readonly expression: string; readonly event: JsonObject }): Result {
  const compiled = compileExpression(expression, {});
  if ('problems' in compiled) {
    const messages = compiled.problems.map(({ message }) => message);
    return { kind: 'rejected', messages, text: `rejected: ${messages.join('; ')}` };
  }
  const { type } = compiled.expression;
  const result = compiled.expression.evaluate({ event, traits: {}, user: {} });
  if (result.kind === 'value') return { ...result, type, text: `value: ${JSON.stringify(result.value)}` };
  const detail = result.kind === 'missing' ? result.fields.join(', ') : result.message;
  return { kind: result.kind, type, text: `${result.kind}: ${detail}` };
}
