/* Operators with a boolean result, and the ternary operator. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { parseTimestamp } from '../../time/timestamp.ts';
import { didYouMean, joinNames } from '../hints.ts';
import { BOOL, DYN, type Type } from '../type.ts';
import {
  Duration,
  describeKinds,
  describeValue,
  type Fault,
  getKind,
  getOwnField,
  isFailure,
  isMap,
  type Kind,
  Timestamp,
  type Value,
} from '../value.ts';
import {
  type Code,
  type CompileContext,
  combineFailures,
  consumeSteps,
  describeKind,
  type Evaluate,
  expectBool,
  type Frame,
  getFailure,
  getSource,
  toBool,
  toFault,
  typeFault,
} from './code.ts';
import { areEqual, containsValue } from './equality.ts';

type Order = '<' | '<=' | '>' | '>=';

/** Compiles `&&` and `||` with CEL semantics: a decisive operand wins over a failing one, in either order. */
export function compileLogic(ctx: CompileContext, node: Extract<ASTNode, { op: '&&' | '||' }>): Code {
  const left = expectBool(ctx, ctx.compile(node.args[0]));
  const right = expectBool(ctx, ctx.compile(node.args[1]));
  const decisive = node.op === '||';
  const run: Evaluate = (frame) => {
    const first = toBool(frame, left, left.run(frame));
    if (first === decisive) return decisive;
    const second = toBool(frame, right, right.run(frame));
    if (second === decisive) return decisive;
    if (isFailure(first)) return isFailure(second) ? combineFailures(first, second) : first;
    return second;
  };
  return { run, type: BOOL, label: getSource(ctx, node), offset: node.start };
}

export function compileTernary(ctx: CompileContext, node: Extract<ASTNode, { op: '?:' }>): Code {
  const condition = expectBool(ctx, ctx.compile(node.args[0]));
  const yes = ctx.compile(node.args[1]);
  const no = ctx.compile(node.args[2]);
  const kinds = [yes.type.kind, no.type.kind];
  if (haveDifferentKinds(yes, no)) {
    ctx.problem(
      no.offset,
      `one branch gives ${describeKind(yes)}, the other ${describeKind(no)}: they must be of one kind`,
    );
  }
  const run: Evaluate = (frame) => {
    const chosen = toBool(frame, condition, condition.run(frame));
    if (isFailure(chosen)) return chosen;
    return chosen ? yes.run(frame) : no.run(frame);
  };
  const type: Type = kinds[0] === kinds[1] ? { kind: yes.type.kind } : DYN;
  return { run, type, label: getSource(ctx, node), offset: node.start };
}

export function compileNot(ctx: CompileContext, node: Extract<ASTNode, { op: '!_' }>): Code {
  const code = expectBool(ctx, ctx.compile(node.args));
  const run: Evaluate = (frame) => {
    const value = toBool(frame, code, code.run(frame));
    return isFailure(value) ? value : !value;
  };
  return { run, type: BOOL, label: getSource(ctx, node), offset: node.start };
}

/**
 * Compiles `==` and `!=`. As in CEL, values of different kinds are unequal; the compiler reports such comparisons if it can.
 */
export function compileEquality(ctx: CompileContext, node: Extract<ASTNode, { op: '==' | '!=' }>): Code {
  const left = ctx.compile(node.args[0]);
  const right = ctx.compile(node.args[1]);
  checkComparable(ctx, left, right, 'they are never equal');
  checkEnum(ctx, left, right);
  checkEnum(ctx, right, left);
  const wanted = node.op === '==';
  const hasTimes = compareAsTimes(ctx, left, right);
  const run: Evaluate = (frame) => {
    const a = left.run(frame);
    const b = right.run(frame);
    if (typeof a === 'number' || typeof a === 'boolean') {
      if (typeof b !== 'object') return (a === b) === wanted;
    }
    const failure = getFailure(a, b);
    if (failure) return failure;
    if (hasTimes && typeof a === 'string' && typeof b === 'string') {
      const [first, second] = [parseTimestamp(a), parseTimestamp(b)];
      if ('time' in first && 'time' in second) return (compareTimes(first, second) === 0) === wanted;
    }
    const same = areEqual(frame, a as Value, b as Value);
    return typeof same === 'boolean' ? same === wanted : same;
  };
  return { run, type: BOOL, label: getSource(ctx, node), offset: node.start };
}

