/* Functions that an expression can call; the table below is complete. */

import type { ASTNode } from '@marcbachmann/cel-js';
import { toLocalTime } from '../../time/calendar.ts';
import { FIRST_TIME, LAST_TIME } from '../../time/iso-time.ts';
import { findZone } from '../../time/zone.ts';
import { didYouMean } from '../hints.ts';
import { parseCelDuration, parseCelTimestamp } from '../time.ts';
import {
  Duration,
  describeKinds,
  describeValue,
  type EvaluationOutcome,
  Fault,
  getKind,
  isFailure,
  isMap,
  type Kind,
  Timestamp,
  type Value,
} from '../value.ts';
import {
  type Code,
  type CompileContext,
  constant,
  consumeSteps,
  type Evaluate,
  type Frame,
  getFailure,
  getSource,
  listKeys,
  newFrame,
  toFault,
  toPlaceholder,
  typeFault,
} from './code.ts';
import { compileHas } from './fields.ts';
import { compileMacro, isMacro, MACRO_NAMES } from './macros.ts';
import { compileMatches } from './regex.ts';

interface Definition {
  /** Call syntax: `size(x)` or `x.size()`. */
  readonly form: 'call' | 'method' | 'both';
  /** Kinds allowed for each operand, the receiver first: one to three operands. */
  readonly takes: readonly (readonly Kind[])[];
  readonly gives: Kind;
  /** Called with operands of the kinds in `takes`. */
  readonly run: (frame: Frame, a: Value, b: Value, c: Value) => EvaluationOutcome;
  /** Noun for the last operand, which may be left out; absent if every operand is needed. */
  readonly optional?: string;
}

const FUNCTIONS: { readonly [name: string]: Definition } = {
  size: { form: 'both', takes: [['string', 'list', 'map']], gives: 'number', run: getSize },

  contains: textFunction((frame, text, part) => findText(frame, text, part)),
  startsWith: textFunction((_, text, part) => text.startsWith(part)),
  endsWith: textFunction((_, text, part) => text.endsWith(part)),
  lowerAscii: textTransform((text) => text.replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase())),
  upperAscii: textTransform((text) => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase())),
  trim: { form: 'method', takes: [['string']], gives: 'string', run: trim },
  replace: { form: 'method', takes: [['string'], ['string'], ['string']], gives: 'string', run: replaceText },

  int: conversion(['number', 'string', 'timestamp'], 'number', convertToInt),
  double: conversion(['number', 'string'], 'number', convertToDouble),
  string: conversion(['string', 'number', 'bool', 'timestamp'], 'string', convertToText),
  bool: conversion(['bool', 'string'], 'bool', convertToBool),
  timestamp: conversion(['string', 'number', 'timestamp'], 'timestamp', convertToTimestamp),
  duration: conversion(['string', 'duration'], 'duration', convertToDuration),

  // In UTC, or in the zone that is given: `now.getHours(user.time_zone)`.
  getFullYear: timeGetter((date) => date.getUTCFullYear()),
  getMonth: timeGetter((date) => date.getUTCMonth()),
  getDate: timeGetter((date) => date.getUTCDate()),
  getDayOfMonth: timeGetter((date) => date.getUTCDate() - 1),
  getDayOfWeek: timeGetter((date) => date.getUTCDay()),
  getDayOfYear: timeGetter((date) => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000)),
  getHours: timeGetter((date) => date.getUTCHours(), 3_600_000),
  getMinutes: timeGetter((date) => date.getUTCMinutes(), 60_000),
  getSeconds: timeGetter((date) => date.getUTCSeconds(), 1000),
  getMilliseconds: timeGetter((date) => date.getUTCMilliseconds(), 1),
};

/** Names of all functions and macros. */
export const FUNCTION_NAMES: readonly string[] = [...Object.keys(FUNCTIONS), ...MACRO_NAMES, 'has', 'matches'];

export function compileCall(ctx: CompileContext, node: Extract<ASTNode, { op: 'call' | 'rcall' }>): Code {
  const name = node.args[0];
  const operands = node.op === 'call' ? node.args[1] : [node.args[1], ...node.args[2]];

  if (name === 'has' && node.op === 'call') return compileHas(ctx, node);
  if (name === 'matches') return compileMatches(ctx, node, operands);
  if (isMacro(name) && node.op === 'rcall') return compileMacro(ctx, node);

  const definition = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (definition === undefined) return reportUnknown(ctx, node, name);
  const written = node.op === 'call' ? 'call' : 'method';
  const { takes, optional } = definition;
  const fits = operands.length === takes.length || (optional !== undefined && operands.length === takes.length - 1);
  if (!fits || (definition.form !== 'both' && definition.form !== written)) {
    ctx.problem(node.start, `${name} is not written like this`, `as in ${formatUsage(name, definition)}`);
    for (const operand of operands) ctx.compile(operand);
    return { ...toPlaceholder(node), type: { kind: definition.gives } };
  }
  return compileFunctionCall(ctx, node, definition, operands);
}

