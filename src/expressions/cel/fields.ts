/* Variables and field access: `event.amount`, `user["plan"]`, `event.items[0].price`, `has(traits.email_verified)`. */

import type { ASTNode } from '@marcbachmann/cel-js';
import { joinWords } from '../../lib/text/join-words.ts';
import { didYouMean, joinNames } from '../hints.ts';
import { BOOL, DYN, getFieldNames, getFieldType, type Type } from '../type.ts';
import { describeKinds, Fault, getOwnField, isFailure, isMap, Missing, Timestamp } from '../value.ts';
import {
  type Code,
  type CompileContext,
  combineFailures,
  type Evaluate,
  type Frame,
  type Path,
  ROOTS,
  type Root,
  toFault,
  toPlaceholder,
  typeFault,
} from './code.ts';

type Access = Extract<ASTNode, { op: '.' | '[]' }>;

export function compileVariable(ctx: CompileContext, node: Extract<ASTNode, { op: 'id' }>): Code {
  const name = node.args;
  const depth = ctx.locals.findIndex((local) => local.name === name);
  const local = ctx.locals[depth];
  const offset = node.start;
  if (local) {
    const run: Evaluate = depth === 0 ? (frame) => frame.items[0] : (frame) => frame.items[1];
    return { run, type: local.type, label: local.label, offset };
  }
  if (isRoot(name)) {
    const type = ctx.variables[name];
    if (!('absent' in type)) return { run: READ_VARIABLE[name], type, label: name, offset, path: [name] };
    ctx.problem(offset, type.absent, type.hint);
    return toPlaceholder(node);
  }
  reportUnknownVariable(ctx, name, offset);
  return toPlaceholder(node);
}

const MISSING_NOW = new Missing(['now']);

/** One function per variable, because reading a property by a variable name is slower. */
const READ_VARIABLE: { readonly [name in Root]: Evaluate } = {
  event: (frame) => frame.event,
  traits: (frame) => frame.traits,
  user: (frame) => frame.user,
  context: (frame) => frame.context,
  matched: (frame) => frame.matched,
  message: (frame) => frame.message,
  now: ({ now }: Frame) => (now === undefined ? MISSING_NOW : new Timestamp(now)),
};

function reportUnknownVariable(ctx: CompileContext, name: string, offset: number): void {
  const seen = ROOTS.filter((root) => !('absent' in ctx.variables[root]));
  const home = seen.find((root) => getFieldNames(ctx.variables[root] as Type).includes(name));
  ctx.problem(
    offset,
    `there is no variable "${name}": ${ctx.noun === 'condition' ? 'a condition' : 'an expression'} sees ${joinWords(seen)}`,
    home
      ? `did you mean ${home}.${name}?`
      : (didYouMean(name, [...seen, ...ctx.locals.map((each) => each.name)]) ?? `text is written in quotes: "${name}"`),
  );
}

/** Compiles access to a field or an item. Prefixes (`event` in `event.amount`) do not count as named fields. */
export function compileAccess(ctx: CompileContext, node: Access): Code {
  const left = isLiteral(node) ? compileStep(ctx, node.args[0]) : ctx.compile(node.args[0]);
  if (node.op === '.') return compileField(ctx, node, left, node.args[1], node.pos);
  const index = node.args[1];
  if (index.op === 'value' && typeof index.args === 'string')
    return compileField(ctx, node, left, index.args, index.start);
  return compileItem(ctx, node, left);
}

function compileStep(ctx: CompileContext, node: ASTNode): Code {
  if (node.op === 'id') return compileVariable(ctx, node);
  return isAccess(node) ? compileAccess(ctx, node) : ctx.compile(node);
}

function isLiteral(node: Access): boolean {
  return node.op === '.' || node.args[1].op === 'value';
}

function isAccess(node: ASTNode): node is Access {
  return node.op === '.' || node.op === '[]';
}

/** Compiles `has(…)`: true if the field exists (null exists), false if it or any prefix of its path is missing. */
export function compileHas(ctx: CompileContext, node: Extract<ASTNode, { op: 'call' }>): Code {
  const [argument] = node.args[1];
  if (argument === undefined || node.args[1].length !== 1 || !isPlain(argument)) {
    ctx.problem(node.start, 'has() takes the name of one field', 'as in has(event.amount)');
    return { ...toPlaceholder(node), type: BOOL };
  }
  const code = ctx.compile(argument);
  const run: Evaluate = (frame) => {
    // A plain path fails only if a part is missing or is not an object; in both cases the field does not exist.
    return !isFailure(code.run(frame));
  };
  return { run, type: BOOL, label: `has(${code.label})`, offset: node.start };
}

