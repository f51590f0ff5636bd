import { type ParseError, parse, printParseErrorCode } from 'jsonc-parser';

/**
 * The only key of the object that `parseExactJson` puts in the place of a whole number whose digits would change. The NUL
 * keeps it apart from every key that can be stored.
 */
export const INEXACT_NUMBER = '\0number';

/** Thrown for text that is not JSON. The message says where, and never quotes the text, which may hold personal data. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
}

/** Matches where a number may start that has 16 digits or an exponent; digits within strings hardly ever match. */
const MAYBE_INEXACT = /(?:^|[:,[])[ \t\r\n]*-?(?:\d{16}|\d[\d.]*[eE])/;

/** Matches every string and every number of a JSON text. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;

/**
 * Parses JSON text (RFC 8259), with or without a byte order mark. A whole number whose digits would change, because it is
 * beyond 2^53 and has more digits than a double holds, becomes an object with the key INEXACT_NUMBER and its text as the value.
 *
 * @throws JsonSyntaxError
 */
export function parseExactJson(given: string): unknown {
  const text = given.charCodeAt(0) === BYTE_ORDER_MARK ? given.slice(1) : given;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new JsonSyntaxError(describeSyntaxError(text));
  }
  if (!MAYBE_INEXACT.test(text)) return value;
  let isExact = true;
  const marked = text.replace(TOKENS, (token) => {
    if (token.startsWith('"') || keepsDigits(token)) return token;
    isExact = false;
    return JSON.stringify({ [INEXACT_NUMBER]: token });
  });
  return isExact ? value : JSON.parse(marked);
}

const BYTE_ORDER_MARK = 0xfeff;

/**
 * Returns whether a number is written back with the digits that it was read with. A fraction, which is rounded everywhere,
 * counts as kept; so does a whole number such as 1e23, which is written back as 1e+23.
 */
function keepsDigits(literal: string): boolean {
  const value = Number(literal);
  return Number.isSafeInteger(value) || !Number.isInteger(value) || toDigits(literal) === toDigits(String(value));
}

/** Returns the digits and the exponent of a number without leading and trailing zeros: equal numbers have equal text. */
function toDigits(literal: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(literal) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}

/** Returns what is wrong and where, as a sentence without its end: `line 2, column 14: a comma is missing`. */
function describeSyntaxError(text: string): string {
  const errors: ParseError[] = [];
  try {
    parse(text, errors, { disallowComments: true, allowTrailingComma: false });
  } catch {
    // Nested deeper than its recursion reaches.
  }
  const [first] = errors;
  if (!first) return 'it is not complete, or has characters that JSON does not allow';
  const before = text.slice(0, first.offset);
  const line = before.split('\n').length;
  const column = first.offset - before.lastIndexOf('\n');
  return `line ${line}, column ${column}: ${describeError(printParseErrorCode(first.error))}`;
}

/** `PropertyNameExpected` → `property name expected`. */
function describeError(name: string): string {
  return name.replace(/(?<!^)[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();
}
