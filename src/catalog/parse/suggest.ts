import { findNearest } from '../../lib/did-you-mean.ts';

/** `did you mean when?` if one of the candidates is close to the word, else what there is. */
export function suggest(word: string, candidates: Iterable<string>): string {
  const all = [...candidates];
  const near = findNearest(word, all);
  if (near !== undefined) return `did you mean ${near}?`;
  if (all.length === 0) return 'there is none yet';
  const shown = all.slice(0, 12).join(', ');
  return `there is: ${all.length > 12 ? `${shown} and ${all.length - 12} more` : shown}`;
}