export function compileOrder(ctx: CompileContext, node: Extract<ASTNode, { op: Order }>): Code {
  const { op } = node;
  const left = ctx.compile(node.args[0]);
  const right = ctx.compile(node.args[1]);
  const ordered: readonly (Kind | 'dyn')[] = ['dyn', 'number', 'string', 'bool', 'timestamp', 'duration'];
  const orderless = [left, right].find((side) => !ordered.includes(side.type.kind));
  if (orderless)
    ctx.problem(orderless.offset, `${orderless.label} is ${describeKind(orderless)}, "${op}" cannot compare it`);
  else checkComparable(ctx, left, right, `"${op}" cannot compare them`);
  const hasTimes = compareAsTimes(ctx, left, right);

  const run: Evaluate = (frame) => {
    const a = left.run(frame);
    const b = right.run(frame);
    if (typeof a === 'number' && typeof b === 'number') return compareInOrder(op, a, b);
    const failure = getFailure(a, b);
    if (hasTimes && typeof a === 'string' && typeof b === 'string') return orderTimes(frame, op, left, a, right, b);
    return failure ?? compareValues(frame, op, left, a as Value, right, b as Value);
  };
  return { run, type: BOOL, label: getSource(ctx, node), offset: node.start };
}

/** Compiles `in`: membership in a list by equality, in an object by key. */
export function compileIn(ctx: CompileContext, node: Extract<ASTNode, { op: 'in' }>): Code {
  const left = ctx.compile(node.args[0]);
  const right = ctx.compile(node.args[1]);
  const { kind, item } = right.type;
  if (kind === 'string') {
    const hint = `did you mean ${right.label}.contains(${left.label})?`;
    ctx.problem(right.offset, '"in" looks into lists and objects, not into text', hint);
  } else if (kind !== 'dyn' && kind !== 'list' && kind !== 'map') {
    ctx.problem(right.offset, `${right.label} is ${describeKinds([kind])}, "in" looks into lists and objects`);
  } else if (
    kind === 'list' &&
    item &&
    item.kind !== 'dyn' &&
    left.type.kind !== 'dyn' &&
    item.kind !== left.type.kind
  ) {
    ctx.problem(
      left.offset,
      `${left.label} is ${describeKind(left)}, and the list holds ${describeKinds([item.kind])}`,
    );
  }
  const run: Evaluate = (frame) => {
    const a = left.run(frame);
    const b = right.run(frame);
    const failure = getFailure(a, b);
    if (failure) return failure;
    if (Array.isArray(b)) return containsValue(frame, b, a as Value);
    if (!isMap(b)) return typeFault(frame, right, b as Value, ['list', 'map']);
    // Keys are text, so that a value of another kind is never one of them.
    return typeof a === 'string' && getOwnField(b, a) !== undefined;
  };
  return { run, type: BOOL, label: getSource(ctx, node), offset: node.start };
}

// ---------------------------------------------------------------------------------------------------------------------

/**
 * Whether texts are compared as points in time, because one of them is a `timestamp` of its schema: as text, equal instants
 * with different offsets would differ. Reports an operand that cannot be one.
 */
function compareAsTimes(ctx: CompileContext, left: Code, right: Code): boolean {
  const isTime = ({ type }: Code) => type.kind === 'string' && type.format === 'date-time';
  if (!isTime(left) && !isTime(right)) return false;
  const [time, other] = isTime(left) ? [left, right] : [right, left];
  if (other.type.kind !== 'string' && other.type.kind !== 'dyn') return false;
  const value = other.toConstant;
  const isOther = typeof value === 'string' ? 'problem' in parseTimestamp(value) : other.type.format === 'date';
  if (isOther) {
    const what = typeof value === 'string' ? 'is not' : 'is a date only';
    const hint = 'a date and time is written like "2025-10-31T19:00:00Z"';
    ctx.problem(other.offset, `${time.label} is a date and time, and ${other.label} ${what}`, hint);
  }
  return true;
}

type Instant = Extract<ReturnType<typeof parseTimestamp>, { time: unknown }>;

function compareTimes(a: Instant, b: Instant): number {
  return a.time - b.time || (a.rest < b.rest ? -1 : a.rest > b.rest ? 1 : 0);
}

