import { doublePause } from '../lib/doubling-pause.ts';

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
  const ceiling = doublePause(BASE_DELAY_MS, MAX_DELAY_MS, attempt);
  return Math.max(after, Math.round(random * ceiling));
}

/** Pauses of webhooks in ms after the first failure, the second, …: those of Svix, 27.6 h in all. Further ones are as the last. */
const WEBHOOK_DELAYS_MS = [5, 300, 1800, 7200, 18_000, 36_000, 36_000].map((seconds) => seconds * 1000);
/** Part of a pause by which it may be shorter, so that what failed together does not come back together. */
const WEBHOOK_JITTER = 0.2;

/** Returns the delay before the next attempt at a webhook, in ms: receivers are away for hours, not for seconds. Parameters as above. */
export function webhookRetryDelay(attempt: number, random: number, after = 0): number {
  const delay = WEBHOOK_DELAYS_MS[Math.min(attempt, WEBHOOK_DELAYS_MS.length) - 1] as number;
  return Math.max(after, Math.round(delay * (1 - WEBHOOK_JITTER * random)));
}
