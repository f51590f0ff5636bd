/** "Did you mean". */
import { distance } from 'fastest-levenshtein';

/** The candidate that `name` is a misspelling of, if there is one: a third of its letters wrong, or two swapped. */
function nearest(name: string, candidates: readonly string[]): string | undefined {
  const folded = name.toLowerCase();
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const other = candidate.toLowerCase();
    const far = distance(folded, other);
    const close = far <= Math.max(1, Math.floor(name.length / 3)) || (far === 2 && sorted(folded) === sorted(other));
    if (close && far < least) [best, least] = [candidate, far];
  }
  return best;
}

function sorted(text: string): string {
  return [...text].sort().join('');
}

export function didYouMean(name: string, candidates: readonly string[]): string | undefined {
  const best = nearest(name, candidates);
  return best === undefined ? undefined : `did you mean ${best}?`;
}

/** The first few names, for a message. */
export function some(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 8).join(', ')}, …` : names.join(', ');
}
