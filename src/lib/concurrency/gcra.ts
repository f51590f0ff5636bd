/** Sums of intervals are not exact: tolerance in ms. */
const TOLERANCE_MS = 1e-3;
/** Part of a bucket that is kept for urgent uses. */
const URGENT_SHARE = 1 / 8;

/** A bucket that fills evenly: one token per `interval` ms, up to `capacity`. */
export interface Bucket {
  readonly interval: number;
  readonly capacity: number;
}

/**
 * Returns a state that is stored as the bucket can have it: what is taken further ahead was noted before the clock was set back, or
 * before the limit was lowered, and would stop everything until then. Parameters as below.
 */
export function boundState({ interval, capacity }: Bucket, takenUntil: number, now: number): number {
  return Math.min(takenUntil, now + capacity * interval);
}

/**
 * Returns how many tokens a bucket has (GCRA, the generic cell rate algorithm of ATM).
 * @param takenUntil its state: the time in ms up to which tokens are taken; 0: it was never used
 * @param isUrgent whether the use may take the tokens that are kept for urgent uses
 */
export function countTokens(bucket: Bucket, takenUntil: number, now: number, isUrgent: boolean): number {
  return Math.max(0, Math.floor((getFree(bucket, takenUntil, now, isUrgent) + TOLERANCE_MS) / bucket.interval));
}

/** Returns the state after this many tokens were taken, which may go beyond what there is. */
export function takeTokens(bucket: Bucket, takenUntil: number, now: number, count: number): number {
  return Math.max(takenUntil, now) + count * bucket.interval;
}

/** Returns in how many ms the bucket has a token; 0: it has one. Parameters as above. */
export function getWait(bucket: Bucket, takenUntil: number, now: number, isUrgent: boolean): number {
  return Math.max(0, bucket.interval - getFree(bucket, takenUntil, now, isUrgent) - TOLERANCE_MS);
}

/** Returns the free tokens, as the time in ms that they take to fill. */
function getFree(bucket: Bucket, takenUntil: number, now: number, isUrgent: boolean): number {
  const { interval, capacity } = bucket;
  // A bucket for one token keeps no token.
  const kept = isUrgent || capacity < 2 ? 0 : Math.ceil(capacity * URGENT_SHARE);
  return now + (capacity - kept) * interval - Math.max(takenUntil, now);
}
