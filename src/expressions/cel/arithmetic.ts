/* Arithmetic on JSON numbers: integers and fractions mix freely, and `/` does not round. */

import type { ASTNode } from '@marcbachmann/cel-js';
import { FIRST_TIME, LAST_TIME } from '../../time/iso-time.ts';
import { MAX_DURATION_MS } from '../time.ts';
import { DYN, NUMBER } from '../type.ts';
import {
  Duration,
  describeKinds,
  describeValue,
  type EvaluationOutcome,
  getKind,
  isFailure,
  type Kind,
  Timestamp,
  type Value,
} from '../value.ts';
import {
  type Code,
  type CompileContext,
  constant,
  consumeSteps,
  describeKind,
  type Evaluate,
  type Frame,
  getFailure,
  getSource,
  toFault,
  typeFault,
} from './code.ts';

type Arithmetic = '+' | '-' | '*' | '/' | '%';

export function compileMinus(ctx: CompileContext, node: Extract<ASTNode, { op: '-_' }>): Code {
  const code = ctx.compile(node.args);
  if (typeof code.toConstant === 'number') return constant(-code.toConstant, NUMBER, getSource(ctx, node), node.start);
  const { kind } = code.type;
  if (kind !== 'dyn' && kind !== 'number' && kind !== 'duration') {
    ctx.problem(code.offset, `${code.label} is ${describeKinds([kind])}, but must be a number`);
  }
  const run: Evaluate = (frame) => {
    const value = code.run(frame);
    if (isFailure(value)) return value;
    if (typeof value === 'number') return -value;
    return value instanceof Duration ? new Duration(-value.ms) : typeFault(frame, code, value, ['number']);
  };
  const type = kind === 'number' || kind === 'duration' ? code.type : DYN;
  return { run, type, label: getSource(ctx, node), offset: node.start };
}

export function compileArithmetic(ctx: CompileContext, node: Extract<ASTNode, { op: Arithmetic }>): Code {
  const { op } = node;
  const left = ctx.compile(node.args[0]);
  const right = ctx.compile(node.args[1]);
  const kind = getResultKind(op, left.type.kind, right.type.kind);
  if (kind === undefined) {
    ctx.problem(
      left.offset,
      `"${op}" does not go with ${describeKind(left)} (${left.label}) and ${describeKind(right)} (${right.label})`,
      hintForTime(op, left, right) ?? hintForTime(op, right, left),
    );
  }
  const run: Evaluate = (frame) => {
    const a = left.run(frame);
    const b = right.run(frame);
    if (typeof a === 'number' && typeof b === 'number') return calculate(frame, op, a, b, right);
    const failure = getFailure(a, b);
    return failure ?? combineValues(frame, op, left, a as Value, right, b as Value);
  };
  return { run, type: { kind: kind ?? 'dyn' }, label: getSource(ctx, node), offset: node.start };
}

/** Returns a hint if text is used as a time, since JSON holds times as text. */
function hintForTime(op: Arithmetic, text: Code, other: Code): string | undefined {
  const { kind } = other.type;
  if (text.type.kind !== 'string' || (kind !== 'timestamp' && kind !== 'duration')) return undefined;
  const meant = op === '+' && kind === 'timestamp' ? 'duration' : 'timestamp';
  return `did you mean ${meant}(${text.label})?`;
}

/** Calculates with two numbers. Fails instead of returning NaN or infinity, which JSON does not have. */
function calculate(frame: Frame, op: Arithmetic, a: number, b: number, right: Code): EvaluationOutcome {
  if (b === 0 && (op === '/' || op === '%')) return toFault(frame, `${right.label} is 0: division by zero`);
  const result = op === '+' ? a + b : op === '-' ? a - b : op === '*' ? a * b : op === '/' ? a / b : a % b;
  return Number.isFinite(result) ? result : toFault(frame, 'a number became too large');
}

function combineValues(frame: Frame, op: Arithmetic, left: Code, a: Value, right: Code, b: Value): EvaluationOutcome {
  if (op === '+') {
    if (typeof a === 'string' && typeof b === 'string') return consumeSteps(frame, (a.length + b.length) >> 6) ?? a + b;
    if (Array.isArray(a) && Array.isArray(b)) return consumeSteps(frame, a.length + b.length) ?? [...a, ...b];
    if (a instanceof Duration && b instanceof Timestamp) return toTimestamp(frame, a.ms + b.ms);
  }
  if (op === '+' || op === '-') {
    const sign = op === '+' ? 1 : -1;
    if (a instanceof Timestamp && b instanceof Duration) return toTimestamp(frame, a.ms + sign * b.ms);
    if (a instanceof Duration && b instanceof Duration) return toDuration(frame, a.ms + sign * b.ms);
    if (op === '-' && a instanceof Timestamp && b instanceof Timestamp) return toDuration(frame, a.ms - b.ms);
  }
  const kind = getKind(b);
  if (typeof a !== 'number' && (kind === 'number' || op === '*' || op === '/' || op === '%')) {
    return typeFault(frame, left, a, ['number']);
  }
  if (typeof a === 'number') return typeFault(frame, right, b, ['number']);
  return toFault(
    frame,
    `"${op}" does not go with ${describeValue(a)} (${left.label}) and ${describeValue(b)} (${right.label})`,
  );
}

function toTimestamp(frame: Frame, ms: number): EvaluationOutcome {
  return ms >= FIRST_TIME && ms <= LAST_TIME
    ? new Timestamp(ms)
    : toFault(frame, 'a time is outside the years 1 to 9999');
}

function toDuration(frame: Frame, ms: number): EvaluationOutcome {
  return Math.abs(ms) <= MAX_DURATION_MS ? new Duration(ms) : toFault(frame, 'a duration is longer than 10,000 years');
}

/** Returns the kind of the result of an operator, or undefined if it does not accept the two kinds. */
function getResultKind(op: Arithmetic, left: Kind | 'dyn', right: Kind | 'dyn'): Kind | 'dyn' | undefined {
  const pairs = op === '+' ? PLUS_PAIRS : op === '-' ? MINUS_PAIRS : TIMES_PAIRS;
  const fit = pairs.filter(([a, b]) => (left === 'dyn' || left === a) && (right === 'dyn' || right === b));
  const kinds = new Set(fit.map(([, , result]) => result));
  return kinds.size > 1 ? 'dyn' : [...kinds][0];
}

type Pair = readonly [Kind, Kind, Kind];
const TIMES_PAIRS: readonly Pair[] = [['number', 'number', 'number']];
const PLUS_PAIRS: readonly Pair[] = [
  ...TIMES_PAIRS,
  ['string', 'string', 'string'],
  ['list', 'list', 'list'],
  ['timestamp', 'duration', 'timestamp'],
  ['duration', 'timestamp', 'timestamp'],
  ['duration', 'duration', 'duration'],
];
const MINUS_PAIRS: readonly Pair[] = [
  ...TIMES_PAIRS,
  ['timestamp', 'timestamp', 'duration'],
  ['timestamp', 'duration', 'timestamp'],
  ['duration', 'duration', 'duration'],
];
