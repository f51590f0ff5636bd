/** The operators that answer true or false, and the choice between two. */
import type { ASTNode } from '@marcbachmann/cel-js';
import {
  type Code,
  type Compiling,
  combineFailures,
  consumeSteps,
  expectBool,
  type Frame,
  failureOf,
  fault,
  type Run,
  sourceOf,
  toBool,
  typeFault,
  wordFor,
} from './code.ts';
import { equal, includes } from './equality.ts';
import { didYouMean, some } from './hints.ts';
import { BOOL, DYN, type Type } from './type.ts';
import {
  Duration,
  describe,
  type Fault,
  inWords,
  isFailure,
  isMap,
  type Kind,
  kindOf,
  ownField,
  Timestamp,
  type Value,
} from './value.ts';

type Order = '<' | '<=' | '>' | '>=';

/** `&&` and `||` as CEL has them: a side that decides wins over a side that fails, in either order. */
export function compileLogic(c: Compiling, node: Extract<ASTNode, { op: '&&' | '||' }>): Code {
  const left = expectBool(c, c.compile(node.args[0]));
  const right = expectBool(c, c.compile(node.args[1]));
  const decisive = node.op === '||';
  const run: Run = (frame) => {
    const first = toBool(frame, left, left.run(frame));
    if (first === decisive) return decisive;
    const second = toBool(frame, right, right.run(frame));
    if (second === decisive) return decisive;
    if (isFailure(first)) return isFailure(second) ? combineFailures(first, second) : first;
    return second;
  };
  return { run, type: BOOL, label: sourceOf(c, node), offset: node.start };
}

export function compileTernary(c: Compiling, node: Extract<ASTNode, { op: '?:' }>): Code {
  const condition = expectBool(c, c.compile(node.args[0]));
  const yes = c.compile(node.args[1]);
  const no = c.compile(node.args[2]);
  const kinds = [yes.type.kind, no.type.kind];
  if (differ(yes, no)) {
    c.problem(no.offset, `one branch gives ${wordFor(yes)}, the other ${wordFor(no)}: they must be of one kind`);
  }
  const run: Run = (frame) => {
    const chosen = toBool(frame, condition, condition.run(frame));
    if (isFailure(chosen)) return chosen;
    return chosen ? yes.run(frame) : no.run(frame);
  };
  const type: Type = kinds[0] === kinds[1] ? { kind: yes.type.kind } : DYN;
  return { run, type, label: sourceOf(c, node), offset: node.start };
}

export function compileNot(c: Compiling, node: Extract<ASTNode, { op: '!_' }>): Code {
  const code = expectBool(c, c.compile(node.args));
  const run: Run = (frame) => {
    const value = toBool(frame, code, code.run(frame));
    return isFailure(value) ? value : !value;
  };
  return { run, type: BOOL, label: sourceOf(c, node), offset: node.start };
}

/** Values of different kinds are not equal, and that is no error: so says CEL. The compiler refuses it where it can. */
export function compileEquality(c: Compiling, node: Extract<ASTNode, { op: '==' | '!=' }>): Code {
  const left = c.compile(node.args[0]);
  const right = c.compile(node.args[1]);
  checkComparable(c, left, right, 'they are never equal');
  checkListed(c, left, right);
  checkListed(c, right, left);
  const wanted = node.op === '==';
  const run: Run = (frame) => {
    const a = left.run(frame);
    const b = right.run(frame);
    if (typeof a === 'number' || typeof a === 'boolean') {
      if (typeof b !== 'object') return (a === b) === wanted;
    }
    const failure = failureOf(a, b);
    if (failure) return failure;
    const same = equal(frame, a as Value, b as Value);
    return typeof same === 'boolean' ? same === wanted : same;
  };
  return { run, type: BOOL, label: sourceOf(c, node), offset: node.start };
}

export function compileOrder(c: Compiling, node: Extract<ASTNode, { op: Order }>): Code {
  const { op } = node;
  const left = c.compile(node.args[0]);
  const right = c.compile(node.args[1]);
  const ordered: readonly (Kind | 'dyn')[] = ['dyn', 'number', 'string', 'bool', 'timestamp', 'duration'];
  const orderless = [left, right].find((side) => !ordered.includes(side.type.kind));
  if (orderless) c.problem(orderless.offset, `${orderless.label} is ${wordFor(orderless)}, "${op}" cannot compare it`);
  else checkComparable(c, left, right, `"${op}" cannot compare them`);

  const run: Run = (frame) => {
    const a = left.run(frame);
    const b = right.run(frame);
    if (typeof a === 'number' && typeof b === 'number') return inOrder(op, a, b);
    const failure = failureOf(a, b);
    return failure ?? order(frame, op, left, a as Value, right, b as Value);
  };
  return { run, type: BOOL, label: sourceOf(c, node), offset: node.start };
}

