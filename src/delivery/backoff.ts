const BASE_DELAY_MS = 2000;
const MAX_DELAY_MS = 3_600_000;

/**
 * Returns the delay before the next attempt, in ms: exponential backoff with full jitter, from 0 up to 2 s, 4 s, 8 s … 1 h.
 * The jitter spreads out deliveries that failed together. (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture
 * Blog, 2015.)
 *
 * @param attempt number of the attempt that failed, from 1
 * @param random from 0 (inclusive) to 1 (exclusive)
 * @param after minimum delay in ms that the provider asked for (`Retry-After`)
 */
export function retryDelay(attempt: number, random: number, after = 0): number {
  const ceiling = Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** Math.min(attempt - 1, 30));
  return Math.max(after, Math.round(random * ceiling));
}
