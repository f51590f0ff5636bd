import Handlebars from 'handlebars';
import { MAX_MUSTACHES, MAX_SOURCE } from './limits.ts';

/** A mistake in one part of a template. */
export interface PartProblem {
  readonly message: string;
  /** What was probably meant, or what to write instead. */
  readonly hint?: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
}

/** The Handlebars tree of a source, or the first mistake in it with its place. Never throws. */
export function parseSource(source: string): { readonly tree: hbs.AST.Program } | { readonly problem: PartProblem } {
  const excess = tooMuch(source);
  if (excess !== undefined) return { problem: { message: excess, line: 1, column: 1 } };
  try {
    return { tree: Handlebars.parse(source) };
  } catch (error) {
    return { problem: problemOf(error, source) };
  }
}

/**
 * The parser takes quadratic time on deep nesting (seconds for 2,000 open blocks), so what it is given is bounded before
 * it starts. Counted roughly and generously: the limits on nesting that people meet are the compiler's.
 */
function tooMuch(source: string): string | undefined {
  if (source.length > MAX_SOURCE) return `this is ${source.length} characters long; at most ${MAX_SOURCE} are allowed`;
  const mustaches = source.split('{{').slice(1);
  if (mustaches.length > MAX_MUSTACHES) return `there are more than ${MAX_MUSTACHES} \`{{…}}\``;
  let open = 0;
  let branches = 0;
  for (const mustache of mustaches) {
    const sign = mustache.replace(/^[{~]+/, '');
    if (/^[#^]/.test(sign)) open += 1;
    if (sign.startsWith('/')) open -= 1;
    if (/^(?:else\b|\^)/.test(sign.trimStart())) branches += 1;
    const inside = mustache.split('}}', 1)[0] ?? '';
    if (open > 100 || branches > 500 || inside.split('(').length > 100)
      return 'blocks or expressions are nested too deeply';
  }
  return undefined;
}

function problemOf(error: unknown, source: string): PartProblem {
  if (error instanceof RangeError) return { message: 'blocks are nested too deeply', line: 1, column: 1 };
  const raw = error instanceof Error ? error.message : String(error);
  const exception = error as { lineNumber?: unknown; column?: unknown };
  if (typeof exception.lineNumber === 'number') return mismatch(raw, exception.lineNumber, Number(exception.column));
  // The generated parser throws plain text: "Parse error on line 3:", an excerpt, a caret, what it expected.
  const line = Number(/on line (\d+)/.exec(raw)?.[1] ?? 1);
  const got = /got '([^']*)'$/.exec(raw)?.[1];
  if (got === 'EOF') return unclosed(source) ?? { message: 'a closing `}}` is missing', line, column: 1 };
  const column = caretColumn(raw, source, line);
  if (got === 'OPEN_ENDBLOCK') return { message: 'this closes a block that was not opened', line, column };
  if (got === 'INVERSE' || got === 'OPEN_INVERSE_CHAIN') {
    return { message: '`{{else}}` stands outside a block, or twice in one', line, column };
  }
  return { message: 'this cannot be read as a template', hint: 'check the braces and quotes here', line, column };
}

/** "if doesn't match each - 3:4": a block closed by another name. */
function mismatch(raw: string, line: number, column: number): PartProblem {
  const names = /^(.+) doesn't match (.+?) - \d+:\d+$/.exec(raw);
  const message =
    names === null
      ? raw.replace(/ - \d+:\d+$/, '')
      : `\`{{#${names[1]}}}\` is closed by \`{{/${names[2]}}}\`: the names must be the same`;
  return { message, line, column: column + 1 };
}

/** The innermost block that is never closed. */
function unclosed(source: string): PartProblem | undefined {
  const open: { name: string; at: number }[] = [];
  for (const match of source.matchAll(/\{\{~?([#^/])\s*([\w.]+)/g)) {
    if (match[1] === '/') open.pop();
    else open.push({ name: match[2] ?? '', at: match.index });
  }
  const last = open.at(-1);
  if (last === undefined) return undefined;
  const before = source.slice(0, last.at).split('\n');
  return {
    message: `\`{{#${last.name}}}\` is never closed`,
    hint: `add \`{{/${last.name}}}\``,
    line: before.length,
    column: (before.at(-1) ?? '').length + 1,
  };
}

/** The parser says where only by a caret under an excerpt without line breaks: find the excerpt in the line. */
function caretColumn(raw: string, source: string, line: number): number {
  const rows = raw.split('\n');
  const caret = rows.findIndex((row) => /^-*\^$/.test(row));
  const excerpt = rows[caret - 1];
  if (caret < 1 || excerpt === undefined) return 1;
  const width = (rows[caret] ?? '').length - 1;
  const upcoming = excerpt.slice(width).replace(/\.\.\.$/, '');
  const text = source.split('\n')[line - 1] ?? '';
  // The token may be followed by line breaks that the excerpt leaves out: its first characters are enough.
  for (let length = upcoming.length; length > 0; length -= 1) {
    const past = excerpt
      .slice(0, width)
      .replace(/^\.\.\./, '')
      .slice(-10);
    const withPast = text.indexOf(past + upcoming.slice(0, length));
    if (withPast >= 0) return withPast + past.length + 1;
    const found = text.indexOf(upcoming.slice(0, length));
    if (found >= 0) return found + 1;
  }
  return 1;
}
