import type { ErrorCode, YAMLError } from 'yaml';
import { sliceStart, truncateText } from '../../lib/text/truncate-text.ts';
import { getSyntaxHint } from './yaml-hints.ts';

export interface SyntaxProblem {
  /** Offset in the source. */
  readonly at: number;
  readonly message: string;
  readonly hint?: string | undefined;
}

const MAX_SYNTAX_PROBLEMS = 10;
/** Characters of a line that are read, and that a hint shows. */
const MAX_READ_CHARS = 1000;
const MAX_LINE_CHARS = 60;

/** Errors in one value, which leave the structure of the file as it is. */
const CODES_OF_VALUES: ReadonlySet<ErrorCode> = new Set([
  'BAD_SCALAR_START',
  'BAD_DQ_ESCAPE',
  'TAG_RESOLVE_FAILED',
  'BAD_ALIAS',
  'ALIAS_PROPS',
]);

/**
 * Returns the syntax errors of a file that stand on their own, at most 10, in the order of the file: the library goes on after
 * an error in the structure, and what it finds from there follows from that error.
 */
export function listSyntaxProblems(errors: readonly YAMLError[], source: string): SyntaxProblem[] {
  const found: SyntaxProblem[] = [];
  let structural: ErrorCode | undefined;
  let lastLine = -1;
  for (const { pos, message, code } of errors.toSorted((a, b) => a.pos[0] - b.pos[0])) {
    const [at] = pos;
    const line = source.lastIndexOf('\n', at - 1);
    if (!CODES_OF_VALUES.has(code)) {
      // A text with a colon is read as a map, and the next one again: such errors do not follow from each other.
      const isRepeated = structural === 'BLOCK_AS_IMPLICIT_KEY' && code === structural && line !== lastLine;
      if (structural !== undefined && !isRepeated) continue;
      structural = code;
      lastLine = line;
    }
    found.push({ at, ...(describeColon(code, source, at) ?? describeError(code, message, source[at])) });
    if (found.length === MAX_SYNTAX_PROBLEMS) break;
  }
  return found;
}

function describeError(code: ErrorCode, message: string, character: string | undefined) {
  return { message: getFirstLine(message), hint: getSyntaxHint(code, message, character) };
}

/** Describes a line without a colon where a key must be; undefined if this is not what is wrong. */
function describeColon(code: ErrorCode, source: string, at: number): Omit<SyntaxProblem, 'at'> | undefined {
  if (code !== 'MULTILINE_IMPLICIT_KEY' && code !== 'MISSING_CHAR') return undefined;
  const end = source.indexOf('\n', at);
  const line = source.slice(at, Math.min(end < 0 ? source.length : end, at + MAX_READ_CHARS)).replace(/\s+(#.*)?$/, '');
  const [, key, colon, value] = /^([A-Za-z][\w.-]*)(?:(:)?(?:\s+|(?<=:))(\S.*))?$/.exec(line) ?? [];
  if (key === undefined || value?.includes(': ') || value?.endsWith(':')) return undefined;
  const message = colon ? 'a space is missing after the colon' : `a colon is missing after ${JSON.stringify(key)}`;
  return {
    message,
    hint: `write ${truncateText(value === undefined ? `${key}:` : `${key}: ${value}`, MAX_LINE_CHARS)}`,
  };
}

/** Returns the first line of a message of the library, at most 200 characters. */
export function getFirstLine(message: string): string {
  return sliceStart(message.split('\n', 1)[0]!, 200);
}
