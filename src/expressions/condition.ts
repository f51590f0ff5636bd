/*
 * CEL expressions of a rule: its condition (`when`), and the other expressions (`key`, `data`, the field of `at`).
 *
 * Variables: `event` (properties of the event), `traits` (traits of the event), `user` (known traits of the user), `matched`
 * (properties of the events that completed the pattern, by type), `message` (in routes: what is sent, and to where), all as JSON,
 * and `now`, the time of evaluation.
 * Expressions are checked when the catalog is applied. Evaluation performs no I/O, reads no clock, never throws, and is
 * bounded in work, whatever the JSON contains.
 *
 * Departures from CEL, so that JSON needs no conversions: there is one number type (`7 / 2` is 3.5, and division by zero is
 * an error), null has no fields (they are missing), and lists may mix types. There are no bytes, no type values and no
 * `cel.bind`; the pattern of `matches` must be a literal.
 */

import type { Json, JsonObject } from '../model/event.ts';
import { isoTime } from '../time/iso-time.ts';
import type { Code, ConditionProblem, ExpressionKind, Path, Root } from './cel/code.ts';
import { toBool } from './cel/code.ts';
import { type CompiledTree, compileTree } from './cel/compile.ts';
import { formatPath } from './cel/fields.ts';
import { parseExpression } from './cel/syntax.ts';
import { toJson } from './json.ts';
import { bindFrame, type Declared, type Scope, toVariables } from './scope.ts';
import { truncateForEvidence } from './truncate.ts';
import { Fault, isFailure, type Kind } from './value.ts';

export type { ConditionProblem, Declared, Root, Scope };

interface Compiled {
  readonly expression: string;
  /** Fields that the expression names, such as `traits.marketing_opt_in`, in order of appearance, without duplicates. */
  readonly fields: readonly string[];
  /** The same fields as paths. The first step is the variable: `event`, `user`, `now`. */
  readonly paths: readonly Path[];
}

/** The result of an evaluation that needs fields which are missing. */
interface MissingFields {
  readonly kind: 'missing';
  readonly fields: readonly string[];
}

/** The result of an evaluation that failed. The message is a sentence with at most a few characters of a value. */
interface EvaluationError {
  readonly kind: 'error';
  readonly message: string;
}

export interface Condition extends Compiled {
  evaluate(scope: Scope): ConditionResult;
}

export type ConditionResult = { readonly kind: 'true' | 'false' } | MissingFields | EvaluationError;

export interface Expression extends Compiled {
  /** Kind of the value as far as known at compile time; `any` if it depends on the event. */
  readonly type: Kind | 'any';
  /**
   * Returns the value as JSON: a time as RFC 3339 text in UTC, a duration as seconds (`5400s`). Returns an error also for a
   * value with more than 10,000 parts or 100,000 characters, nested more than 31 levels deep, or with text that cannot be
   * stored.
   */
  evaluate(scope: Scope): ExpressionResult;
}

export type ExpressionResult = { readonly kind: 'value'; readonly value: Json } | MissingFields | EvaluationError;

interface Problems {
  /** Problems in order of position. */
  readonly problems: readonly ConditionProblem[];
}

/** Compiles a condition. Returns every problem if it is invalid; never throws. */
export function compileCondition(expression: string, declared: Declared): { readonly condition: Condition } | Problems {
  const compiled = compileText(expression, declared, 'condition');
  return 'problems' in compiled ? compiled : { condition: new CompiledCondition(expression, compiled) };
}

/** Compiles an expression with a value of any kind. Returns every problem if it is invalid; never throws. */
export function compileExpression(
  expression: string,
  declared: Declared,
): { readonly expression: Expression } | Problems {
  const compiled = compileText(expression, declared, 'expression');
  return 'problems' in compiled ? compiled : { expression: new CompiledExpression(expression, compiled) };
}

/**
 * Returns the named fields for evidence: their values, with addresses masked and truncated if large, and the names of
 * missing fields.
 */
export function collectSeenValues(
  { fields, paths }: Pick<Compiled, 'fields' | 'paths'>,
  scope: Scope,
): { values: JsonObject; missing: string[] } {
  const values: JsonObject = {};
  const missing: string[] = [];
  for (let at = 0; at < paths.length; at++) {
    const field = fields[at]!;
    const value = getAtPath(scope, paths[at]!);
    if (value === undefined) missing.push(field);
    else values[field] = truncateForEvidence(value, getFieldName(paths[at]!));
  }
  return { values, missing };
}

type Tree = Omit<CompiledTree, 'problems'>;

function compileText(expression: string, declared: Declared, noun: ExpressionKind): Tree | Problems {
  const parsed = parseExpression(expression, noun);
  if ('problem' in parsed) return { problems: [parsed.problem] };
  const { code, paths, problems } = compileTree(parsed.node, expression, toVariables(declared), noun);
  return problems.length > 0 ? { problems } : { code, paths };
}

abstract class CompiledText implements Compiled {
  readonly expression: string;
  readonly fields: readonly string[];
  readonly paths: readonly Path[];
  protected readonly code: Code;

  constructor(expression: string, { code, paths }: Tree) {
    this.expression = expression;
    this.fields = paths.map(formatPath);
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

/** Returns the last name in a path; the items of a list have the name of the list. */
function getFieldName(path: Path): string {
  return path.findLast((step) => typeof step === 'string') as string;
}

function getAtPath(scope: Scope, path: Path): Json | undefined {
  if (path[0] === 'now') return scope.now === undefined ? undefined : isoTime(scope.now);
  let value: Json | undefined = scope[path[0] as 'event' | 'traits' | 'user' | 'context' | 'matched' | 'message'] ?? {};
  for (let at = 1; at < path.length; at++) {
    const step = path[at]!;
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as { [key: string | number]: Json })[step];
  }
  return value;
}
