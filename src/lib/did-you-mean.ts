import { distance } from 'fastest-levenshtein';

/** A longer word is no slip, and comparing it with every candidate would take long. */
const MAX_WORD_CHARS = 100;

/**
 * "Did you mean": the candidate that the word is probably a slip of (up to a third of its letters are wrong, or two are
 * swapped), the first of those that need the fewest letters changed; else one that it is the beginning of. Letter case
 * counts for nothing.
 */
export function findNearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > MAX_WORD_CHARS) return undefined;
  const all = [...candidates];
  const folded = word.toLowerCase();
  const most = Math.min(Math.max(1, Math.floor(word.length / 3)), word.length - 1);
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of all) {
    const other = candidate.toLowerCase();
    const letters = distance(folded, other);
    if (letters < least && (letters <= most || (letters === 2 && areSwapped(folded, other)))) {
      [best, least] = [candidate, letters];
    }
  }
  return best ?? (folded.length < 3 ? undefined : all.find((candidate) => candidate.toLowerCase().startsWith(folded)));
}

function areSwapped(word: string, other: string): boolean {
  return [...word].sort().join('') === [...other].sort().join('');
}
