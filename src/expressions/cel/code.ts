/* Compiled expressions, and the types and helpers that the parts of the compiler share. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { truncateText } from '../../lib/text/truncate-text.ts';
import type { JsonObject, Millis } from '../../model/event.ts';
import type { Type } from '../type.ts';
import {
  describeKinds,
  describeValue,
  type EvaluationOutcome,
  type Failure,
  Fault,
  isFailure,
  type Kind,
  Missing,
  type Value,
} from '../value.ts';

/** Path of a field: root variable, then keys and list positions: `['event', 'items', 0, 'price']`. */
export type Path = readonly (string | number)[];

/** An error in the text of a condition or another expression. */
export interface ConditionProblem {
  readonly message: string;
  /** A suggestion, such as the name that was probably meant. */
  readonly hint?: string;
  /** Offset into the expression: 0-based, in UTF-16 units. */
  readonly offset: number;
}

/** The state of one evaluation. */
export interface Frame {
  event: JsonObject;
  traits: JsonObject;
  user: JsonObject;
  context: JsonObject;
  matched: JsonObject;
  message: JsonObject;
  now: Millis | undefined;
  /** Current item of each nested macro, outermost first. */
  readonly items: [Value, Value];
  /** Steps consumed so far; see `MAX_STEPS`. */
  steps: number;
}

export function newFrame(): Frame {
  return {
    event: {},
    traits: {},
    user: {},
    context: {},
    matched: {},
    message: {},
    now: undefined,
    items: [null, null],
    steps: 0,
  };
}

export type Evaluate = (frame: Frame) => EvaluationOutcome;

export interface Code {
  readonly run: Evaluate;
  readonly type: Type;
  /** Name used in messages: the path, or the source text. */
  readonly label: string;
  readonly offset: number;
  /** Present if the expression names a field of the scope. */
  readonly path?: Path;
  /** Present if the value is a constant. */
  readonly toConstant?: Value;
}

export interface CompileContext {
  readonly expression: string;
  readonly noun: ExpressionKind;
  readonly variables: Variables;
  /** Variables of the enclosing macros, outermost first. */
  readonly locals: { readonly name: string; readonly type: Type; readonly label: string }[];
  /** Number of nodes compiled so far; measures the cost of one iteration of a macro. */
  readonly nodes: number;
  compile(node: ASTNode): Code;
  problem(offset: number, message: string, hint?: string): void;
}

export const ROOTS = ['event', 'traits', 'user', 'context', 'matched', 'message', 'now'] as const;
export type Root = (typeof ROOTS)[number];

export type Variables = { readonly [name in Root]: Type | Unavailable };

/** A variable that exists, but not at the place of the expression. */
export interface Unavailable {
  /** The reason, as a message. */
  readonly absent: string;
  readonly hint?: string;
}

/** Name used in messages. A condition must be true or false; an expression may have any value. */
export type ExpressionKind = 'condition' | 'expression';

/**
 * Work allowed for one evaluation, in steps of a few nanoseconds: at most some milliseconds. Macros, deep comparisons and
 * long texts consume steps; an ordinary condition is bounded by its own length and consumes none.
 */
const MAX_STEPS = 100_000;
const STEPS_EXHAUSTED = new Fault('the evaluation was stopped: it takes too many steps');

/** Consumes steps. Returns a failure once the evaluation has exceeded `MAX_STEPS`. */
export function consumeSteps(frame: Frame, steps: number): Fault | undefined {
  frame.steps += steps;
  return frame.steps > MAX_STEPS ? STEPS_EXHAUSTED : undefined;
}

/** Returns the keys of an object and consumes steps for them, since listing many keys is slow; fails once out of steps. */
export function listKeys(frame: Frame, map: { readonly [key: string]: Value }): readonly string[] | Fault {
  const stopped = consumeSteps(frame, 0);
  if (stopped) return stopped;
  const keys = Object.keys(map);
  return consumeSteps(frame, keys.length * 4) ?? keys;
}

/** Returns a failure such as `event.attempt_number is text ("3"), but must be a number`. */
export function typeFault(frame: Frame, code: Code, value: Value, kinds: readonly Kind[]): Fault {
  return toFault(frame, `${code.label} is ${describeValue(value, code.label)}, but must be ${describeKinds(kinds)}`);
}

/** Returns a failure and consumes steps: a message costs as much as dozens of comparisons, and a macro may fail per item. */
export function toFault(frame: Frame, message: string): Fault {
  frame.steps += 50;
  return new Fault(message);
}

/** Returns a boolean outcome unchanged, and any other outcome as a failure. */
export function toBool(frame: Frame, code: Code, outcome: EvaluationOutcome): boolean | Failure {
  if (typeof outcome === 'boolean' || isFailure(outcome)) return outcome;
  return typeFault(frame, code, outcome, ['bool']);
}

/** Combines two failures: the first wins, except that missing fields are merged. */
export function combineFailures(first: Failure, second: Failure): Failure {
  if (!(first instanceof Missing && second instanceof Missing) || first === second) return first;
  return new Missing([...new Set([...first.fields, ...second.fields])]);
}

/** Returns the failure of a pair of operands, or undefined if both are values. */
export function getFailure(left: EvaluationOutcome, right: EvaluationOutcome): Failure | undefined {
  if (isFailure(left)) return isFailure(right) ? combineFailures(left, right) : left;
  return isFailure(right) ? right : undefined;
}

export function constant(value: Value, type: Type, label: string, offset: number): Code {
  return { run: () => value, type, label, offset, toConstant: value };
}

/** Returns a placeholder for a node that could not be compiled, so that the remaining nodes are still checked. */
export function toPlaceholder(node: ASTNode): Code {
  return { run: () => null, type: { kind: 'dyn' }, label: '', offset: node.start };
}

/** Returns the source text of a node, truncated for a message. */
export function getSource(ctx: CompileContext, node: ASTNode): string {
  const text = ctx.expression.slice(node.start, node.end).replace(/\s+/g, ' ');
  return truncateText(text, 60);
}

/** Returns code that requires its operand to be a boolean. */
export function expectBool(ctx: CompileContext, code: Code): Code {
  const { kind } = code.type;
  if (kind !== 'dyn' && kind !== 'bool') {
    ctx.problem(code.offset, `${code.label} is ${describeKind(code)}, but must be true or false`);
  }
  return code;
}

/** Returns the kind of an operand, for a message. */
export function describeKind(code: Code): string {
  return code.type.kind === 'dyn' ? 'anything' : describeKinds([code.type.kind]);
}
