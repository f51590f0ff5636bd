import { Scalar } from 'yaml';

/**
 * Returns the offset in the file of character `index` of a scalar's value. Advances through the written form (`start` to
 * `end`) and the value side by side, and skips what is only in the written form: quotes, escapes, folding, indentation.
 */
export function findSourceOffset(
  source: string,
  start: number,
  end: number,
  value: string,
  index: number,
  type: unknown,
): number {
  let at = start;
  if (type === Scalar.BLOCK_FOLDED || type === Scalar.BLOCK_LITERAL) {
    while (at < end && source[at] !== '\n') at++;
  } else if (type === Scalar.QUOTE_DOUBLE || type === Scalar.QUOTE_SINGLE) {
    at++;
  }
  for (let i = 0; i <= index && at < end; i++) {
    while (at < end && source[at] !== value[i] && /\s/.test(source[at]!)) at++;
    const isFolded = i < value.length && /\s/.test(value[i]!) && source[at] !== value[i];
    const width = isFolded ? 0 : getWrittenWidth(source, at, type);
    if (i < index) at += width;
  }
  return Math.min(at, end);
}

/** Returns how many characters the written form uses for one character of the value. */
function getWrittenWidth(source: string, at: number, type: unknown): number {
  if (type === Scalar.QUOTE_SINGLE) return source.startsWith("''", at) ? 2 : 1;
  if (type !== Scalar.QUOTE_DOUBLE || source[at] !== '\\') return 1;
  return { x: 4, u: 6, U: 10 }[source[at + 1] ?? ''] ?? 2;
}
