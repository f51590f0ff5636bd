/** The functions an expression can call. What is not in this table does not exist. */

import type { ASTNode } from '@marcbachmann/cel-js';
import { FIRST_TIME, LAST_TIME } from '../time/iso-time.ts';
import {
  broken,
  type Code,
  type Compiling,
  constant,
  consumeSteps,
  type Frame,
  failureOf,
  fault,
  keysOf,
  newFrame,
  type Run,
  sourceOf,
  typeFault,
} from './code.ts';
import { compileHas } from './fields.ts';
import { didYouMean } from './hints.ts';
import { compileMacro, isMacro, MACRO_NAMES } from './macros.ts';
import { compileMatches } from './regex.ts';
import { parseCelTimestamp, parseDuration } from './time.ts';
import {
  Duration,
  Fault,
  inWords,
  isFailure,
  isMap,
  type Kind,
  kindOf,
  type Outcome,
  Timestamp,
  type Value,
} from './value.ts';

interface Definition {
  /** How it is written: `size(x)` or `x.size()`. */
  readonly form: 'call' | 'method' | 'both';
  /** What each operand may be, the receiver first: one or two. */
  readonly takes: readonly (readonly Kind[])[];
  readonly gives: Kind;
  /** Its operands are of the kinds in `takes`. */
  readonly run: (frame: Frame, a: Value, b: Value) => Outcome;
}

const FUNCTIONS: { readonly [name: string]: Definition } = {
  size: { form: 'both', takes: [['string', 'list', 'map']], gives: 'number', run: size },

  contains: textual((frame, text, part) => search(frame, text, part)),
  startsWith: textual((_, text, part) => text.startsWith(part)),
  endsWith: textual((_, text, part) => text.endsWith(part)),
  lowerAscii: respelt((text) => text.replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase())),
  upperAscii: respelt((text) => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase())),
  trim: { form: 'method', takes: [['string']], gives: 'string', run: trim },

  int: conversion(['number', 'string', 'timestamp'], 'number', toInt),
  double: conversion(['number', 'string'], 'number', toDouble),
  string: conversion(['string', 'number', 'bool', 'timestamp'], 'string', toText),
  bool: conversion(['bool', 'string'], 'bool', toBool),
  timestamp: conversion(['string', 'number', 'timestamp'], 'timestamp', toTimestamp),
  duration: conversion(['string', 'duration'], 'duration', toDuration),

  getFullYear: ofTime((date) => date.getUTCFullYear()),
  getMonth: ofTime((date) => date.getUTCMonth()),
  getDate: ofTime((date) => date.getUTCDate()),
  getDayOfMonth: ofTime((date) => date.getUTCDate() - 1),
  getDayOfWeek: ofTime((date) => date.getUTCDay()),
  getDayOfYear: ofTime((date) => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000)),
  getHours: ofTime((date) => date.getUTCHours(), 3_600_000),
  getMinutes: ofTime((date) => date.getUTCMinutes(), 60_000),
  getSeconds: ofTime((date) => date.getUTCSeconds(), 1000),
  getMilliseconds: ofTime((date) => date.getUTCMilliseconds(), 1),
};

const NAMES = [...Object.keys(FUNCTIONS), ...MACRO_NAMES, 'has', 'matches'];

export function compileCall(c: Compiling, node: Extract<ASTNode, { op: 'call' | 'rcall' }>): Code {
  const name = node.args[0];
  const operands = node.op === 'call' ? node.args[1] : [node.args[1], ...node.args[2]];

  if (name === 'has' && node.op === 'call') return compileHas(c, node);
  if (name === 'matches') return compileMatches(c, node, operands);
  if (isMacro(name) && node.op === 'rcall') return compileMacro(c, node);

  const definition = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (definition === undefined) return unknown(c, node, name);
  const written = node.op === 'call' ? 'call' : 'method';
  if (operands.length !== definition.takes.length || (definition.form !== 'both' && definition.form !== written)) {
    c.problem(node.start, `${name} is not written like this`, `as in ${usage(name, definition)}`);
    for (const operand of operands) c.compile(operand);
    return { ...broken(node), type: { kind: definition.gives } };
  }
  return call(c, node, definition, operands);
}

function call(c: Compiling, node: ASTNode, definition: Definition, operands: readonly ASTNode[]): Code {
  const { takes, gives, run: apply } = definition;
  const codes = operands.map((operand, at) => {
    const code = c.compile(operand);
    const { kind } = code.type;
    if (kind !== 'dyn' && !takes[at]!.includes(kind)) {
      c.problem(code.offset, `${code.label} is ${inWords([kind])}, ${inWords(takes[at]!)} is needed`);
    }
    return code;
  });
  const [left, right] = codes as [Code, Code?];
  const run: Run = (frame) => {
    const a = left.run(frame);
    const b = right ? right.run(frame) : null;
    const failure = failureOf(a, b);
    if (failure) return failure;
    if (!takes[0]!.includes(kindOf(a as Value))) return typeFault(frame, left, a as Value, takes[0]!);
    if (right && !takes[1]!.includes(kindOf(b as Value))) return typeFault(frame, right, b as Value, takes[1]!);
    const result = apply(frame, a as Value, b as Value);
    return result instanceof Fault && result.message === '' ? unfit(frame, left, gives) : result;
  };
  const label = sourceOf(c, node);
  const code: Code = { run, type: { kind: gives }, label, offset: node.start };
  if (codes.some((each) => each.constant === undefined)) return code;

  // All is written out: what fails would fail each time.
  const value = run(newFrame());
  if (!isFailure(value)) return constant(value, code.type, label, node.start);
  if (value instanceof Fault && !codes.some((each) => each.label === '')) c.problem(left.offset, value.message);
  return code;
}

