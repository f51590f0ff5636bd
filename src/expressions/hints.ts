import { findNearest } from '../lib/text/did-you-mean.ts';

/** Returns `did you mean X?` for the closest candidate, or undefined if none is close. */
export function didYouMean(name: string, candidates: readonly string[]): string | undefined {
  const best = findNearest(name, candidates);
  return best === undefined ? undefined : `did you mean ${best}?`;
}

/** Joins the first eight names for a message. */
export function joinNames(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 8).join(', ')}, …` : names.join(', ');
}
