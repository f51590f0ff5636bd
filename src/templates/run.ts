import type { JsonObject } from '../model/event.ts';
import { getMember, toText, type Value } from './helpers.ts';
import type { HtmlReader } from './html-place.ts';
import { MAX_OUTPUT_CHARS, MAX_STEPS } from './limits.ts';

/* One rendering of a part: what its closures share, and its bounds. */

/** Thrown where a part exceeds a bound, or a value that it requires is missing. The message never quotes the data. */
export class RenderLimit extends Error {
  override readonly name = 'RenderLimit';
}

export interface Run {
  out: string;
  /** Knows the place in HTML; undefined in a text. */
  readonly html: HtmlReader | undefined;
  steps: number;
  readonly root: JsonObject;
  /** Values of `{{#let}}`, each at a place of its own: blocks do not enter themselves. */
  readonly slots: Value[];
}

const NO_SLOTS: Value[] = [];

export function startRun(root: JsonObject, html: HtmlReader | undefined, slots: number): Run {
  return { out: '', html, steps: 0, root, slots: slots === 0 ? NO_SLOTS : new Array<Value>(slots) };
}

/** The scope of one `{{#each}}` iteration or `{{#with}}`, linked to the enclosing scope. */
export interface Scope {
  readonly value: Value;
  readonly up: Scope | undefined;
  readonly key: Value;
  readonly index: number | undefined;
  readonly last: boolean | undefined;
}

export type Block = (run: Run, scope: Scope) => void;
export type Expression = (run: Run, scope: Scope) => Value;

export function consumeSteps(run: Run, cost: number): void {
  run.steps += cost;
  if (run.steps > MAX_STEPS) throw new RenderLimit('it takes too many steps');
}

export function writeOutput(run: Run, text: string): void {
  if (run.out.length + text.length > MAX_OUTPUT_CHARS)
    throw new RenderLimit(`it becomes longer than ${MAX_OUTPUT_CHARS} characters`);
  run.out += text;
  run.html?.write(text);
}

export function getAncestorScope(scope: Scope, levels: number): Scope {
  let at = scope;
  for (let level = 0; level < levels; level += 1) at = at.up ?? at;
  return at;
}

export function writeText(run: Run, value: Value): void {
  consumeSteps(run, 1);
  writeOutput(run, toText(value));
}

export function getPath(from: Value, names: readonly string[], run: Run): Value {
  consumeSteps(run, 1);
  let value = from;
  for (const name of names) value = getMember(value, name);
  return value;
}
