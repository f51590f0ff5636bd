/* Macros over the items of a list or the keys of an object: `all`, `exists`, `exists_one`, `filter`, `map`. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { BOOL, DYN, STRING, type Type } from '../type.ts';
import { describeKinds, type EvaluationOutcome, type Failure, Fault, isFailure, isMap, type Value } from '../value.ts';
import {
  type Code,
  type CompileContext,
  consumeSteps,
  type Evaluate,
  expectBool,
  type Frame,
  getSource,
  listKeys,
  ROOTS,
  toBool,
  toFault,
  toPlaceholder,
  typeFault,
} from './code.ts';

const MAX_MACRO_ITEMS = 1000;

/** Allowed numbers of arguments after the variable, by macro. */
const MACROS: { readonly [name: string]: readonly number[] } = {
  all: [1],
  exists: [1],
  exists_one: [1],
  filter: [1],
  map: [1, 2],
};
export const MACRO_NAMES = Object.keys(MACROS);

export function isMacro(name: string): boolean {
  return Object.hasOwn(MACROS, name);
}

export function compileMacro(ctx: CompileContext, node: Extract<ASTNode, { op: 'rcall' }>): Code {
  const [name, receiver, [variable, ...bodies]] = node.args;
  const over = ctx.compile(receiver);
  const { kind, item } = over.type;
  if (kind !== 'dyn' && kind !== 'list' && kind !== 'map') {
    ctx.problem(over.offset, `${over.label} is ${describeKinds([kind])}, ${name} goes over lists and objects`);
  }
  if (variable?.op !== 'id' || !MACROS[name]!.includes(bodies.length)) {
    ctx.problem(node.start, `${name} takes a name and a condition`, `as in ${over.label}.${name}(x, x > 1)`);
    return toPlaceholder(node);
  }
  if (isNameTaken(ctx, variable.args)) ctx.problem(variable.start, `the name "${variable.args}" is taken`);
  const at = ctx.locals.length;
  if (at >= 2) {
    ctx.problem(node.start, `${name} is nested more than two deep`);
    return toPlaceholder(node);
  }

  const itemType = kind === 'map' ? STRING : (item ?? DYN);
  const label = over.path || ctx.locals.length > 0 ? `${over.label}[]` : variable.args;
  const before = ctx.nodes;
  ctx.locals.push({ name: variable.args, type: itemType, label });
  const codes = bodies.map((body) => ctx.compile(body));
  ctx.locals.pop();

  const cost = 2 + ctx.nodes - before;
  const loop: Loop = { over, at, cost };
  const shape = { label: getSource(ctx, node), offset: node.start };
  const first = codes[0]!;
  if (name === 'map') {
    const second = codes[1];
    const run = second ? compileMap(loop, second, expectBool(ctx, first)) : compileMap(loop, first);
    return { ...shape, type: { kind: 'list', item: { kind: (second ?? first).type.kind } }, run };
  }
  expectBool(ctx, first);
  if (name === 'filter') return { ...shape, type: toListType(itemType), run: compileFilter(loop, first) };
  if (name === 'exists_one') return { ...shape, type: BOOL, run: compileCount(loop, first) };
  return { ...shape, type: BOOL, run: compileQuantifier(loop, first, name === 'exists') };
}

interface Loop {
  readonly over: Code;
  /** Index of the frame item that the macro sets. */
  readonly at: number;
  /** Steps consumed per iteration. */
  readonly cost: number;
}

/** Iterates over the items until `visit` returns a value other than undefined, and returns that value. */
function forEachItem(
  loop: Loop,
  frame: Frame,
  visit: (item: Value) => EvaluationOutcome | undefined,
): EvaluationOutcome | undefined {
  const items = getItems(loop, frame);
  if (isFailure(items)) return items;
  for (const item of items) {
    const tooMuch = consumeSteps(frame, loop.cost);
    if (tooMuch) return tooMuch;
    frame.items[loop.at] = item;
    const ended = visit(item);
    if (ended !== undefined) return ended;
  }
  return undefined;
}

function getItems({ over }: Loop, frame: Frame): readonly Value[] | Failure {
  const value = over.run(frame);
  if (isFailure(value)) return value;
  if (!Array.isArray(value) && !isMap(value)) return typeFault(frame, over, value, ['list', 'map']);
  const items: readonly Value[] | Fault = isMap(value) ? listKeys(frame, value) : value;
  if (items instanceof Fault) return items;
  if (items.length <= MAX_MACRO_ITEMS) return items;
  return toFault(frame, `${over.label} has ${items.length} items, more than the ${MAX_MACRO_ITEMS} that are looked at`);
}

/** `exists` and `all`: like `||` and `&&` over the items, so that a decisive item wins over failures. */
function compileQuantifier(loop: Loop, predicate: Code, decisive: boolean): Evaluate {
  return (frame) => {
    let failure: Failure | undefined;
    const ended = forEachItem(loop, frame, () => {
      const result = toBool(frame, predicate, predicate.run(frame));
      if (isFailure(result)) failure ??= result;
      return result === decisive ? decisive : undefined;
    });
    return ended ?? failure ?? !decisive;
  };
}

function compileCount(loop: Loop, predicate: Code): Evaluate {
  return (frame) => {
    let found = 0;
    const ended = forEachItem(loop, frame, () => {
      const result = toBool(frame, predicate, predicate.run(frame));
      if (result === true) found++;
      return isFailure(result) ? result : undefined;
    });
    return ended ?? found === 1;
  };
}

function compileFilter(loop: Loop, predicate: Code): Evaluate {
  return (frame) => {
    const kept: Value[] = [];
    const ended = forEachItem(loop, frame, (item) => {
      const result = toBool(frame, predicate, predicate.run(frame));
      if (result === true) kept.push(item);
      return isFailure(result) ? result : undefined;
    });
    return ended ?? kept;
  };
}

function compileMap(loop: Loop, transform: Code, predicate?: Code): Evaluate {
  return (frame) => {
    const made: Value[] = [];
    const ended = forEachItem(loop, frame, () => {
      const wanted = predicate ? toBool(frame, predicate, predicate.run(frame)) : true;
      if (isFailure(wanted)) return wanted;
      if (!wanted) return undefined;
      const result = transform.run(frame);
      if (isFailure(result)) return result;
      made.push(result);
      return undefined;
    });
    return ended ?? made;
  };
}

function isNameTaken(ctx: CompileContext, name: string): boolean {
  return (ROOTS as readonly string[]).includes(name) || ctx.locals.some((local) => local.name === name);
}

function toListType(item: Type): Type {
  return { kind: 'list', item };
}
