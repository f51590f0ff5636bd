/** Arithmetic. Numbers are JSON's: whole and fractional ones mix freely, and `/` is not rounded. */

import type { ASTNode } from '@marcbachmann/cel-js';
import { FIRST_TIME, LAST_TIME } from '../time/iso-time.ts';
import {
  type Code,
  type Compiling,
  constant,
  consumeSteps,
  type Frame,
  failureOf,
  fault,
  type Run,
  sourceOf,
  typeFault,
  wordFor,
} from './code.ts';
import { MAX_DURATION } from './time.ts';
import { DYN, NUMBER } from './type.ts';
import {
  Duration,
  describe,
  inWords,
  isFailure,
  type Kind,
  kindOf,
  type Outcome,
  Timestamp,
  type Value,
} from './value.ts';

type Arithmetic = '+' | '-' | '*' | '/' | '%';

export function compileMinus(c: Compiling, node: Extract<ASTNode, { op: '-_' }>): Code {
  const code = c.compile(node.args);
  if (typeof code.constant === 'number') return constant(-code.constant, NUMBER, sourceOf(c, node), node.start);
  const { kind } = code.type;
  if (kind !== 'dyn' && kind !== 'number' && kind !== 'duration') {
    c.problem(code.offset, `${code.label} is ${inWords([kind])}, a number is needed`);
  }
  const run: Run = (frame) => {
    const value = code.run(frame);
    if (isFailure(value)) return value;
    if (typeof value === 'number') return -value;
    return value instanceof Duration ? new Duration(-value.ms) : typeFault(frame, code, value, ['number']);
  };
  const type = kind === 'number' || kind === 'duration' ? code.type : DYN;
  return { run, type, label: sourceOf(c, node), offset: node.start };
}

export function compileArithmetic(c: Compiling, node: Extract<ASTNode, { op: Arithmetic }>): Code {
  const { op } = node;
  const left = c.compile(node.args[0]);
  const right = c.compile(node.args[1]);
  const kind = resultKind(op, left.type.kind, right.type.kind);
  if (kind === undefined) {
    c.problem(
      left.offset,
      `"${op}" does not go with ${wordFor(left)} (${left.label}) and ${wordFor(right)} (${right.label})`,
      timeMeant(op, left, right) ?? timeMeant(op, right, left),
    );
  }
  const run: Run = (frame) => {
    const a = left.run(frame);
    const b = right.run(frame);
    if (typeof a === 'number' && typeof b === 'number') return calculate(frame, op, a, b, right);
    const failure = failureOf(a, b);
    return failure ?? combine(frame, op, left, a as Value, right, b as Value);
  };
  return { run, type: { kind: kind ?? 'dyn' }, label: sourceOf(c, node), offset: node.start };
}

/** JSON has times as text only. */
function timeMeant(op: Arithmetic, text: Code, other: Code): string | undefined {
  const { kind } = other.type;
  if (text.type.kind !== 'string' || (kind !== 'timestamp' && kind !== 'duration')) return undefined;
  const meant = op === '+' && kind === 'timestamp' ? 'duration' : 'timestamp';
  return `did you mean ${meant}(${text.label})?`;
}

/** Of two numbers. Not a number and infinity are not values of JSON, so nothing here makes one. */
function calculate(frame: Frame, op: Arithmetic, a: number, b: number, right: Code): Outcome {
  if (b === 0 && (op === '/' || op === '%')) return fault(frame, `${right.label} is 0: division by zero`);
  const result = op === '+' ? a + b : op === '-' ? a - b : op === '*' ? a * b : op === '/' ? a / b : a % b;
  return Number.isFinite(result) ? result : fault(frame, 'a number became too large');
}

function combine(frame: Frame, op: Arithmetic, left: Code, a: Value, right: Code, b: Value): Outcome {
  if (op === '+') {
    if (typeof a === 'string' && typeof b === 'string') return consumeSteps(frame, (a.length + b.length) >> 6) ?? a + b;
    if (Array.isArray(a) && Array.isArray(b)) return consumeSteps(frame, a.length + b.length) ?? [...a, ...b];
    if (a instanceof Duration && b instanceof Timestamp) return timeAt(frame, a.ms + b.ms);
  }
  if (op === '+' || op === '-') {
    const sign = op === '+' ? 1 : -1;
    if (a instanceof Timestamp && b instanceof Duration) return timeAt(frame, a.ms + sign * b.ms);
    if (a instanceof Duration && b instanceof Duration) return lasting(frame, a.ms + sign * b.ms);
    if (op === '-' && a instanceof Timestamp && b instanceof Timestamp) return lasting(frame, a.ms - b.ms);
  }
  const kind = kindOf(b);
  if (typeof a !== 'number' && (kind === 'number' || op === '*' || op === '/' || op === '%')) {
    return typeFault(frame, left, a, ['number']);
  }
  if (typeof a === 'number') return typeFault(frame, right, b, ['number']);
  return fault(frame, `"${op}" does not go with ${describe(a)} (${left.label}) and ${describe(b)} (${right.label})`);
}

function timeAt(frame: Frame, ms: number): Outcome {
  return ms >= FIRST_TIME && ms <= LAST_TIME
    ? new Timestamp(ms)
    : fault(frame, 'a time is outside the years 1 to 9999');
}

function lasting(frame: Frame, ms: number): Outcome {
  return Math.abs(ms) <= MAX_DURATION ? new Duration(ms) : fault(frame, 'a duration is longer than 10,000 years');
}

/** What an operator makes of two kinds; nothing when it takes no such pair. */
function resultKind(op: Arithmetic, left: Kind | 'dyn', right: Kind | 'dyn'): Kind | 'dyn' | undefined {
  const pairs = op === '+' ? PLUS : op === '-' ? MINUS : TIMES;
  const fit = pairs.filter(([a, b]) => (left === 'dyn' || left === a) && (right === 'dyn' || right === b));
  const kinds = new Set(fit.map(([, , result]) => result));
  return kinds.size > 1 ? 'dyn' : [...kinds][0];
}

type Pair = readonly [Kind, Kind, Kind];
const TIMES: readonly Pair[] = [['number', 'number', 'number']];
const PLUS: readonly Pair[] = [
  ...TIMES,
  ['string', 'string', 'string'],
  ['list', 'list', 'list'],
  ['timestamp', 'duration', 'timestamp'],
  ['duration', 'timestamp', 'timestamp'],
  ['duration', 'duration', 'duration'],
];
const MINUS: readonly Pair[] = [
  ...TIMES,
  ['timestamp', 'timestamp', 'duration'],
  ['timestamp', 'duration', 'timestamp'],
  ['duration', 'duration', 'duration'],
];
