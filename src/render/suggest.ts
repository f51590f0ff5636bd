import { closest, distance } from 'fastest-levenshtein';

/** The candidate that was probably meant, or undefined when none is near. */
export function suggest(name: string, candidates: readonly string[]): string | undefined {
  const best = candidates.length === 0 ? '' : closest(name.toLowerCase(), candidates);
  const near = Math.max(1, Math.floor(name.length / 3));
  return best !== '' && distance(name.toLowerCase(), best.toLowerCase()) <= near ? best : undefined;
}
