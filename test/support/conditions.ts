import {
  type Condition,
  type ConditionProblem,
  compileCondition,
  compileExpression,
  type Declared,
  type Expression,
  type Scope,
} from '../../src/expressions/condition.ts';
import type { JsonObject } from '../../src/model/event.ts';

/** Conditions compiled from text, and the scope that tests evaluate them in. */

export const EVENT: JsonObject = {
  attempt_number: 3,
  amount: 100.5,
  text_number: '3',
  plan: 'gold',
  nothing: null,
  paid: true,
  at: '2025-10-31T10:41:00.250Z',
  created: '2025-10-30T10:41:00+02:00',
  items: [
    { price: 5, tags: ['new'] },
    { price: 12.5, tags: [] },
  ],
  codes: [1, 2, 3],
  words: ['a', 'b'],
  address: { city: 'Berlin', 'post code': '10115' },
  emoji: '👍ok',
};

export const SCOPE: Scope = {
  event: EVENT,
  traits: { marketing_opt_in: true },
  user: { tier: 'vip', age: 30 },
  matched: { signup_completed: { plan: 'gold' }, 'cart.opened': { items: 3 } },
  now: Date.parse('2025-11-01T00:00:00Z'),
};

/** Declarations that allow every name. */
export const ANYTHING: Declared = { matched: {}, now: true };

export function compile(expression: string, declared: Declared = ANYTHING): Condition {
  const compiled = compileCondition(expression, declared);
  if ('problems' in compiled) throw new Error(`${expression}: ${formatProblems(compiled.problems).join('; ')}`);
  return compiled.condition;
}

export function compileValue(expression: string, declared: Declared = ANYTHING): Expression {
  const compiled = compileExpression(expression, declared);
  if ('problems' in compiled) throw new Error(`${expression}: ${formatProblems(compiled.problems).join('; ')}`);
  return compiled.expression;
}

/** Evaluates a condition to `true`, `false`, `missing: a, b` or `error: …`. */
export function evaluateToText(expression: string, scope: Partial<Scope> = SCOPE): string {
  const result = compile(expression).evaluate({ event: {}, traits: {}, user: {}, ...scope });
  if (result.kind === 'missing') return `missing: ${result.fields.join(', ')}`;
  return result.kind === 'error' ? `error: ${result.message}` : result.kind;
}

/** Returns the problems of a condition as `offset message (hint)`, an empty list for a valid one. */
export function formatConditionProblems(expression: string, declared: Declared = {}): string[] {
  const compiled = compileCondition(expression, declared);
  return 'condition' in compiled ? [] : formatProblems(compiled.problems);
}

export function formatProblems(all: readonly ConditionProblem[]): string[] {
  return all.map((p) => `${p.offset} ${p.message}${p.hint ? ` (${p.hint})` : ''}`);
}
