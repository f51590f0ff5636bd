/** Characters of the longest message that can be a word with punctuation. */
const MAX_CHARS = 40;

/**
 * Returns a text message as a word to compare with others: upper and lower case, accents and punctuation around it do not matter.
 * Undefined: it is too long to be one.
 */
export function toWord(text: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed.length > MAX_CHARS) return undefined;
  return trimmed
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replace(/^[\s\p{P}]+|[\s\p{P}]+$/gu, '')
    .replace(/\s+/g, ' ')
    .toUpperCase();
}
