import {
  type ConditionProblem,
  compileCondition,
  compileExpression,
  type Declared,
  type Expression,
  type Root,
} from '../../../expressions/condition.ts';
import { describeKinds } from '../../../expressions/value.ts';
import { joinWords } from '../../../lib/text/join-words.ts';
import type { JsonObject } from '../../../model/event.ts';
import { getDeclaredType } from '../../schemas/declared-fields.ts';
import type { Entry, Text } from '../yaml.ts';
import type { RuleContext } from './rule-context.ts';

/** The names that an expression at one place of a rule can use. */
export interface ExpressionScope {
  /** Event types that `event` may have. An empty name stands for any type. */
  readonly types: readonly string[];
  readonly roots: readonly Root[];
  /** Event types of the rule's pattern; absent for a rule without a pattern. */
  readonly matched?: readonly string[];
  /** Whether `now` is available: the rule waits. */
  readonly now?: boolean;
}

/** Returns a problem if the values of an expression are not suitable, otherwise undefined. */
export type ValueCheck = (expression: Expression) => Pick<ConditionProblem, 'message' | 'hint'> | undefined;

/** Parses a field that holds a CEL condition, and checks it for each event type that it may be evaluated on. */
export function parseConditionField(
  ctx: RuleContext,
  entry: Entry,
  scope: ExpressionScope,
  example: string,
): string | undefined {
  const text = ctx.parseText(entry, example);
  if (text === undefined) return undefined;
  return checkForEachType(ctx, text, scope, 'the whole condition', (expression, declared) => {
    const compiled = compileCondition(expression, declared);
    return 'problems' in compiled ? compiled.problems : [];
  });
}

/** Parses a field that holds a CEL expression of any value. */
export function parseValueField(
  ctx: RuleContext,
  entry: Entry,
  scope: ExpressionScope,
  example: string,
  check?: ValueCheck,
): string | undefined {
  const text = ctx.parseText(entry, example);
  return text && parseValue(ctx, text, scope, check);
}

/** Parses a text as a CEL expression of any value, and checks it for each event type that it may be evaluated on. */
export function parseValue(
  ctx: RuleContext,
  text: Text,
  scope: ExpressionScope,
  check: ValueCheck = () => undefined,
): string {
  return checkForEachType(ctx, text, scope, 'the whole of it', (expression, declared) => {
    const compiled = compileExpression(expression, declared);
    if ('problems' in compiled) return compiled.problems;
    const problem = check(compiled.expression);
    return problem ? [{ ...problem, offset: 0 }] : [];
  });
}

/** Accepts values by which events can be compared: no lists and objects. */
export const comparable: ValueCheck = ({ type }) =>
  type === 'list' || type === 'map'
    ? { message: `this is ${type === 'list' ? 'a list' : 'an object'}, but must be text or a number` }
    : undefined;

/**
 * Returns a check that accepts the values of a field of `schema`. Numbers are not converted to text, but times and
 * durations are. An expression without fields is evaluated, and its value is checked as well.
 */
export function assignableTo(ctx: RuleContext, name: string, schema: JsonObject | undefined): ValueCheck {
  const { kind } = (schema && getDeclaredType(schema, name)) ?? { kind: 'dyn' };
  return (expression) => {
    const { type, fields } = expression;
    const valueKind = type === 'timestamp' || type === 'duration' ? 'string' : type;
    if (kind !== 'dyn' && valueKind !== 'any' && valueKind !== kind) {
      return { message: `${name} is ${describeKinds([kind])}, but this is ${describeKinds([valueKind])}` };
    }
    if (fields.length > 0) return undefined;
    const result = expression.evaluate({ event: {}, traits: {}, user: {} });
    const violation = result.kind === 'value' ? ctx.findViolation(schema, name, result.value) : undefined;
    return violation === undefined ? undefined : { message: `${name} ${violation}` };
  };
}

/**
 * Checks an expression for each event type of the scope, and returns its text. A problem is reported once if every type
 * has it, and with the names of the types if only some have it.
 *
 * @param whole names the expression in the hint to put it in quotes
 */
function checkForEachType(
  ctx: RuleContext,
  text: Text,
  scope: ExpressionScope,
  whole: string,
  findProblems: (expression: string, declared: Declared) => readonly ConditionProblem[],
): string {
  const expression = text.text.trim();
  const indent = text.text.length - text.text.trimStart().length;
  const found = new Map<string, ConditionProblem & { readonly affected: string[] }>();
  const types = scope.types.length > 0 ? scope.types : [''];
  for (const type of types) {
    for (const problem of findProblems(expression, declare(ctx, scope, type))) {
      const key = `${problem.offset} ${problem.message}`;
      const known = found.get(key);
      if (known) known.affected.push(type);
      else found.set(key, { ...problem, affected: [type] });
    }
  }
  for (const { offset, message, hint, affected } of found.values()) {
    const prefix = affected.length < types.length ? `for ${joinWords(affected)}: ` : '';
    const comment = text.cutByComment ? `a # after a space begins a comment: put ${whole} in quotes` : hint;
    ctx.report(text.offsetOf(offset + indent), prefix + message, comment);
  }
  return expression;
}

/** Returns the declarations that an expression is compiled against if the event is of this type. */
function declare({ events, traits }: RuleContext, { roots, matched, now }: ExpressionScope, type: string): Declared {
  const event = events?.get(type)?.properties;
  return {
    roots,
    ...(event && { event }),
    ...(traits && { traits, user: traits }),
    ...(matched && { matched: Object.fromEntries(matched.map((name) => [name, events?.get(name)?.properties ?? {}])) }),
    ...(now && { now }),
  };
}
