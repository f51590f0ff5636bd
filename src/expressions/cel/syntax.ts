/*
 * Parses CEL with the library's parser, and rewrites its messages for authors of YAML files.
 *
 * The library's evaluator is not used, because hostile JSON breaks it: a property named `constructor` makes every condition
 * fail, comparing nested values keeps a new type in memory for each shape ever seen, macros have no bound, `matches` can
 * hang, and a missing key is an exception (with a stack) rather than a value.
 */
import { type ASTNode, Environment, ParseError } from '@marcbachmann/cel-js';
import { findInvisibleOutsideQuotes } from '../../lib/text/invisible-characters.ts';
import type { ConditionProblem, ExpressionKind } from './code.ts';

const MAX_EXPRESSION_CHARS = 4096;

/** Nesting limit that keeps compilation and evaluation from exhausting the stack. */
const parser = new Environment({ limits: { maxAstNodes: 1000, maxDepth: 50 } });

export function parseExpression(
  expression: string,
  noun: ExpressionKind,
): { node: ASTNode } | { problem: ConditionProblem } {
  if (expression.trim() === '') return { problem: { message: `the ${noun} is empty`, offset: 0 } };
  if (expression.length > MAX_EXPRESSION_CHARS) {
    return {
      problem: {
        message: `the ${noun} is longer than ${MAX_EXPRESSION_CHARS} characters`,
        offset: MAX_EXPRESSION_CHARS,
      },
    };
  }
  try {
    return { node: parser.parse(expression).ast };
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const problem = toProblem(error, expression, noun);
    const quote = problem.hint === undefined ? TYPOGRAPHIC_QUOTE.exec(expression)?.[0] : undefined;
    if (quote === undefined) return { problem };
    const code = quote.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    return { problem: { ...problem, hint: `${quote} (U+${code}) is a typographic quote: write " or '` } };
  }
}

const TYPOGRAPHIC_QUOTE = /[\u2018-\u201f\u00ab\u00bb\u2039\u203a]/;

/** Hints by unexpected token or the word before it. */
const TOKEN_HINTS: { readonly [token: string]: string } = {
  '=': '==',
  '&': '&&',
  '|': '||',
  and: '&&',
  AND: '&&',
  or: '||',
  OR: '||',
  not: '!',
  NOT: '!',
  is: '==',
  '“': '"',
  '”': '"',
  '‘': "'",
  '’': "'",
};

const SYMBOL_NAMES: { readonly [token: string]: string } = {
  RPAREN: '")"',
  RBRACKET: '"]"',
  RBRACE: '"}"',
  COLON: '":"',
  IDENTIFIER: 'a name',
};

function toProblem(error: ParseError, expression: string, noun: ExpressionKind): ConditionProblem {
  const offset = Math.min(error.range?.start ?? 0, expression.length);
  const rest = expression.slice(offset);
  const found = /^(\w+|.)/su.exec(rest.trimStart())?.[0];
  const before = /(\w+|[=!&|]+)\s*$/.exec(expression.slice(0, offset))?.[1] ?? '';

  const problem = (message: string, meant?: string): ConditionProblem =>
    meant === undefined ? { message, offset } : { message, offset, hint: `did you mean ${meant}?` };

  const invisible = findInvisibleOutsideQuotes(expression);
  if (invisible) {
    const { index, name, hint } = invisible;
    return { message: `the ${noun} has ${name} here`, offset: index, hint };
  }

  switch (error.code) {
    case 'expected_token': {
      const symbol = SYMBOL_NAMES[/Expected ([A-Z]+)/.exec(error.summary)?.[1] ?? ''];
      if (symbol === undefined) break;
      return problem(
        found === undefined ? `${symbol} is missing at the end` : `${symbol} is missing before "${found}"`,
      );
    }
    case 'unexpected_token':
    case 'unexpected_character': {
      if (found === undefined) return problem(`the ${noun} ends too early`);
      // The parser reads `===` as `==` and an unexpected `=`, and `not x` as a variable `not` and an unexpected `x`.
      if (found === '=' && /^[=!]=$/.test(before)) return problem('"=" is not expected here', before);
      const meant = getOwn(TOKEN_HINTS, found);
      if (meant === undefined && getOwn(TOKEN_HINTS, before)) {
        const start = expression.lastIndexOf(before, offset - 1);
        return {
          message: `"${before}" is not expected here`,
          hint: `did you mean ${TOKEN_HINTS[before]}?`,
          offset: start,
        };
      }
      return problem(`"${found}" is not expected here`, meant);
    }
    case 'limit_exceeded':
      return problem(`the ${noun} is too large or nested too deeply`);
    case 'reserved_identifier':
      return problem(`"${found ?? ''}" is a reserved word`);
    case 'invalid_macro_argument':
      return problem(`a plain name is needed here, as x in exists(x, x > 1)`);
  }
  return problem(error.summary.charAt(0).toLowerCase() + error.summary.slice(1));
}

function getOwn(table: { readonly [key: string]: string }, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
