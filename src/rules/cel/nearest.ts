/** "Did you mean". */
import { nearest } from '../../nearest.ts';

/** A third of the letters wrong, or two swapped. */
export function didYouMean(name: string, candidates: readonly string[]): string | undefined {
  const most = Math.max(1, Math.floor(name.length / 3));
  const isSwapped = (other: string) => sorted(name) === sorted(other);
  const best = nearest(name, candidates, (letters, other) => letters <= most || (letters === 2 && isSwapped(other)));
  return best === undefined ? undefined : `did you mean ${best}?`;
}

/** The first few names, for a message. */
export function some(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 8).join(', ')}, …` : names.join(', ');
}

function sorted(text: string): string {
  return [...text.toLowerCase()].sort().join('');
}
