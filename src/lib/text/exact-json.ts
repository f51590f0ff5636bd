import { parse } from '@humanwhocodes/momoa';

/**
 * The only key of the object that `parseExactJson` puts in the place of a number that is too large, or whole and of other digits. The NUL
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
 * beyond 2^53 and has more digits than a double holds, and one beyond the range of a double become an object with the key
 * INEXACT_NUMBER and their text as the value.
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
  if (typeof value !== 'object' || !MAYBE_INEXACT.test(text)) return value;
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
  if (!Number.isFinite(value)) return false;
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

/** Returns the place of the first error, as the end of a sentence. `JSON.parse` of Node 20 mostly does not name it. */
function describeSyntaxError(text: string): string {
  try {
    parse(text);
  } catch (error) {
    // Without them, it was nested deeper than its recursion reaches. Its message is not used: it quotes the text.
    const { line, column } = error as { line?: number; column?: number };
    if (line !== undefined) return `the first error is at line ${line}, column ${column}`;
  }
  return text.trim() === '' ? 'it is empty' : 'it is not complete, or has characters that JSON does not allow';
}
