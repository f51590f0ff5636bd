/** Names and what is inside: `event.amount`, `user["plan"]`, `event.items[0].price`, `has(traits.email_verified)`. */
import type { ASTNode } from '@marcbachmann/cel-js';
import {
  broken,
  type Code,
  type Compiling,
  combineFailures,
  type Frame,
  fault,
  type Path,
  ROOTS,
  type Root,
  type Run,
  typeFault,
} from './code.ts';
import { didYouMean, some } from './hints.ts';
import { BOOL, DYN, fieldNames, type Type, typeOfField } from './type.ts';
import { Fault, inWords, isFailure, isMap, Missing, ownField, Timestamp } from './value.ts';

type Access = Extract<ASTNode, { op: '.' | '[]' }>;

export function compileVariable(c: Compiling, node: Extract<ASTNode, { op: 'id' }>): Code {
  const name = node.args;
  const depth = c.locals.findIndex((local) => local.name === name);
  const local = c.locals[depth];
  const offset = node.start;
  if (local) {
    const run: Run = depth === 0 ? (frame) => frame.items[0] : (frame) => frame.items[1];
    return { run, type: local.type, label: local.label, offset };
  }
  if (isRoot(name)) {
    const type = c.variables[name];
    if (!('absent' in type)) return { run: READ[name], type, label: name, offset, path: [name] };
    c.problem(offset, type.absent, type.hint);
    return broken(node);
  }
  unknownVariable(c, name, offset);
  return broken(node);
}

const NO_TIME = new Missing(['now']);

/** One function for each: reading a field by a name that varies is slower. */
const READ: { readonly [name in Root]: Run } = {
  event: (frame) => frame.event,
  traits: (frame) => frame.traits,
  user: (frame) => frame.user,
  matched: (frame) => frame.matched,
  now: ({ now }: Frame) => (now === undefined ? NO_TIME : new Timestamp(now)),
};

function unknownVariable(c: Compiling, name: string, offset: number): void {
  const seen = ROOTS.filter((root) => !('absent' in c.variables[root]));
  const home = seen.find((root) => fieldNames(c.variables[root] as Type).includes(name));
  const list = seen.length > 1 ? `${seen.slice(0, -1).join(', ')} and ${seen.at(-1)}` : seen.join('');
  c.problem(
    offset,
    `there is no variable "${name}": ${c.noun === 'condition' ? 'a condition' : 'an expression'} sees ${list}`,
    home
      ? `did you mean ${home}.${name}?`
      : (didYouMean(name, [...seen, ...c.locals.map((each) => each.name)]) ?? `text is written in quotes: "${name}"`),
  );
}

/** A field or an item. What a name goes through on its way (`event` of `event.amount`) is not named by itself. */
export function compileAccess(c: Compiling, node: Access): Code {
  const left = isLiteral(node) ? compileStep(c, node.args[0]) : c.compile(node.args[0]);
  if (node.op === '.') return field(c, node, left, node.args[1], node.pos);
  const index = node.args[1];
  if (index.op === 'value' && typeof index.args === 'string') return field(c, node, left, index.args, index.start);
  return item(c, node, left);
}

function compileStep(c: Compiling, node: ASTNode): Code {
  if (node.op === 'id') return compileVariable(c, node);
  return isAccess(node) ? compileAccess(c, node) : c.compile(node);
}

function isLiteral(node: Access): boolean {
  return node.op === '.' || node.args[1].op === 'value';
}

function isAccess(node: ASTNode): node is Access {
  return node.op === '.' || node.op === '[]';
}

/** True when the field is there (null is there), false when it or anything on the way to it is not. */
export function compileHas(c: Compiling, node: Extract<ASTNode, { op: 'call' }>): Code {
  const [argument] = node.args[1];
  if (argument === undefined || node.args[1].length !== 1 || !isPlain(argument)) {
    c.problem(node.start, 'has() takes the name of one field', 'as in has(event.amount)');
    return { ...broken(node), type: BOOL };
  }
  const code = c.compile(argument);
  const run: Run = (frame) => {
    // A plain name fails only where something is missing, or is no object: that has no such field either.
    return !isFailure(code.run(frame));
  };
  return { run, type: BOOL, label: `has(${code.label})`, offset: node.start };
}