function compileFunctionCall(
  ctx: CompileContext,
  node: ASTNode,
  definition: Definition,
  operands: readonly ASTNode[],
): Code {
  const { takes, gives, optional, run: apply } = definition;
  const codes = operands.map((operand, at) => {
    const code = ctx.compile(operand);
    const { kind } = code.type;
    if (kind !== 'dyn' && !takes[at]!.includes(kind)) {
      ctx.problem(code.offset, `${code.label} is ${describeKinds([kind])}, but must be ${describeKinds(takes[at]!)}`);
    }
    return code;
  });
  const [left, right, third] = codes as [Code, Code?, Code?];
  const constantZone = optional === 'zone' ? right?.toConstant : undefined;
  if (typeof constantZone === 'string' && findZone(constantZone) === undefined) {
    ctx.problem(right!.offset, `there is no time zone ${right!.label}`, 'as in now.getHours("Europe/Lisbon")');
  }
  const run: Evaluate = (frame) => {
    const a = left.run(frame);
    const b = right ? right.run(frame) : null;
    const c = third ? third.run(frame) : null;
    const failure = getFailure(a, b) ?? getFailure(c, null);
    if (failure) return failure;
    if (!takes[0]!.includes(getKind(a as Value))) return typeFault(frame, left, a as Value, takes[0]!);
    if (right && !takes[1]!.includes(getKind(b as Value))) return typeFault(frame, right, b as Value, takes[1]!);
    if (third && !takes[2]!.includes(getKind(c as Value))) return typeFault(frame, third, c as Value, takes[2]!);
    const result = apply(frame, a as Value, b as Value, c as Value);
    if (result === UNKNOWN_ZONE) return zoneFault(frame, right ?? left, b as Value);
    return result instanceof Fault && result.message === '' ? conversionFault(frame, left, gives) : result;
  };
  const label = getSource(ctx, node);
  const code: Code = { run, type: { kind: gives }, label, offset: node.start };
  if (codes.some((each) => each.toConstant === undefined)) return code;

  // All operands are constants: a failure would repeat on every evaluation.
  const value = run(newFrame());
  if (!isFailure(value)) return constant(value, code.type, label, node.start);
  if (value instanceof Fault && !codes.some((each) => each.label === '')) ctx.problem(left.offset, value.message);
  return code;
}

function reportUnknown(ctx: CompileContext, node: Extract<ASTNode, { op: 'call' | 'rcall' }>, name: string): Code {
  // The node of a method starts with its receiver; only a dot, blanks and parentheses separate it from the name.
  const offset = node.op === 'call' ? node.start : ctx.expression.indexOf(name, node.args[1].end);
  ctx.problem(offset, `there is no function "${name}"`, didYouMean(name, FUNCTION_NAMES));
  // A receiver that is a bare name may be a namespace, as in `math.abs(x)`: one problem is enough.
  if (node.op === 'rcall' && node.args[1].op !== 'id') ctx.compile(node.args[1]);
  return toPlaceholder(node);
}

function formatUsage(name: string, { form, takes, optional }: Definition): string {
  if (form === 'call') return `${name}(event.x)`;
  const operands = takes.slice(1).map((_, at) => (at === 0 ? '"a"' : '"b"'));
  return `event.x.${name}(${optional === undefined ? operands.join(', ') : ''})`;
}

/** Marks a failed conversion; the message is built by the caller, which knows the name of the operand. */
const CONVERSION_FAILED = new Fault('');

function conversionFault(frame: Frame, code: Code, kind: Kind): Fault {
  const what =
    kind === 'timestamp'
      ? 'a time like "2025-10-31T10:41:00Z"'
      : kind === 'duration'
        ? 'a duration like "24h"'
        : describeKinds([kind]);
  return toFault(frame, `${code.label} cannot be read as ${what}`);
}

function textFunction(run: (frame: Frame, text: string, part: string) => EvaluationOutcome): Definition {
  return {
    form: 'method',
    takes: [['string'], ['string']],
    gives: 'bool',
    run: (frame, a, b) => consumeSteps(frame, (b as string).length >> 8) ?? run(frame, a as string, b as string),
  };
}

/** Consumes steps for a search, which may compare each character of one text with each of the other. */
function findText(frame: Frame, text: string, part: string): EvaluationOutcome {
  return consumeSteps(frame, Math.ceil((text.length * part.length) / 256)) ?? text.includes(part);
}

function textTransform(run: (text: string) => string): Definition {
  return {
    form: 'method',
    takes: [['string']],
    gives: 'string',
    run: (frame, text) => consumeSteps(frame, (text as string).length >> 4) ?? run(text as string),
  };
}

/** Removes Unicode white space at both ends. JavaScript's `trim` differs: it removes U+FEFF, and keeps U+0085. */
function trim(frame: Frame, value: Value): EvaluationOutcome {
  const text = value as string;
  let start = 0;
  let end = text.length;
  while (start < end && WHITE_SPACE.test(text[start]!)) start++;
  while (start < end && WHITE_SPACE.test(text[end - 1]!)) end--;
  return consumeSteps(frame, (start + text.length - end) * 4) ?? text.slice(start, end);
}

/** Texts that `replace` makes, at most, in characters. */
const MAX_REPLACED_CHARS = 100_000;