function unknown(c: Compiling, node: Extract<ASTNode, { op: 'call' | 'rcall' }>, name: string): Code {
  // A method's node starts with its receiver; between that and the name are only a dot, blanks and parentheses.
  const offset = node.op === 'call' ? node.start : c.expression.indexOf(name, node.args[1].end);
  c.problem(offset, `there is no function "${name}"`, didYouMean(name, NAMES));
  // A receiver that is a bare name may be a namespace, as in `math.abs(x)`: one complaint is enough.
  if (node.op === 'rcall' && node.args[1].op !== 'id') c.compile(node.args[1]);
  return broken(node);
}

function usage(name: string, { form, takes }: Definition): string {
  if (form === 'call') return `${name}(event.x)`;
  return `event.x.${name}(${takes.length > 1 ? '"a"' : ''})`;
}

/** A conversion that does not work, said where the operand's name is known. */
const UNFIT = new Fault('');

function unfit(frame: Frame, code: Code, kind: Kind): Fault {
  const what =
    kind === 'timestamp'
      ? 'a time like "2025-10-31T10:41:00Z"'
      : kind === 'duration'
        ? 'a duration like "24h"'
        : inWords([kind]);
  return fault(frame, `${code.label} cannot be read as ${what}`);
}

function textual(run: (frame: Frame, text: string, part: string) => Outcome): Definition {
  return {
    form: 'method',
    takes: [['string'], ['string']],
    gives: 'bool',
    run: (frame, a, b) => consumeSteps(frame, (b as string).length >> 8) ?? run(frame, a as string, b as string),
  };
}

/** The engine's search may compare each character of the one with each of the other. */
function search(frame: Frame, text: string, part: string): Outcome {
  return consumeSteps(frame, Math.ceil((text.length * part.length) / 256)) ?? text.includes(part);
}

function respelt(run: (text: string) => string): Definition {
  return {
    form: 'method',
    takes: [['string']],
    gives: 'string',
    run: (frame, text) => consumeSteps(frame, (text as string).length >> 4) ?? run(text as string),
  };
}

/** Without the white space of Unicode at its ends. JavaScript trims another set: U+FEFF, and not U+0085. */
function trim(frame: Frame, value: Value): Outcome {
  const text = value as string;
  let start = 0;
  let end = text.length;
  while (start < end && WHITE_SPACE.test(text[start]!)) start++;
  while (start < end && WHITE_SPACE.test(text[end - 1]!)) end--;
  return consumeSteps(frame, (start + text.length - end) * 4) ?? text.slice(start, end);
}

const WHITE_SPACE = /^\p{White_Space}$/u;

function conversion(takes: readonly Kind[], gives: Kind, run: (value: Value) => Outcome): Definition {
  return { form: 'call', takes: [takes], gives, run: (frame, value) => consumeSteps(frame, 10) ?? run(value) };
}

/** Of a time, in UTC; of a duration, all of it in that unit (`duration("90m").getHours()` is 1). */
function ofTime(read: (date: Date) => number, unit?: number): Definition {
  return {
    form: 'method',
    takes: [unit === undefined ? ['timestamp'] : ['timestamp', 'duration']],
    gives: 'number',
    run: (frame, value) => {
      const tooMuch = consumeSteps(frame, 10);
      if (tooMuch) return tooMuch;
      if (value instanceof Duration) return Math.trunc(value.ms / (unit ?? 1));
      return value instanceof Timestamp ? read(new Date(value.ms)) : UNFIT;
    },
  };
}

/** Characters of text (code points), items of a list, keys of an object. */
function size(frame: Frame, value: Value): Outcome {
  if (Array.isArray(value)) return value.length;
  if (isMap(value)) {
    const keys = keysOf(frame, value);
    return keys instanceof Fault ? keys : keys.length;
  }
  if (typeof value !== 'string') return UNFIT;
  const tooMuch = consumeSteps(frame, value.length >> 4);
  if (tooMuch) return tooMuch;
  let pairs = 0;
  for (let at = 1; at < value.length; at++) {
    const low = value.charCodeAt(at);
    if (low >= 0xdc00 && low <= 0xdfff && (value.charCodeAt(at - 1) & 0xfc00) === 0xd800) pairs++;
  }
  return value.length - pairs;
}

function toInt(value: Value): Outcome {
  if (typeof value === 'number') return Math.trunc(value);
  if (value instanceof Timestamp) return Math.floor(value.ms / 1000);
  return /^[+-]?\d{1,15}$/.test(value as string) ? Number(value) : UNFIT;
}

function toDouble(value: Value): Outcome {
  if (typeof value === 'number') return value;
  const text = value as string;
  const number = /^[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(number) ? number : UNFIT;
}

function toText(value: Value): Outcome {
  return value instanceof Timestamp ? new Date(value.ms).toISOString() : String(value);
}

function toBool(value: Value): Outcome {
  if (typeof value === 'boolean') return value;
  if (['true', 'True', 'TRUE', 't', '1'].includes(value as string)) return true;
  return ['false', 'False', 'FALSE', 'f', '0'].includes(value as string) ? false : UNFIT;
}

/** From RFC 3339 text, or from seconds since the epoch. */
function toTimestamp(value: Value): Outcome {
  if (value instanceof Timestamp) return value;
  const ms = typeof value === 'number' ? value * 1000 : parseCelTimestamp(value as string);
  return ms !== undefined && ms >= FIRST_TIME && ms <= LAST_TIME ? new Timestamp(ms) : UNFIT;
}

function toDuration(value: Value): Outcome {
  if (value instanceof Duration) return value;
  const ms = parseDuration(value as string);
  return ms === undefined ? UNFIT : new Duration(ms);
}
