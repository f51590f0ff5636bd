import { findNearest } from '../lib/did-you-mean.ts';

export function didYouMean(name: string, candidates: readonly string[]): string | undefined {
  const best = findNearest(name, candidates);
  return best === undefined ? undefined : `did you mean ${best}?`;
}

/** The first few names, for a message. */
export function some(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 8).join(', ')}, …` : names.join(', ');
}