function isPlain(node: ASTNode): boolean {
  if (!isAccess(node)) return false;
  return isLiteral(node) && (node.args[0].op === 'id' || isPlain(node.args[0]));
}

export function formatPath(path: Path): string {
  return path.map((step, at) => (at === 0 ? step : formatStep(step))).join('');
}

function formatStep(step: string | number): string {
  if (typeof step === 'number') return `[${step}]`;
  return /^[A-Za-z_]\w*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
}

function compileField(ctx: CompileContext, node: Access, left: Code, key: string, keyOffset: number): Code {
  const label = left.label + formatStep(key);
  const absent = new Missing([label]);
  const run: Evaluate = (frame) => {
    const map = left.run(frame);
    if (isMap(map)) {
      const value = getOwnField(map, key);
      return value === undefined ? absent : value;
    }
    // Null has no fields, so the field is missing.
    if (map === null || map instanceof Missing) return absent;
    return map instanceof Fault ? map : typeFault(frame, left, map, ['map']);
  };
  const path = left.path && { path: [...left.path, key] };
  return { run, type: getKeyType(ctx, left, key, keyOffset), label, offset: node.start, ...path };
}

function getKeyType(ctx: CompileContext, left: Code, key: string, offset: number): Type {
  const { kind } = left.type;
  if (kind === 'map') {
    const type = getFieldType(left.type, key);
    if (type) return type;
    const names = getFieldNames(left.type);
    ctx.problem(
      offset,
      `${left.label} has no field "${key}"${names.length > 0 ? `: it has ${joinNames(names)}` : ''}`,
      didYouMean(key, names),
    );
  } else if (kind === 'list') {
    ctx.problem(
      offset,
      `${left.label} is a list, it has items and no fields`,
      `as in ${left.label}.exists(x, x.${key} == 1)`,
    );
  } else if (kind !== 'dyn') {
    ctx.problem(offset, `${left.label} is ${describeKinds([kind])}, it has no fields`);
  }
  return DYN;
}

/** Compiles `list[index]`, or `map[key]` with a computed key. */
function compileItem(ctx: CompileContext, node: Extract<Access, { op: '[]' }>, left: Code): Code {
  const index = ctx.compile(node.args[1]);
  const at = typeof index.toConstant === 'number' ? index.toConstant : undefined;
  const label = left.label + (at === undefined ? `[${index.label}]` : formatStep(at));
  const offset = node.start;
  const { kind } = left.type;
  const key = index.type.kind;

  if (kind !== 'dyn' && kind !== 'list' && kind !== 'map') {
    ctx.problem(index.offset, `${left.label} is ${describeKinds([kind])}, it has no items`);
  } else if (key !== 'dyn' && key !== (kind === 'map' ? 'string' : 'number') && (kind !== 'dyn' || key !== 'string')) {
    ctx.problem(
      index.offset,
      `${index.label} is ${describeKinds([key])}, but must be ${kind === 'map' ? 'text' : 'a number'}`,
    );
  }

  if (at !== undefined && !(Number.isInteger(at) && at >= 0)) {
    ctx.problem(index.offset, `a list position is a whole number from 0, not ${at}`);
  }

  const absent = new Missing([label]);
  const run: Evaluate = (frame) => {
    const from = left.run(frame);
    const where = index.run(frame);
    if (isFailure(where)) return isFailure(from) ? combineFailures(from, where) : where;
    if (from === null || from instanceof Missing) return absent;
    if (from instanceof Fault) return from;
    if (Array.isArray(from)) {
      if (typeof where !== 'number') return typeFault(frame, index, where, ['number']);
      if (!Number.isInteger(where)) return toFault(frame, `${index.label} is ${where}, a list position is whole`);
      return where >= 0 && where < from.length ? from[where] : absent;
    }
    if (!isMap(from)) return typeFault(frame, left, from, ['list', 'map']);
    if (typeof where !== 'string') return typeFault(frame, index, where, ['string']);
    const value = getOwnField(from, where);
    return value === undefined ? absent : value;
  };
  const path = left.path && at !== undefined && isLiteral(node) && { path: [...left.path, at] };
  const type = kind === 'list' ? (left.type.item ?? DYN) : DYN;
  return { run, type, label, offset, ...(path ?? {}) };
}

function isRoot(name: string): name is Root {
  return (ROOTS as readonly string[]).includes(name);
}
