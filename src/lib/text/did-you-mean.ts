import { distance } from 'fastest-levenshtein';

/** Longer words are not compared: they are no typing errors, and comparing them with every candidate would take long. */
const MAX_WORD_CHARS = 100;

/**
 * Returns the candidate that a misspelled word probably means, for "Did you mean". Letter case does not count.
 *
 * It is the candidate with the fewest letters to change, the first of several, if at most a third of the letters of the
 * word are wrong or two are swapped; else the first candidate that starts with the word. Undefined: no candidate is close.
 */
export function findNearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > MAX_WORD_CHARS) return undefined;
  const all = [...candidates];
  const folded = word.toLowerCase();
  const maxDistance = Math.min(Math.max(1, Math.floor(word.length / 3)), word.length - 1);
  let nearest: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of all) {
    const other = candidate.toLowerCase();
    const letters = distance(folded, other);
    if (letters < least && (letters <= maxDistance || (letters === 2 && haveSameLetters(folded, other)))) {
      [nearest, least] = [candidate, letters];
    }
  }
  return (
    nearest ?? (folded.length < 3 ? undefined : all.find((candidate) => candidate.toLowerCase().startsWith(folded)))
  );
}

function haveSameLetters(word: string, other: string): boolean {
  return [...word].sort().join('') === [...other].sort().join('');
}
