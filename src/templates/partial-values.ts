import { findNearest } from '../lib/text/did-you-mean.ts';
import { ROOTS } from './compile-path.ts';
import type { PartProblem } from './parse.ts';
import type { Piece } from './pieces.ts';

/*
 * Values of partials. A partial declares them in a comment at its beginning:
 *
 *     {{!-- values: url, label="Read more", note? --}}
 *     <a href="{{url}}">{{label}}</a>{{#if note}} {{note}}{{/if}}
 *
 * and is included by `{{> button url=event.track_url}}`. Where it is put in its place, it stands in a block that gives the
 * names: `{{#let url=(required event.track_url …) label="Read more" note=null}}…{{/let}}`.
 */

/** Values of a partial, at most. */
const MAX_VALUES = 20;

/** A value that a partial takes. */
interface Taken {
  /** Source of its default; undefined: it has no default. */
  readonly fallback: string | undefined;
  /** Whether it may be missing. */
  readonly isOptional: boolean;
}

/** The values that a partial takes, and where its text begins. */
export interface PartialHead {
  readonly values: ReadonlyMap<string, Taken>;
  /** Offset of the first character after the declaration. */
  readonly end: number;
}

/** A value as it is given: `url=event.track_url`. */
export interface GivenValue {
  readonly name: string;
  /** As it is written. */
  readonly source: string;
  /** Offset of that. */
  readonly from: number;
  /** Whether it is written out as an empty text or nothing. */
  readonly isEmpty: boolean;
  /** Whether it is the name of a field or variable. */
  readonly isPath: boolean;
}

type Problem = Omit<PartProblem, 'line' | 'column'>;

const HEAD = /^\s{0,100}\{\{!(?:--)?\s{0,100}values:([^{}]{0,2000}?)(?:--)?\}\}[ \t]{0,100}\n?/;
const VALUE = /\s*([A-Za-z_]\w{0,63})(?:(\?)|=("[^"]*"|'[^']*'|-?\d+(?:\.\d+)?|true|false))?\s*(?:,|$)/y;
const EXAMPLE = 'like `{{!-- values: url, label="Read more", note? --}}`';

/** Returns what a partial declares: nothing, if it does not begin with a declaration. */
export function readPartialHead(text: string): PartialHead | { readonly problem: Problem } {
  const found = HEAD.exec(text);
  if (!found) return { values: new Map(), end: 0 };
  const [head, list = ''] = found;
  const values = new Map<string, Taken>();
  VALUE.lastIndex = 0;
  while (VALUE.lastIndex < list.length) {
    const [, name, optional, fallback] = VALUE.exec(list) ?? [];
    if (name === undefined) return { problem: { message: 'the values of the partial cannot be read', hint: EXAMPLE } };
    if ((ROOTS as readonly string[]).includes(name) || name === 'this' || name === 'else') {
      return { problem: { message: `a value of a partial cannot be called \`${name}\``, hint: 'choose another name' } };
    }
    if (values.has(name)) return { problem: { message: `the partial declares \`${name}\` twice` } };
    values.set(name, { fallback, isOptional: optional !== undefined });
  }
  if (values.size === 0) return { problem: { message: 'the partial declares no values', hint: EXAMPLE } };
  if (values.size > MAX_VALUES) return { problem: { message: `a partial takes at most ${MAX_VALUES} values` } };
  return { values, end: head.length };
}

/**
 * A piece of source with the offset at which it stands in the source that includes the partial; undefined: it stands nowhere.
 */
export interface OpeningPart {
  readonly text: string;
  readonly from: number | undefined;
}

/**
 * Returns the parts of the block that gives a partial its values, without its end `{{/let}}`; none, if it takes none. Or why it
 * cannot be included with these.
 */
export function openPartial(
  { name, form, text }: Piece,
  { values }: PartialHead,
  given: readonly GivenValue[],
): { readonly opening: readonly OpeningPart[]; readonly closing: string } | { readonly problem: Problem } {
  const problem = findProblem(name, values, given);
  if (problem) return { problem };
  if (values.size === 0) return { opening: [], closing: '' };
  // MJML keeps text between its tags only like this.
  const isBetweenTags = form === 'mjml' && /^\s*(?:\{\{![^}]*\}\}\s*)?<mj-/.test(text);
  const [before, after] = isBetweenTags ? ['<mj-raw>', '</mj-raw>'] : ['', ''];
  const opening: OpeningPart[] = [{ text: `${before}{{#let`, from: undefined }];
  for (const [value, { fallback, isOptional }] of values) {
    const one = given.find((each) => each.name === value);
    const [start, end] = wrap(name, value, one, isOptional, fallback);
    opening.push({ text: ` ${value}=${start}`, from: undefined });
    if (one) opening.push({ text: one.source, from: one.from });
    opening.push({ text: end, from: undefined });
  }
  opening.push({ text: `}}${after}`, from: undefined });
  return { opening, closing: `${before}{{/let}}${after}` };
}

/** Returns what stands before and after the source of a value. */
function wrap(
  partial: string,
  name: string,
  given: GivenValue | undefined,
  isOptional: boolean,
  fallback: string | undefined,
): readonly [string, string] {
  if (!given) return [fallback ?? 'null', ''];
  if (fallback !== undefined) return ['(default ', ` ${fallback})`];
  if (isOptional) return ['', ''];
  const what = `${name} of the partial ${partial}`;
  return ['(required ', ` name="${given.isPath ? `${given.source} (${what})` : what}")`];
}

function findProblem(
  partial: string,
  values: PartialHead['values'],
  given: readonly GivenValue[],
): Problem | undefined {
  for (const [index, { name, isEmpty }] of given.entries()) {
    const taken = values.get(name);
    if (!taken && values.size === 0) {
      const hint = `declare them at the beginning of the partial, ${EXAMPLE}`;
      return { message: `the partial \`${partial}\` takes no values`, hint };
    }
    if (!taken) {
      const near = findNearest(name, [...values.keys()]);
      const hint = near === undefined ? `it takes ${[...values.keys()].join(', ')}` : `did you mean \`${near}\`?`;
      return { message: `the partial \`${partial}\` takes no value \`${name}\``, hint };
    }
    if (given.findIndex((one) => one.name === name) !== index) return { message: `\`${name}\` is given twice` };
    if (isEmpty && !taken.isOptional && taken.fallback === undefined) {
      return { message: `the partial \`${partial}\` needs \`${name}\`, which is empty here` };
    }
  }
  const isGiven = (name: string) => given.some((one) => one.name === name);
  const missing = [...values].filter(([name, { fallback, isOptional }]) => {
    return fallback === undefined && !isOptional && !isGiven(name);
  });
  if (missing.length === 0) return undefined;
  const names = missing.map(([name]) => `\`${name}\``).join(' and ');
  const example = missing.map(([name]) => ` ${name}=event.${name}`).join('');
  return { message: `the partial \`${partial}\` needs ${names}`, hint: `like \`{{> ${partial}${example}}}\`` };
}
