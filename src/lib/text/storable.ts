/** Levels of objects and lists within a value that a request stores, at most. */
export const MAX_STORED_DEPTH = 32;

/** Whether a JSON value can be stored: texts without U+0000 and lone surrogates, nested at most MAX_STORED_DEPTH levels. */
export function isStorable(value: unknown, levels = MAX_STORED_DEPTH): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
  if (typeof value !== 'object' || value === null) return true;
  if (levels === 0) return false;
  return Object.entries(value).every(([name, one]) => isStorable(name, 0) && isStorable(one, levels - 1));
}
