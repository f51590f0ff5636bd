import { TokenBucket } from '../lib/concurrency/token-bucket.ts';
import type { Millis } from '../model/event.ts';

/** Users whose timers fire in one transaction, at most. */
export const MAX_BATCH_USERS = 500;

/**
 * Limits how many users have timers fired per second, over waits and schedules: after downtime, what is due is worked off
 * at this rate.
 */
export class Pace {
  readonly rate: number;
  readonly #elapsed: () => Millis;
  readonly #bucket: TokenBucket;
  /** Users worth a transaction: those of a tenth of a second, rather than one by one. */
  readonly #minBatchUsers: number;

  /**
   * @param rate users per second
   * @param elapsed a monotonic clock in ms
   */
  constructor(rate: number, elapsed: () => Millis) {
    this.rate = rate;
    this.#elapsed = elapsed;
    this.#bucket = new TokenBucket(rate, elapsed());
    this.#minBatchUsers = Math.max(1, Math.min(MAX_BATCH_USERS, Math.floor(rate / 10)));
  }

  /** Returns how long to wait before the next batch, in ms; 0: it may start. */
  delay(): Millis {
    return this.#bucket.wait(this.#minBatchUsers, this.#elapsed());
  }

  /** Returns how many users the next batch may have. */
  available(): number {
    return Math.min(MAX_BATCH_USERS, this.#bucket.level(this.#elapsed()));
  }

  /** Counts users. May exceed what is available; the next batch then waits longer. */
  spend(users: number): void {
    this.#bucket.take(users, this.#elapsed());
  }
}
