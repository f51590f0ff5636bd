import { findNearest } from '../lib/text/did-you-mean.ts';
import { MAX_PARTIAL_DEPTH, MAX_PARTIALS, MAX_SOURCE_CHARS } from './limits.ts';
import { type PartProblem, parseSource } from './parse.ts';
import { listReferences, type Reference } from './partial-references.ts';
import { openPartial, readPartialHead } from './partial-values.ts';
import type { PieceForm, PieceKind, Pieces } from './pieces.ts';

/*
 * Puts a part together with its layout and partials. This is done with the sources, when a catalog is read: `{{> footer}}` is
 * replaced by the text of the partial, and `{{> body}}` in a layout by the part. What is stored and compiled is one source
 * without partials, in which each value is escaped for the place where it really stands. Every piece is read by itself
 * first, so a block never begins in one piece and ends in another.
 */

/** Names in a layout that are no partials: the part, and the preheader of an email. */
export const BODY = 'body';
export const PREHEADER = 'preheader';

/** A text with the name of its file. */
export interface NamedSource {
  readonly file: string;
  readonly text: string;
}

export interface ExpandOptions {
  readonly pieces: Pieces;
  readonly form: PieceForm;
  readonly locale: string;
  /** Name of the layout around the source; absent: none. */
  readonly layout?: string;
  /** The source of the preheader, as HTML, for a layout that has a place for it. */
  readonly preheader?: NamedSource;
}

/** A problem with the file that it is in. */
export interface PlacedProblem extends PartProblem {
  readonly file: string;
}

export interface Expanded {
  readonly text: string;
  /** Whether the layout has shown the preheader. */
  readonly hasPreheader: boolean;
  /** Returns where the character at this line and column (1-based) of the text stands in its file. */
  locate(line: number, column: number): { readonly file: string; readonly line: number; readonly column: number };
}

/** Returns a source with its layout and partials, or every problem that keeps them from being put together. Never throws. */
export function expandSource(
  source: NamedSource,
  options: ExpandOptions,
): Expanded | { readonly problems: readonly PlacedProblem[] } {
  const expander = new Expander(source, options);
  expander.expandWhole();
  return expander.finish();
}

/**
 * Returns the problems of a layout or partial that show without a template: of its syntax, and of the partials that it names.
 */
export function checkPiece(
  piece: NamedSource & { readonly kind: PieceKind; readonly form: PieceForm; readonly locale: string },
  pieces: Pieces,
): readonly PlacedProblem[] {
  const { form, locale } = piece;
  const none = { file: piece.file, text: '' };
  const expander = new Expander(none, { pieces, form, locale, preheader: none });
  expander.add(piece, [piece.kind === 'layout' ? `layout ${piece.file}` : piece.file], piece.kind === 'layout');
  const done = expander.finish();
  if ('problems' in done) return done.problems;
  const head = piece.kind === 'partial' ? readPartialHead(piece.text) : undefined;
  if (head && 'problem' in head) return [{ file: piece.file, ...head.problem, line: 1, column: 1 }];
  if (piece.kind === 'partial' || expander.hasBody) return [];
  const message = 'the layout has no place for the message';
  return [{ file: piece.file, message, hint: 'write `{{> body}}` where it goes', line: 1, column: 1 }];
}

/** A run of characters of one file in the text. */
interface Chunk {
  /** Offset in the text. */
  readonly at: number;
  readonly source: NamedSource;
  /** Offset in the source. */
  readonly from: number;
}

/** More problems than an author reads at once. */
const MAX_PROBLEMS = 20;

class Expander {
  readonly #source: NamedSource;
  readonly #options: ExpandOptions;
  readonly #problems: PlacedProblem[] = [];
  readonly #chunks: Chunk[] = [];
  #text = '';
  #count = 0;
  #isTooLarge = false;
  hasBody = false;
  #hasPreheader = false;

  constructor(source: NamedSource, options: ExpandOptions) {
    this.#source = source;
    this.#options = options;
  }

