import type { Millis } from '../model/event.ts';

const BASE = 2000;
const CAP = 3_600_000;

/**
 * Exponential backoff with full jitter: anything from nothing to 2 s, 4 s, 8 s … 1 h. A crowd that failed together does
 * not come back together. (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.)
 *
 * @param attempt the one that failed, from 1
 * @param random from 0 (inclusive) to 1
 * @param after what the provider asked for (`Retry-After`), never undercut
 */
export function retryDelay(attempt: number, random: number, after: Millis = 0): Millis {
  const ceiling = Math.min(CAP, BASE * 2 ** Math.min(attempt - 1, 30));
  return Math.max(after, Math.round(random * ceiling));
}