/** Replaces each occurrence of a text, from the start. An empty text has no occurrences: there would be one at every character. */
function replaceText(frame: Frame, value: Value, from: Value, to: Value): EvaluationOutcome {
  const [text, part, other] = [value as string, from as string, to as string];
  if (part === '') return text;
  const tooMuch = consumeSteps(frame, Math.ceil((text.length * part.length) / 256));
  if (tooMuch) return tooMuch;
  const pieces = text.split(part);
  const length = text.length + (pieces.length - 1) * (other.length - part.length);
  if (length > MAX_REPLACED_CHARS)
    return toFault(frame, `replace would make more than ${MAX_REPLACED_CHARS} characters`);
  return consumeSteps(frame, (length >> 4) + pieces.length) ?? pieces.join(other);
}

const WHITE_SPACE = /^\p{White_Space}$/u;

function conversion(takes: readonly Kind[], gives: Kind, run: (value: Value) => EvaluationOutcome): Definition {
  return { form: 'call', takes: [takes], gives, run: (frame, value) => consumeSteps(frame, 10) ?? run(value) };
}

/**
 * Defines a getter: of a time in UTC, or in the zone that the operand names; of a duration the whole duration in that unit
 * (`duration("90m").getHours()` is 1), except that `getMilliseconds` is the part below a second, as CEL specifies.
 */
function timeGetter(read: (date: Date) => number, unit?: number): Definition {
  return {
    form: 'method',
    takes: [unit === undefined ? ['timestamp'] : ['timestamp', 'duration'], ['string']],
    gives: 'number',
    optional: 'zone',
    run: (frame, value, zone) => {
      const tooMuch = consumeSteps(frame, 10);
      if (tooMuch) return tooMuch;
      if (value instanceof Duration) {
        if (zone !== null) return DURATION_HAS_NO_ZONE;
        return Math.trunc(unit === 1 ? value.ms % 1000 : value.ms / (unit ?? 1)) + 0;
      }
      if (!(value instanceof Timestamp)) return CONVERSION_FAILED;
      if (zone === null) return read(new Date(value.ms));
      const local = toLocalTime(value.ms, zone as string);
      return local === undefined ? UNKNOWN_ZONE : read(new Date(local));
    },
  };
}

/** Marks a zone that does not exist; the message is built by the caller, which knows the name of the operand. */
const UNKNOWN_ZONE = new Fault('');
const DURATION_HAS_NO_ZONE = new Fault('a duration has no time zone');

function zoneFault(frame: Frame, code: Code, value: Value): Fault {
  return toFault(frame, `${code.label} is ${describeValue(value)}, but must be a time zone`);
}

/** Returns the number of code points of a text, items of a list, or keys of an object. */
function getSize(frame: Frame, value: Value): EvaluationOutcome {
  if (Array.isArray(value)) return value.length;
  if (isMap(value)) {
    const keys = listKeys(frame, value);
    return keys instanceof Fault ? keys : keys.length;
  }
  if (typeof value !== 'string') return CONVERSION_FAILED;
  const tooMuch = consumeSteps(frame, value.length >> 4);
  if (tooMuch) return tooMuch;
  let pairs = 0;
  for (let at = 1; at < value.length; at++) {
    const low = value.charCodeAt(at);
    if (low >= 0xdc00 && low <= 0xdfff && (value.charCodeAt(at - 1) & 0xfc00) === 0xd800) pairs++;
  }
  return value.length - pairs;
}

function convertToInt(value: Value): EvaluationOutcome {
  if (typeof value === 'number') return Math.trunc(value);
  if (value instanceof Timestamp) return Math.floor(value.ms / 1000);
  return /^[+-]?\d{1,15}$/.test(value as string) ? Number(value) : CONVERSION_FAILED;
}

function convertToDouble(value: Value): EvaluationOutcome {
  if (typeof value === 'number') return value;
  const text = value as string;
  const number = /^[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(number) ? number : CONVERSION_FAILED;
}

function convertToText(value: Value): EvaluationOutcome {
  return value instanceof Timestamp ? new Date(value.ms).toISOString() : String(value);
}

function convertToBool(value: Value): EvaluationOutcome {
  if (typeof value === 'boolean') return value;
  if (['true', 'True', 'TRUE', 't', '1'].includes(value as string)) return true;
  return ['false', 'False', 'FALSE', 'f', '0'].includes(value as string) ? false : CONVERSION_FAILED;
}

/** Converts RFC 3339 text, or seconds since the epoch, to a time. */
function convertToTimestamp(value: Value): EvaluationOutcome {
  if (value instanceof Timestamp) return value;
  const ms = typeof value === 'number' ? value * 1000 : parseCelTimestamp(value as string);
  return ms !== undefined && ms >= FIRST_TIME && ms <= LAST_TIME ? new Timestamp(ms) : CONVERSION_FAILED;
}

function convertToDuration(value: Value): EvaluationOutcome {
  if (value instanceof Duration) return value;
  const ms = parseCelDuration(value as string);
  return ms === undefined ? CONVERSION_FAILED : new Duration(ms);
}
