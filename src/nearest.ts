import { distance } from 'fastest-levenshtein';

/**
 * "Did you mean": the candidate that needs the fewest letters changed to be the word, if `isSlip` takes that many for a slip;
 * the first of equals. Letter case counts for nothing.
 */
export function nearest(
  word: string,
  candidates: Iterable<string>,
  isSlip: (letters: number, candidate: string) => boolean,
): string | undefined {
  const folded = word.toLowerCase();
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const letters = distance(folded, candidate.toLowerCase());
    if (letters < least && isSlip(letters, candidate)) [best, least] = [candidate, letters];
  }
  return best;
}
