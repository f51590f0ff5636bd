import Handlebars from 'handlebars';
import { MAX_MUSTACHES, MAX_SOURCE_CHARS } from './limits.ts';

/** A problem in one part of a template. */
export interface PartProblem {
  readonly message: string;
  /** A suggestion: the name probably meant, or the text to write instead. */
  readonly hint?: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
}

/** Parses a source. Returns its Handlebars tree, or the first problem with its position. Never throws. */
export function parseSource(source: string): { readonly tree: hbs.AST.Program } | { readonly problem: PartProblem } {
  const excess = explainTooLarge(source);
  if (excess !== undefined) return { problem: { message: excess, line: 1, column: 1 } };
  try {
    return { tree: Handlebars.parse(source) };
  } catch (error) {
    return { problem: toProblem(error, source) };
  }
}

/**
 * Returns the reason why a source is too large to parse, or undefined. The parser takes quadratic time on deep nesting
 * (seconds for 2,000 open blocks). A coarse bound: the compiler enforces the documented nesting limits.
 */
function explainTooLarge(source: string): string | undefined {
  if (source.length > MAX_SOURCE_CHARS)
    return `this is ${source.length} characters long; at most ${MAX_SOURCE_CHARS} are allowed`;
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

function toProblem(error: unknown, source: string): PartProblem {
  if (error instanceof RangeError) return { message: 'blocks are nested too deeply', line: 1, column: 1 };
  const raw = error instanceof Error ? error.message : String(error);
  const exception = error as { lineNumber?: unknown; column?: unknown };
  if (typeof exception.lineNumber === 'number')
    return toMismatchProblem(raw, exception.lineNumber, Number(exception.column));
  // The generated parser throws plain text: "Parse error on line 3:", an excerpt, a caret, the expected tokens.
  const line = Number(/on line (\d+)/.exec(raw)?.[1] ?? 1);
  const got = /got '([^']*)'$/.exec(raw)?.[1];
  if (got === 'EOF') return findUnclosedBlock(source) ?? { message: 'a closing `}}` is missing', line, column: 1 };
  const column = findErrorColumn(raw, source, line);
  if (got === 'OPEN_ENDBLOCK') return { message: 'this closes a block that was not opened', line, column };
  if (got === 'INVERSE' || got === 'OPEN_INVERSE_CHAIN') {
    return { message: '`{{else}}` stands outside a block, or twice in one', line, column };
  }
  return { message: 'this cannot be read as a template', hint: 'check the braces and quotes here', line, column };
}

/** Converts "if doesn't match each - 3:4", a block closed by another name. */
function toMismatchProblem(raw: string, line: number, column: number): PartProblem {
  const names = /^(.+) doesn't match (.+?) - \d+:\d+$/.exec(raw);
  const message =
    names === null
      ? raw.replace(/ - \d+:\d+$/, '')
      : `\`{{#${names[1]}}}\` is closed by \`{{/${names[2]}}}\`: the names must be the same`;
  return { message, line, column: column + 1 };
}

/** Finds the innermost unclosed block. */
function findUnclosedBlock(source: string): PartProblem | undefined {
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

/** Returns the column of a parse error. The parser shows it as a caret under an excerpt, which is located in the line. */
function findErrorColumn(raw: string, source: string, line: number): number {
  const rows = raw.split('\n');
  const caret = rows.findIndex((row) => /^-*\^$/.test(row));
  const excerpt = rows[caret - 1];
  if (caret < 1 || excerpt === undefined) return 1;
  const width = (rows[caret] ?? '').length - 1;
  const upcoming = excerpt.slice(width).replace(/\.\.\.$/, '');
  const text = source.split('\n')[line - 1] ?? '';
  // The excerpt omits line breaks after the token, so only its first characters are compared.
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
