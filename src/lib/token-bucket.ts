import type { Millis } from '../model/event.ts';

/**
 * A token bucket: so many a second, and at most one second's worth at once. It may go into debt, since what a piece of
 * work was worth is known when it is done; nothing more is given until the debt is paid off.
 */
export class TokenBucket {
  readonly #rate: number;
  #tokens: number;
  #at: Millis;

  /** @param rate tokens a second */
  constructor(rate: number, now: Millis) {
    this.#rate = rate;
    this.#tokens = rate;
    this.#at = now;
  }

  /** What there is; 0 in debt. */
  level(now: Millis): number {
    this.#refill(now);
    return Math.max(0, Math.floor(this.#tokens));
  }

  take(n: number, now: Millis): void {
    this.#refill(now);
    this.#tokens -= n;
  }

  /** How long until there are `n`; at most one second's worth can be waited for. */
  wait(n: number, now: Millis): Millis {
    this.#refill(now);
    const missing = Math.min(n, this.#rate) - this.#tokens;
    return missing <= 0 ? 0 : Math.ceil((missing / this.#rate) * 1000);
  }

  #refill(now: Millis): void {
    this.#tokens = Math.min(this.#rate, this.#tokens + (Math.max(0, now - this.#at) / 1000) * this.#rate);
    this.#at = now;
  }
}