function isPlain(node: ASTNode): boolean {
  if (!isAccess(node)) return false;
  return isLiteral(node) && (node.args[0].op === 'id' || isPlain(node.args[0]));
}

export function pathText(path: Path): string {
  return path.map((step, at) => (at === 0 ? step : stepText(step))).join('');
}

function stepText(step: string | number): string {
  if (typeof step === 'number') return `[${step}]`;
  return /^[A-Za-z_]\w*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
}

function field(c: Compiling, node: Access, left: Code, key: string, keyOffset: number): Code {
  const label = left.label + stepText(key);
  const absent = new Missing([label]);
  const run: Run = (frame) => {
    const map = left.run(frame);
    if (isMap(map)) {
      const value = ownField(map, key);
      return value === undefined ? absent : value;
    }
    // Nothing has no fields: what is asked for is not there.
    if (map === null || map instanceof Missing) return absent;
    return map instanceof Fault ? map : typeFault(frame, left, map, ['map']);
  };
  const path = left.path && { path: [...left.path, key] };
  return { run, type: typeOfKey(c, left, key, keyOffset), label, offset: node.start, ...path };
}

function typeOfKey(c: Compiling, left: Code, key: string, offset: number): Type {
  const { kind } = left.type;
  if (kind === 'map') {
    const type = typeOfField(left.type, key);
    if (type) return type;
    const names = fieldNames(left.type);
    c.problem(
      offset,
      `${left.label} has no field "${key}"${names.length > 0 ? `: it has ${some(names)}` : ''}`,
      didYouMean(key, names),
    );
  } else if (kind === 'list') {
    c.problem(
      offset,
      `${left.label} is a list, it has items and no fields`,
      `as in ${left.label}.exists(x, x.${key} == 1)`,
    );
  } else if (kind !== 'dyn') {
    c.problem(offset, `${left.label} is ${inWords([kind])}, it has no fields`);
  }
  return DYN;
}

/** `list[position]`, or `map[key]` with a key that is computed. */
function item(c: Compiling, node: Extract<Access, { op: '[]' }>, left: Code): Code {
  const index = c.compile(node.args[1]);
  const at = typeof index.constant === 'number' ? index.constant : undefined;
  const label = left.label + (at === undefined ? `[${index.label}]` : stepText(at));
  const offset = node.start;
  const { kind } = left.type;
  const key = index.type.kind;

  if (kind !== 'dyn' && kind !== 'list' && kind !== 'map') {
    c.problem(index.offset, `${left.label} is ${inWords([kind])}, it has no items`);
  } else if (key !== 'dyn' && key !== (kind === 'map' ? 'string' : 'number') && (kind !== 'dyn' || key !== 'string')) {
    c.problem(index.offset, `${index.label} is ${inWords([key])}, ${kind === 'map' ? 'text' : 'a number'} is needed`);
  }

  if (at !== undefined && !(Number.isInteger(at) && at >= 0)) {
    c.problem(index.offset, `a list position is a whole number from 0, not ${at}`);
  }

  const absent = new Missing([label]);
  const run: Run = (frame) => {
    const from = left.run(frame);
    const where = index.run(frame);
    if (isFailure(where)) return isFailure(from) ? combineFailures(from, where) : where;
    if (from === null || from instanceof Missing) return absent;
    if (from instanceof Fault) return from;
    if (Array.isArray(from)) {
      if (typeof where !== 'number') return typeFault(frame, index, where, ['number']);
      if (!Number.isInteger(where)) return fault(frame, `${index.label} is ${where}, a list position is whole`);
      return where >= 0 && where < from.length ? from[where] : absent;
    }
    if (!isMap(from)) return typeFault(frame, left, from, ['list', 'map']);
    if (typeof where !== 'string') return typeFault(frame, index, where, ['string']);
    const value = ownField(from, where);
    return value === undefined ? absent : value;
  };
  const path = left.path && at !== undefined && isLiteral(node) && { path: [...left.path, at] };
  const type = kind === 'list' ? (left.type.item ?? DYN) : DYN;
  return { run, type, label, offset, ...(path ?? {}) };
}

function isRoot(name: string): name is Root {
  return (ROOTS as readonly string[]).includes(name);
}