/** In a list by equality, in an object by key. */
export function compileIn(c: Compiling, node: Extract<ASTNode, { op: 'in' }>): Code {
  const left = c.compile(node.args[0]);
  const right = c.compile(node.args[1]);
  const { kind, item } = right.type;
  if (kind === 'string') {
    const hint = `did you mean ${right.label}.contains(${left.label})?`;
    c.problem(right.offset, '"in" looks into lists and objects, not into text', hint);
  } else if (kind !== 'dyn' && kind !== 'list' && kind !== 'map') {
    c.problem(right.offset, `${right.label} is ${inWords([kind])}, "in" looks into lists and objects`);
  } else if (
    kind === 'list' &&
    item &&
    item.kind !== 'dyn' &&
    left.type.kind !== 'dyn' &&
    item.kind !== left.type.kind
  ) {
    c.problem(left.offset, `${left.label} is ${wordFor(left)}, and the list holds ${inWords([item.kind])}`);
  }
  const run: Run = (frame) => {
    const a = left.run(frame);
    const b = right.run(frame);
    const failure = failureOf(a, b);
    if (failure) return failure;
    if (Array.isArray(b)) return includes(frame, b, a as Value);
    if (!isMap(b)) return typeFault(frame, right, b as Value, ['list', 'map']);
    return typeof a === 'string' ? ownField(b, a) !== undefined : typeFault(frame, left, a as Value, ['string']);
  };
  return { run, type: BOOL, label: sourceOf(c, node), offset: node.start };
}

// ---------------------------------------------------------------------------------------------------------------------

function inOrder<T extends number | string | boolean>(op: Order, a: T, b: T): boolean {
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

function order(frame: Frame, op: Order, left: Code, a: Value, right: Code, b: Value): boolean | Fault {
  if (typeof a === 'string' && typeof b === 'string') {
    return consumeSteps(frame, Math.min(a.length, b.length) >> 2) ?? inOrder(op, compareCodePoints(a, b), 0);
  }
  if (typeof a === 'boolean' && typeof b === 'boolean') return inOrder(op, a, b);
  if (a instanceof Timestamp && b instanceof Timestamp) return inOrder(op, a.ms, b.ms);
  if (a instanceof Duration && b instanceof Duration) return inOrder(op, a.ms, b.ms);

  // Whose kind is known beforehand is right; the other is told what it should have been.
  const leftKind = left.type.kind;
  const rightKind = right.type.kind;
  if (rightKind !== 'dyn' && kindOf(b) === rightKind) return typeFault(frame, left, a, [rightKind]);
  if (leftKind !== 'dyn' && kindOf(a) === leftKind) return typeFault(frame, right, b, [leftKind]);
  return fault(
    frame,
    `${left.label} is ${describe(a)} and ${right.label} is ${describe(b)}: "${op}" cannot compare them`,
  );
}

/**
 * Below 0, 0 or above 0. JavaScript compares UTF-16 units, of which the halves of a pair (U+10000 and up) come before U+E000
 * to U+FFFF.
 */
function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let at = 0;
  while (at < length && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  if (at === length) return a.length - b.length;
  return rank(a.charCodeAt(at)) - rank(b.charCodeAt(at));
}

/** Of a UTF-16 unit, so that halves of a pair come last. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

function differ(left: Code, right: Code): boolean {
  return left.type.kind !== 'dyn' && right.type.kind !== 'dyn' && left.type.kind !== right.type.kind;
}

function checkComparable(c: Compiling, left: Code, right: Code, verdict: string): void {
  if (!differ(left, right)) return;
  const message = `${left.label} is ${wordFor(left)} and ${right.label} is ${wordFor(right)}: ${verdict}`;
  c.problem(left.offset, message, retyped(left, right) ?? retyped(right, left));
}

/**
 * A literal written as the wrong kind: `"3"` for 3, `3` for "3", `"true"` for true, and null for "not there"; and text,
 * literal or not, where a time is meant.
 */
function retyped(literal: Code, other: Code): string | undefined {
  const value = literal.constant;
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

/** A text that the schema's `enum` does not have. */
function checkListed(c: Compiling, field: Code, literal: Code): void {
  const { values } = field.type;
  const value = literal.constant;
  if (values === undefined || typeof value !== 'string' || values.includes(value)) return;
  const known = values.filter((each) => typeof each === 'string');
  if (known.length === 0) return;
  c.problem(
    literal.offset,
    `${field.label} is never "${value}": it is one of ${some(known)}`,
    didYouMean(value, known),
  );
}
