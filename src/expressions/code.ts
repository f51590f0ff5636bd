/** What an expression compiles to, and what the parts of the compiler share. */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { JsonObject, Millis } from '../model/event.ts';
import type { Type } from './type.ts';
import {
  describe,
  type Failure,
  Fault,
  inWords,
  isFailure,
  type Kind,
  Missing,
  type Outcome,
  type Value,
} from './value.ts';

/** Root variable, then keys and list positions: `['event', 'items', 0, 'price']`. */
export type Path = readonly (string | number)[];

/** A mistake in the text of a condition or another expression. */
export interface ConditionProblem {
  readonly message: string;
  /** What was probably meant. */
  readonly hint?: string;
  /** 0-based, in UTF-16 units, into the expression. */
  readonly offset: number;
}

/** The state of one evaluation. */
export interface Frame {
  event: JsonObject;
  traits: JsonObject;
  user: JsonObject;
  matched: JsonObject;
  now: Millis | undefined;
  /** The item each nested macro is at. */
  readonly items: [Value, Value];
  /** Work done so far; see `MAX_STEPS`. */
  steps: number;
}

export function newFrame(): Frame {
  return { event: {}, traits: {}, user: {}, matched: {}, now: undefined, items: [null, null], steps: 0 };
}

export type Run = (frame: Frame) => Outcome;

export interface Code {
  readonly run: Run;
  readonly type: Type;
  /** What messages call it: its path, or its source text. */
  readonly label: string;
  readonly offset: number;
  /** Set when it names a field of the scope. */
  readonly path?: Path;
  /** Set when the value is known without a scope. */
  readonly constant?: Value;
}

export interface Compiling {
  readonly expression: string;
  readonly noun: ExpressionKind;
  readonly variables: Variables;
  /** The variables of the macros around this place, outermost first. */
  readonly locals: { readonly name: string; readonly type: Type; readonly label: string }[];
  /** Nodes compiled so far: the measure of what one round of a macro costs. */
  readonly nodes: number;
  compile(node: ASTNode): Code;
  problem(offset: number, message: string, hint?: string): void;
}

export const ROOTS = ['event', 'traits', 'user', 'matched', 'now'] as const;
export type Root = (typeof ROOTS)[number];

export type Variables = { readonly [name in Root]: Type | Unavailable };

/** A variable that there is, but not where the expression stands. */
export interface Unavailable {
  /** Why, as a message. */
  readonly absent: string;
  readonly hint?: string;
}

/** What messages call it: a condition must be true or false, an expression may have any value. */
export type ExpressionKind = 'condition' | 'expression';

/**
 * What one evaluation may do, in steps of a few nanoseconds: a handful of milliseconds at the worst. Macros, deep
 * comparisons and long texts count; an ordinary condition is bounded by its own length and counts nothing.
 */
const MAX_STEPS = 100_000;
const TOO_MUCH = new Fault('the evaluation was stopped: there is too much to go through');

/** Adds work; the failure to hand on when that was too much. */
export function consumeSteps(frame: Frame, steps: number): Fault | undefined {
  frame.steps += steps;
  return frame.steps > MAX_STEPS ? TOO_MUCH : undefined;
}

/** The keys of an object, paid for: listing many of them is slow, so nothing is listed any more once stopped. */
export function keysOf(frame: Frame, map: { readonly [key: string]: Value }): readonly string[] | Fault {
  const stopped = consumeSteps(frame, 0);
  if (stopped) return stopped;
  const keys = Object.keys(map);
  return consumeSteps(frame, keys.length * 4) ?? keys;
}

/** `event.attempt_number is text ("3"), a number is needed`. */
export function typeFault(frame: Frame, code: Code, value: Value, kinds: readonly Kind[]): Fault {
  return fault(frame, `${code.label} is ${describe(value)}, ${inWords(kinds)} is needed`);
}

/** Building a message costs as much as dozens of comparisons, and a macro may fail once an item. */
export function fault(frame: Frame, message: string): Fault {
  frame.steps += 50;
  return new Fault(message);
}

/** True or false as they are, anything else as a failure. */
export function toBool(frame: Frame, code: Code, outcome: Outcome): boolean | Failure {
  if (typeof outcome === 'boolean' || isFailure(outcome)) return outcome;
  return typeFault(frame, code, outcome, ['bool']);
}

/** Of two failures the first speaks, and missing fields are told together. */
export function combineFailures(first: Failure, second: Failure): Failure {
  if (!(first instanceof Missing && second instanceof Missing) || first === second) return first;
  return new Missing([...new Set([...first.fields, ...second.fields])]);
}

/** The failure of a pair of operands of which at least one is not a value; nothing when both are values. */
export function failureOf(left: Outcome, right: Outcome): Failure | undefined {
  if (isFailure(left)) return isFailure(right) ? combineFailures(left, right) : left;
  return isFailure(right) ? right : undefined;
}

export function constant(value: Value, type: Type, label: string, offset: number): Code {
  return { run: () => value, type, label, offset, constant: value };
}

/** A stand-in for what could not be compiled, so that the rest is still checked. */
export function broken(node: ASTNode): Code {
  return { run: () => null, type: { kind: 'dyn' }, label: '', offset: node.start };
}

/** The source of a node, short enough for a message. */
export function sourceOf(c: Compiling, node: ASTNode): string {
  const text = c.expression.slice(node.start, node.end).replace(/\s+/g, ' ');
  return text.length > 60 ? `${text.slice(0, 59).toWellFormed()}…` : text;
}

/** An operand of which true or false is asked. */
export function expectBool(c: Compiling, code: Code): Code {
  const { kind } = code.type;
  if (kind !== 'dyn' && kind !== 'bool') {
    c.problem(code.offset, `${code.label} is ${wordFor(code)}, true or false is needed`);
  }
  return code;
}

/** The kind of an operand, for a message. */
export function wordFor(code: Code): string {
  return code.type.kind === 'dyn' ? 'anything' : inWords([code.type.kind]);
}
