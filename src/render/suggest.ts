import { nearest } from '../nearest.ts';

/** The candidate that was probably meant, or undefined when none is near. */
export function suggest(name: string, candidates: readonly string[]): string | undefined {
  const most = Math.max(1, Math.floor(name.length / 3));
  return nearest(name, candidates, (letters) => letters <= most);
}
