/**
 * The `when` of a rule: a CEL expression over one event and one person.
 *
 * It sees `event` (the event's properties), `traits` (the event's traits) and `user` (the person's traits as known),
 * all as JSON. It is checked when the catalog is applied, and then evaluated without I/O, without a clock, without
 * throwing, and within a bound of work, whatever the JSON holds.
 *
 * Where it departs from CEL, so that JSON needs no conversions: there is one kind of number (`7 / 2` is 3.5, and
 * dividing by zero is an error), a field of null has no fields (they are missing), and lists may be mixed. There are no
 * bytes, no types as values and no `cel.bind`; patterns of `matches` are written out.
 */
import type { Json, JsonObject } from '../model.ts';
import { boundedCopy } from './bounded.ts';
import type { Code, ConditionProblem, Frame, Path } from './cel/code.ts';
import { truth } from './cel/code.ts';
import { compileTree } from './cel/compile.ts';
import { pathText } from './cel/fields.ts';
import { parseExpression } from './cel/syntax.ts';
import { type Type, typeOfSchema } from './cel/type.ts';

export type { ConditionProblem };

/** JSON Schemas (objects with `properties`) of what a condition may name. One that is absent means: anything. */
export interface Declared {
  readonly event?: JsonObject;
  readonly traits?: JsonObject;
  readonly user?: JsonObject;
}

export interface Scope {
  readonly event: JsonObject;
  readonly traits: JsonObject;
  readonly user: JsonObject;
}

export type ConditionResult =
  | { readonly kind: 'true' | 'false' }
  /** It cannot be decided without these fields. */
  | { readonly kind: 'missing'; readonly fields: readonly string[] }
  /** A value cannot be used as the condition uses it. A sentence to read aloud, with at most a few characters of it. */
  | { readonly kind: 'error'; readonly message: string };

export interface Condition {
  readonly expression: string;
  /** The fields it names, e.g. `traits.marketing_opt_in`, in order of appearance, without repeats. */
  readonly fields: readonly string[];
  /** The same, as steps from the scope down. */
  readonly paths: readonly Path[];
  evaluate(scope: Scope): ConditionResult;
}

/** A condition, or everything that is wrong with it, in order of place. Never throws, whatever the text. */
export function compileCondition(
  expression: string,
  declared: Declared,
): { readonly condition: Condition } | { readonly problems: readonly ConditionProblem[] } {
  const parsed = parseExpression(expression);
  if ('problem' in parsed) return { problems: [parsed.problem] };
  const variables = {
    event: variable(declared.event),
    traits: variable(declared.traits),
    user: variable(declared.user),
  };
  const { code, paths, problems } = compileTree(parsed.node, expression, variables);
  if (problems.length > 0) return { problems };
  return { condition: new CompiledCondition(expression, code, paths) };
}

/** What evidence keeps: the named fields as they stand in the scope, large ones cut short; and those not there. */
export function valuesSeen(condition: Condition, scope: Scope): { values: JsonObject; missing: string[] } {
  const values: JsonObject = {};
  const missing: string[] = [];
  for (const [at, path] of condition.paths.entries()) {
    const field = condition.fields[at]!;
    const value = valueAt(scope, path);
    if (value === undefined) missing.push(field);
    else values[field] = boundedCopy(value);
  }
  return { values, missing };
}

const TRUE: ConditionResult = { kind: 'true' };
const FALSE: ConditionResult = { kind: 'false' };

const NOTHING: JsonObject = Object.freeze({});
const frame: Frame = { event: NOTHING, traits: NOTHING, user: NOTHING, items: [null, null], steps: 0 };

class CompiledCondition implements Condition {
  readonly expression: string;
  readonly fields: readonly string[];
  readonly paths: readonly Path[];
  readonly #code: Code;

  constructor(expression: string, code: Code, paths: readonly Path[]) {
    this.expression = expression;
    this.fields = paths.map(pathText);
    this.paths = paths;
    this.#code = code;
  }

  evaluate(scope: Scope): ConditionResult {
    frame.event = scope.event;
    frame.traits = scope.traits;
    frame.user = scope.user;
    frame.steps = 0;
    const result = truth(frame, this.#code, this.#code.run(frame));
    if (result === true) return TRUE;
    return result === false ? FALSE : result;
  }
}

function variable(schema: JsonObject | undefined): Type {
  const type = typeOfSchema(schema);
  return { kind: 'map', ...(schema && (type.kind === 'map' || schema.type === undefined) && { schema }) };
}

function valueAt(scope: Scope, path: Path): Json | undefined {
  let value: Json | undefined = { event: scope.event, traits: scope.traits, user: scope.user };
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as { [key: string | number]: Json })[step];
  }
  return value;
}
