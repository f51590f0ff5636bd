import { findNearest } from '../../lib/text/did-you-mean.ts';

const MAX_LISTED_NAMES = 12;

/** Returns a hint: `did you mean when?` if a candidate is similar to the word, otherwise a list of the candidates. */
export function suggest(word: string, candidates: Iterable<string>): string {
  const all = [...candidates];
  const near = findNearest(word, all);
  if (near !== undefined) return `did you mean ${near}?`;
  if (all.length < 2) return all.length === 0 ? 'none is defined yet' : `use ${all[0]}`;
  const shown = all.slice(0, MAX_LISTED_NAMES).join(', ');
  const rest = all.length - MAX_LISTED_NAMES;
  return `use one of: ${rest > 0 ? `${shown} and ${rest} more` : shown}`;
}
