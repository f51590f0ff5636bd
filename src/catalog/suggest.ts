import { nearest as closest } from '../nearest.ts';

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
  // Two letters swapped count as two.
  const most = Math.min(Math.ceil(word.length / 3), word.length - 1);
  const near = closest(word, all, (letters) => letters <= most);
  const lower = word.toLowerCase();
  return near ?? (lower.length < 3 ? undefined : all.find((candidate) => candidate.toLowerCase().startsWith(lower)));
}
