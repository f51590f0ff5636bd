import {
  type ConditionProblem,
  compileCondition,
  compileExpression,
  type Declared,
  type Expression,
  type Root,
} from '../../../expressions/condition.ts';
import { inWords } from '../../../expressions/value.ts';
import type { JsonObject } from '../../../model/event.ts';
import { fieldOf } from '../../schemas/schema-fields.ts';
import type { Entry, Text } from '../yaml.ts';
import type { RuleContext } from './rule-context.ts';

/** What the expressions in one place of a rule can see. */
export interface ExpressionScope {
  /** The types of event that `event` may be; an empty name: any type. */
  readonly types: readonly string[];
  readonly roots: readonly Root[];
  /** The event types of the rule's pattern; absent: it has none. */
  readonly matched?: readonly string[];
  /** The rule waits: there is a `now`. */
  readonly now?: boolean;
}

/** Says what is wrong with the values of an expression, if anything is. */
export type ValueCheck = (expression: Expression) => Pick<ConditionProblem, 'message' | 'hint'> | undefined;

/** A CEL condition, checked for each type of event that it may be asked of. */
export function parseConditionField(
  c: RuleContext,
  entry: Entry,
  sight: ExpressionScope,
  example: string,
): string | undefined {
  const text = c.text(entry, example);
  if (text === undefined) return undefined;
  return checked(c, text, sight, 'the whole condition', (expression, declared) => {
    const compiled = compileCondition(expression, declared);
    return 'problems' in compiled ? compiled.problems : [];
  });
}

/** A CEL expression with a value of a wanted type. */
export function parseValueField(
  c: RuleContext,
  entry: Entry,
  sight: ExpressionScope,
  example: string,
  wanted?: ValueCheck,
): string | undefined {
  const text = c.text(entry, example);
  return text && parseValue(c, text, sight, wanted);
}

export function parseValue(
  c: RuleContext,
  text: Text,
  sight: ExpressionScope,
  wanted: ValueCheck = () => undefined,
): string {
  return checked(c, text, sight, 'the whole of it', (expression, declared) => {
    const compiled = compileExpression(expression, declared);
    if ('problems' in compiled) return compiled.problems;
    const wrong = wanted(compiled.expression);
    return wrong ? [{ ...wrong, offset: 0 }] : [];
  });
}

/** A value that events are compared by. */
export const comparable: ValueCheck = ({ type }) =>
  type === 'list' || type === 'map'
    ? { message: `this is ${type === 'list' ? 'a list' : 'an object'}, text or a number is needed` }
    : undefined;

/**
 * A value for a field of this schema: a number is no text. Times and durations become text. Of an expression that asks for
 * nothing the value is known.
 */
export function assignableTo(c: RuleContext, name: string, schema: JsonObject | undefined): ValueCheck {
  const { kind } = (schema && fieldOf(schema, name)) ?? { kind: 'dyn' };
  return (expression) => {
    const { type, fields } = expression;
    const given = type === 'timestamp' || type === 'duration' ? 'string' : type;
    if (kind !== 'dyn' && given !== 'any' && given !== kind) {
      return { message: `${name} is ${inWords([kind])}, this is ${inWords([given])}` };
    }
    if (fields.length > 0) return undefined;
    const result = expression.evaluate({ event: {}, traits: {}, user: {} });
    const wrong = result.kind === 'value' ? c.misfit(schema, name, result.value) : undefined;
    return wrong === undefined ? undefined : { message: `${name} ${wrong}` };
  };
}

/** Told once if it is wrong for each type of event; with the type's name if it is wrong for some. */
function checked(
  c: RuleContext,
  text: Text,
  sight: ExpressionScope,
  whole: string,
  problemsOf: (expression: string, declared: Declared) => readonly ConditionProblem[],
): string {
  const expression = text.text.trim();
  const indent = text.text.length - text.text.trimStart().length;
  const wrong = new Map<string, ConditionProblem & { readonly types: string[] }>();
  const types = sight.types.length > 0 ? sight.types : [''];
  for (const type of types) {
    for (const problem of problemsOf(expression, declaredFor(c, sight, type))) {
      const key = `${problem.offset} ${problem.message}`;
      const known = wrong.get(key);
      if (known) known.types.push(type);
      else wrong.set(key, { ...problem, types: [type] });
    }
  }
  for (const { offset, message, hint, types: wrongFor } of wrong.values()) {
    const prefix = wrongFor.length < types.length ? `for ${wrongFor.join(' and ')}: ` : '';
    const comment = text.cutByComment ? `a # after a space begins a comment: put ${whole} in quotes` : hint;
    c.problem(text.offsetOf(offset + indent), prefix + message, comment);
  }
  return expression;
}

function declaredFor(
  { events, traits }: RuleContext,
  { roots, matched, now }: ExpressionScope,
  type: string,
): Declared {
  const event = events?.get(type)?.properties;
  return {
    roots,
    ...(event && { event }),
    ...(traits && { traits, user: traits }),
    ...(matched && { matched: Object.fromEntries(matched.map((name) => [name, events?.get(name)?.properties ?? {}])) }),
    ...(now && { now }),
  };
}