function orderTimes(frame: Frame, op: Order, left: Code, a: string, right: Code, b: string): boolean | Fault {
  const stopped = consumeSteps(frame, 10);
  if (stopped) return stopped;
  const [first, second] = [parseTimestamp(a), parseTimestamp(b)];
  if ('problem' in first || 'problem' in second) {
    const [code, value] = 'problem' in first ? [left, a] : [right, b];
    return toFault(frame, `${code.label} is ${describeValue(value)}, but must be a date and time`);
  }
  return compareInOrder(op, compareTimes(first, second), 0);
}

function compareInOrder<T extends number | string | boolean>(op: Order, a: T, b: T): boolean {
  switch (op) {
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
  }
}

function compareValues(frame: Frame, op: Order, left: Code, a: Value, right: Code, b: Value): boolean | Fault {
  if (typeof a === 'string' && typeof b === 'string') {
    return consumeSteps(frame, Math.min(a.length, b.length) >> 2) ?? compareInOrder(op, compareCodePoints(a, b), 0);
  }
  if (typeof a === 'boolean' && typeof b === 'boolean') return compareInOrder(op, a, b);
  if (a instanceof Timestamp && b instanceof Timestamp) return compareInOrder(op, a.ms, b.ms);
  if (a instanceof Duration && b instanceof Duration) return compareInOrder(op, a.ms, b.ms);

  // An operand with a statically known kind is taken as correct; the failure is about the other one.
  const leftKind = left.type.kind;
  const rightKind = right.type.kind;
  if (rightKind !== 'dyn' && getKind(b) === rightKind) return typeFault(frame, left, a, [rightKind]);
  if (leftKind !== 'dyn' && getKind(a) === leftKind) return typeFault(frame, right, b, [leftKind]);
  return toFault(
    frame,
    `${left.label} is ${describeValue(a)} and ${right.label} is ${describeValue(b)}: "${op}" cannot compare them`,
  );
}

/**
 * Compares two texts by code point; returns a negative number, 0 or a positive number. JavaScript compares UTF-16 units,
 * which sorts U+10000 and above (surrogate pairs) before U+E000 to U+FFFF.
 */
function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let at = 0;
  while (at < length && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  if (at === length) return a.length - b.length;
  return getSortRank(a.charCodeAt(at)) - getSortRank(b.charCodeAt(at));
}

/** Returns the sort rank of a UTF-16 unit; surrogates sort last. */
function getSortRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

function haveDifferentKinds(left: Code, right: Code): boolean {
  return left.type.kind !== 'dyn' && right.type.kind !== 'dyn' && left.type.kind !== right.type.kind;
}

function checkComparable(ctx: CompileContext, left: Code, right: Code, verdict: string): void {
  if (!haveDifferentKinds(left, right)) return;
  const message = `${left.label} is ${describeKind(left)} and ${right.label} is ${describeKind(right)}: ${verdict}`;
  ctx.problem(left.offset, message, hintForLiteral(left, right) ?? hintForLiteral(right, left));
}

/**
 * Returns a hint for a literal of the wrong kind: `"3"` for 3, `3` for "3", `"true"` for true, null for a missing field, or
 * text where a time is needed.
 */
function hintForLiteral(literal: Code, other: Code): string | undefined {
  const value = literal.toConstant;
  const { kind } = other.type;
  if (value === null && other.path && other.path.length > 1) return `has(${other.label}) tells whether it is there`;
  if (kind === 'string' && (typeof value === 'number' || typeof value === 'boolean')) return `did you mean "${value}"?`;
  if (literal.type.kind === 'string' && (kind === 'timestamp' || kind === 'duration')) {
    return `did you mean ${kind}(${literal.label})?`;
  }
  if (typeof value !== 'string') return undefined;
  if (kind === 'number' && /^-?\d+(\.\d+)?$/.test(value)) return `did you mean ${value}?`;
  if (kind === 'bool' && /^(true|false)$/.test(value)) return `did you mean ${value}?`;
  return undefined;
}

/** Reports a text that is not in the `enum` of the schema. */
function checkEnum(ctx: CompileContext, field: Code, literal: Code): void {
  const { values } = field.type;
  const value = literal.toConstant;
  // Without a type, the schema may have been another when a trait was stored: the lint warns instead.
  if (field.type.kind === 'dyn' || values === undefined || typeof value !== 'string' || values.includes(value)) return;
  const known = values.filter((each) => typeof each === 'string');
  if (known.length === 0) return;
  ctx.problem(
    literal.offset,
    `${field.label} is never "${value}": it is one of ${joinNames(known)}`,
    didYouMean(value, known),
  );
}
