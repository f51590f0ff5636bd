/** `list.all(x, …)`, `exists`, `exists_one`, `filter`, `map`: over the items of a list or the keys of an object. */
import type { ASTNode } from '@marcbachmann/cel-js';
import {
  broken,
  type Code,
  type Compiling,
  consumeSteps,
  expectBool,
  type Frame,
  fault,
  keysOf,
  ROOTS,
  type Run,
  sourceOf,
  toBool,
  typeFault,
} from './code.ts';
import { BOOL, DYN, STRING, type Type } from './type.ts';
import { type Failure, Fault, inWords, isFailure, isMap, type Outcome, type Value } from './value.ts';

const MAX_ITEMS = 1000;

/** By name, the possible numbers of arguments after the variable. */
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

export function compileMacro(c: Compiling, node: Extract<ASTNode, { op: 'rcall' }>): Code {
  const [name, receiver, [variable, ...bodies]] = node.args;
  const over = c.compile(receiver);
  const { kind, item } = over.type;
  if (kind !== 'dyn' && kind !== 'list' && kind !== 'map') {
    c.problem(over.offset, `${over.label} is ${inWords([kind])}, ${name} goes over lists and objects`);
  }
  if (variable?.op !== 'id' || !MACROS[name]!.includes(bodies.length)) {
    c.problem(node.start, `${name} takes a name and a condition`, `as in ${over.label}.${name}(x, x > 1)`);
    return broken(node);
  }
  if (isTaken(c, variable.args)) c.problem(variable.start, `the name "${variable.args}" is taken`);
  const at = c.locals.length;
  if (at >= 2) {
    c.problem(node.start, `${name} is nested more than two deep`);
    return broken(node);
  }

  const itemType = kind === 'map' ? STRING : (item ?? DYN);
  const label = over.path || c.locals.length > 0 ? `${over.label}[]` : variable.args;
  const before = c.nodes;
  c.locals.push({ name: variable.args, type: itemType, label });
  const codes = bodies.map((body) => c.compile(body));
  c.locals.pop();

  const cost = 2 + c.nodes - before;
  const loop: Loop = { over, at, cost };
  const shape = { label: sourceOf(c, node), offset: node.start };
  const first = codes[0]!;
  if (name === 'map') {
    const second = codes[1];
    const run = second ? mapping(loop, second, expectBool(c, first)) : mapping(loop, first);
    return { ...shape, type: { kind: 'list', item: { kind: (second ?? first).type.kind } }, run };
  }
  expectBool(c, first);
  if (name === 'filter') return { ...shape, type: listOf(itemType), run: filtering(loop, first) };
  if (name === 'exists_one') return { ...shape, type: BOOL, run: counting(loop, first) };
  return { ...shape, type: BOOL, run: quantifying(loop, first, name === 'exists') };
}

interface Loop {
  readonly over: Code;
  /** Which of the frame's items it sets. */
  readonly at: number;
  /** Steps for each round. */
  readonly cost: number;
}

/** One item after the other. `visit` ends the loop by giving anything but undefined. */
function each(loop: Loop, frame: Frame, visit: (item: Value) => Outcome | undefined): Outcome | undefined {
  const items = itemsOf(loop, frame);
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

function itemsOf({ over }: Loop, frame: Frame): readonly Value[] | Failure {
  const value = over.run(frame);
  if (isFailure(value)) return value;
  if (!Array.isArray(value) && !isMap(value)) return typeFault(frame, over, value, ['list', 'map']);
  const items: readonly Value[] | Fault = isMap(value) ? keysOf(frame, value) : value;
  if (items instanceof Fault) return items;
  if (items.length <= MAX_ITEMS) return items;
  return fault(frame, `${over.label} has ${items.length} items, more than the ${MAX_ITEMS} that are looked at`);
}

/** `exists` and `all`: as `||` and `&&` over the items, so one that decides wins over those that fail. */
function quantifying(loop: Loop, predicate: Code, decisive: boolean): Run {
  return (frame) => {
    let failure: Failure | undefined;
    const ended = each(loop, frame, () => {
      const result = toBool(frame, predicate, predicate.run(frame));
      if (isFailure(result)) failure ??= result;
      return result === decisive ? decisive : undefined;
    });
    return ended ?? failure ?? !decisive;
  };
}

function counting(loop: Loop, predicate: Code): Run {
  return (frame) => {
    let found = 0;
    const ended = each(loop, frame, () => {
      const result = toBool(frame, predicate, predicate.run(frame));
      if (result === true) found++;
      return isFailure(result) ? result : undefined;
    });
    return ended ?? found === 1;
  };
}

function filtering(loop: Loop, predicate: Code): Run {
  return (frame) => {
    const kept: Value[] = [];
    const ended = each(loop, frame, (item) => {
      const result = toBool(frame, predicate, predicate.run(frame));
      if (result === true) kept.push(item);
      return isFailure(result) ? result : undefined;
    });
    return ended ?? kept;
  };
}

function mapping(loop: Loop, transform: Code, predicate?: Code): Run {
  return (frame) => {
    const made: Value[] = [];
    const ended = each(loop, frame, () => {
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

function isTaken(c: Compiling, name: string): boolean {
  return (ROOTS as readonly string[]).includes(name) || c.locals.some((local) => local.name === name);
}

function listOf(item: Type): Type {
  return { kind: 'list', item };
}
