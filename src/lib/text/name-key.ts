/** Longest name that is compared; what follows is left out. */
const MAX_NAME_CHARS = 200;

/** Returns a name, or the start of one, in the form in which names are compared. Null: nothing is left of it. */
export function toNameKey(name: string): string | null {
  const key = name
    .slice(0, 4 * MAX_NAME_CHARS)
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .trim();
  return key === '' ? null : [...key].slice(0, MAX_NAME_CHARS).join('').trimEnd();
}
