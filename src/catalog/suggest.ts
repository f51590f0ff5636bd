import { distance } from 'fastest-levenshtein';

/** `did you mean when?` if one of the candidates is close to the word, else what there is. */
export function suggest(word: string, candidates: Iterable<string>): string {
  const all = [...candidates];
  const near = nearest(word, all);
  if (near !== undefined) return `did you mean ${near}?`;
  if (all.length === 0) return 'there is none yet';
  const shown = all.slice(0, 12).join(', ');
  return `there is: ${all.length > 12 ? `${shown} and ${all.length - 12} more` : shown}`;
}

/** The candidate that the word is probably a slip of, or the beginning of; letter case counts for nothing. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > 100) return undefined;
  const all = [...candidates];
  const lower = word.toLowerCase();
  let best: string | undefined;
  // Two letters swapped count as two.
  let bestDistance = Math.min(Math.ceil(word.length / 3), word.length - 1) + 1;
  for (const candidate of all) {
    const d = distance(lower, candidate.toLowerCase());
    if (d < bestDistance) [best, bestDistance] = [candidate, d];
  }
  return best ?? (lower.length < 3 ? undefined : all.find((candidate) => candidate.toLowerCase().startsWith(lower)));
}