  expandWhole(): void {
    const { layout, pieces, form, locale } = this.#options;
    const around = layout === undefined ? undefined : pieces.find('layout', layout, form, locale);
    if (around) this.add(around, [around.file], true);
    else this.add(this.#source, [this.#source.file], false);
  }

  /**
   * Adds a source with its partials.
   * @param path files that it is included by, the last is its own
   * @param start offset at which its text begins
   */
  add(source: NamedSource, path: readonly string[], isLayout: boolean, start = 0): void {
    const parsed = parseSource(source.text);
    if ('problem' in parsed) {
      this.#problems.push({ file: source.file, ...parsed.problem });
      return;
    }
    let at = start;
    for (const reference of listReferences(parsed.tree, source.text)) {
      const before = source.text.slice(at, reference.from);
      this.#write(source, at, reference.stripsBefore ? before.trimEnd() : before);
      const problem = this.#include(source, reference, path, isLayout);
      if (problem && this.#problems.length < MAX_PROBLEMS) {
        this.#problems.push({ file: source.file, ...problem, ...toPlace(source.text, reference.from) });
      }
      at = reference.to;
      if (reference.stripsAfter) at += source.text.length - at - source.text.slice(at).trimStart().length;
    }
    this.#write(source, at, source.text.slice(at));
  }

  finish(): Expanded | { readonly problems: readonly PlacedProblem[] } {
    if (this.#problems.length > 0) return { problems: this.#problems };
    const text = this.#text;
    const chunks = this.#chunks;
    const hasPreheader = this.#hasPreheader;
    return { text, hasPreheader, locate: (line, column) => locateIn(text, chunks, this.#source.file, line, column) };
  }

  /** Adds what a reference stands for. Returns why it cannot. */
  #include(
    source: NamedSource,
    { name, problem, given, from }: Reference,
    path: readonly string[],
    isLayout: boolean,
  ): Reference['problem'] {
    if (problem) return problem;
    if (this.#isTooLarge) return undefined;
    this.#count += 1;
    if (this.#count > MAX_PARTIALS) {
      this.#isTooLarge = true;
      return { message: `the template includes more than ${MAX_PARTIALS} partials` };
    }
    if (name === BODY || name === PREHEADER) return this.#includePlace(name, path, isLayout, given.length > 0);
    const { pieces, form, locale } = this.#options;
    const partial = pieces.find('partial', name, form, locale);
    if (!partial) return { message: `there is no partial \`${name}\``, hint: this.#suggest(name) };
    if (path.includes(partial.file)) {
      const circle = [...path.slice(path.indexOf(partial.file)), partial.file].join(' → ');
      return { message: `the partial \`${name}\` includes itself: ${circle}` };
    }
    if (path.length > MAX_PARTIAL_DEPTH) {
      return { message: `partials are nested more than ${MAX_PARTIAL_DEPTH} deep` };
    }
    const head = readPartialHead(partial.text);
    // A problem of its declaration is one of the partial itself.
    if ('problem' in head) return undefined;
    const opened = openPartial(partial, head, given);
    if ('problem' in opened) return opened.problem;
    for (const part of opened.opening) this.#write(source, part.from ?? from, part.text);
    this.add(partial, [...path, partial.file], false, head.end);
    this.#write(source, from, opened.closing);
    return undefined;
  }

  /** Adds the part, or the preheader, at its place in a layout. */
  #includePlace(name: string, path: readonly string[], isLayout: boolean, hasValues: boolean): Reference['problem'] {
    if (hasValues) return { message: `\`{{> ${name}}}\` takes no values` };
    if (!isLayout) {
      return { message: `\`{{> ${name}}}\` stands outside a layout`, hint: 'layouts are in templates/_layouts/' };
    }
    if (name === BODY) this.hasBody = true;
    else this.#hasPreheader = true;
    const shown = name === BODY ? this.#source : this.#options.preheader;
    // A layout that is checked by itself has no part.
    if (shown && shown.text !== '') this.add(shown, [...path, shown.file], false);
    return undefined;
  }

  #suggest(name: string): string {
    const { pieces, form } = this.#options;
    const other = pieces.listNames('partial').includes(name);
    if (other) return `it has no .${form} file: write templates/_partials/${name}.${form}`;
    const near = findNearest(name, pieces.listNames('partial', form));
    return near === undefined ? `write templates/_partials/${name}.${form}` : `did you mean \`{{> ${near}}}\`?`;
  }

  #write(source: NamedSource, from: number, text: string): void {
    if (text === '' || this.#isTooLarge) return;
    if (this.#text.length + text.length > MAX_SOURCE_CHARS) {
      this.#isTooLarge = true;
      const message = `with its layout and partials the template is longer than ${MAX_SOURCE_CHARS} characters`;
      this.#problems.push({ file: this.#source.file, message, line: 1, column: 1 });
      return;
    }
    this.#chunks.push({ at: this.#text.length, source, from });
    this.#text += text;
  }
}

function toPlace(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}

function locateIn(text: string, chunks: readonly Chunk[], file: string, line: number, column: number) {
  let offset = 0;
  for (let at = 1; at < line; at += 1) {
    const next = text.indexOf('\n', offset);
    if (next < 0) break;
    offset = next + 1;
  }
  offset += column - 1;
  const chunk = chunks.findLast(({ at }) => at <= offset);
  if (!chunk) return { file, line: 1, column: 1 };
  return { file: chunk.source.file, ...toPlace(chunk.source.text, chunk.from + offset - chunk.at) };
}
