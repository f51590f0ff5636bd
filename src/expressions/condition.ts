/**
 * The expressions of a rule, in CEL: its `when`, and whatever else it computes (`key`, `data`, the field of `at`).
 *
 * They see `event` (the event's properties), `traits` (the event's traits), `user` (the person's traits as known) and
 * `matched` (by type, the properties of the event that completed the rule's pattern), all as JSON, and `now`, the time
 * of judging. They are checked when the catalog is applied, and then evaluated without I/O, without a clock, without
 * throwing, and within a bound of work, whatever the JSON holds.
 *
 * Where it departs from CEL, so that JSON needs no conversions: there is one kind of number (`7 / 2` is 3.5, and
 * dividing by zero is an error), a field of null has no fields (they are missing), and lists may be mixed. There are no
 * bytes, no types as values and no `cel.bind`; patterns of `matches` are written out.
 */

import type { Json, JsonObject } from '../model/event.ts';
import { isoTime } from '../time/iso-time.ts';
import type { Code, ConditionProblem, ExpressionKind, Path, Root } from './code.ts';
import { toBool } from './code.ts';
import { type Compiled as CompiledTree, compileTree } from './compile.ts';
import { pathText } from './fields.ts';
import { toJson } from './json.ts';
import { bindFrame, type Declared, type Scope, variablesOf } from './scope.ts';
import { parseExpression } from './syntax.ts';
import { truncateForEvidence } from './truncate.ts';
import { Fault, isFailure, type Kind } from './value.ts';

export type { ConditionProblem, Declared, Root, Scope };

interface Compiled {
  readonly expression: string;
  /** The fields it names, e.g. `traits.marketing_opt_in`, in order of appearance, without repeats. */
  readonly fields: readonly string[];
  /** The same, as steps from the scope down. The first step is the variable: `event`, `user`, `now`. */
  readonly paths: readonly Path[];
}

/** It cannot be decided without these fields. */
interface MissingFields {
  readonly kind: 'missing';
  readonly fields: readonly string[];
}

/** A value cannot be used as the expression uses it. A sentence to read aloud, with at most a few characters of it. */
interface EvaluationError {
  readonly kind: 'error';
  readonly message: string;
}

export interface Condition extends Compiled {
  evaluate(scope: Scope): ConditionResult;
}

export type ConditionResult = { readonly kind: 'true' | 'false' } | MissingFields | EvaluationError;

export interface Expression extends Compiled {
  /** What is known of its value beforehand; `any` when it depends on the event. */
  readonly type: Kind | 'any';
  /**
   * The value as JSON: a time as RFC 3339 text in UTC, a duration as seconds (`5400s`). An error, too, when it has more
   * than 10,000 parts or 100,000 characters, is nested more than 31 deep, or has text that cannot be stored.
   */
  evaluate(scope: Scope): ExpressionResult;
}

export type ExpressionResult = { readonly kind: 'value'; readonly value: Json } | MissingFields | EvaluationError;

interface Problems {
  /** In order of place. */
  readonly problems: readonly ConditionProblem[];
}

/** A condition, or everything that is wrong with it. Never throws, whatever the text. */
export function compileCondition(expression: string, declared: Declared): { readonly condition: Condition } | Problems {
  const compiled = compile(expression, declared, 'condition');
  return 'problems' in compiled ? compiled : { condition: new CompiledCondition(expression, compiled) };
}

/** An expression with a value of any kind, or everything that is wrong with it. Never throws, whatever the text. */
export function compileExpression(
  expression: string,
  declared: Declared,
): { readonly expression: Expression } | Problems {
  const compiled = compile(expression, declared, 'expression');
  return 'problems' in compiled ? compiled : { expression: new CompiledExpression(expression, compiled) };
}

/** What evidence keeps: the named fields as they stand in the scope, large ones cut short; and those not there. */
export function valuesSeen(
  { fields, paths }: Pick<Compiled, 'fields' | 'paths'>,
  scope: Scope,
): { values: JsonObject; missing: string[] } {
  const values: JsonObject = {};
  const missing: string[] = [];
  for (let at = 0; at < paths.length; at++) {
    const field = fields[at]!;
    const value = valueAt(scope, paths[at]!);
    if (value === undefined) missing.push(field);
    else values[field] = truncateForEvidence(value);
  }
  return { values, missing };
}

type Tree = Omit<CompiledTree, 'problems'>;

function compile(expression: string, declared: Declared, noun: ExpressionKind): Tree | Problems {
  const parsed = parseExpression(expression, noun);
  if ('problem' in parsed) return { problems: [parsed.problem] };
  const { code, paths, problems } = compileTree(parsed.node, expression, variablesOf(declared), noun);
  return problems.length > 0 ? { problems } : { code, paths };
}

abstract class CompiledText implements Compiled {
  readonly expression: string;
  readonly fields: readonly string[];
  readonly paths: readonly Path[];
  protected readonly code: Code;

  constructor(expression: string, { code, paths }: Tree) {
    this.expression = expression;
    this.fields = paths.map(pathText);
    this.paths = paths;
    this.code = code;
  }
}

const TRUE: ConditionResult = { kind: 'true' };
const FALSE: ConditionResult = { kind: 'false' };

class CompiledCondition extends CompiledText implements Condition {
  evaluate(scope: Scope): ConditionResult {
    const frame = bindFrame(scope);
    const result = toBool(frame, this.code, this.code.run(frame));
    if (result === true) return TRUE;
    return result === false ? FALSE : result;
  }
}

class CompiledExpression extends CompiledText implements Expression {
  get type(): Kind | 'any' {
    const { kind } = this.code.type;
    return kind === 'dyn' ? 'any' : kind;
  }

  evaluate(scope: Scope): ExpressionResult {
    const result = this.code.run(bindFrame(scope));
    if (isFailure(result)) return result;
    const value = toJson(result);
    return value instanceof Fault ? value : { kind: 'value', value };
  }
}

function valueAt(scope: Scope, path: Path): Json | undefined {
  if (path[0] === 'now') return scope.now === undefined ? undefined : isoTime(scope.now);
  let value: Json | undefined = scope[path[0] as 'event' | 'traits' | 'user' | 'matched'] ?? {};
  for (let at = 1; at < path.length; at++) {
    const step = path[at]!;
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as { [key: string | number]: Json })[step];
  }
  return value;
}
