/**
 * Returns the pause after failures in a row: the first one, then twice as long each time, up to the longest. All in the same unit.
 * @param failures from 1
 */
export function doublePause(first: number, longest: number, failures: number): number {
  return Math.min(longest, first * 2 ** Math.min(failures - 1, 30));
}
