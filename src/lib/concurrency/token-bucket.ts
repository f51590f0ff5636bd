/**
 * A token bucket: `rate` tokens per second, at most one second's worth at once. It may go into debt, because the cost of a
 * piece of work is known only afterwards; then no tokens are available until the debt is paid off.
 *
 * `now` is in ms. A clock that is set back yields no tokens.
 */
export class TokenBucket {
  /** Tokens per second. */
  readonly rate: number;
  #tokens: number;
  #at: number;

  /** Creates a full bucket. @param rate tokens per second */
  constructor(rate: number, now: number) {
    this.rate = rate;
    this.#tokens = rate;
    this.#at = now;
  }

  /** Returns how many whole tokens are available; 0 in debt. */
  level(now: number): number {
    this.#refill(now);
    return Math.max(0, Math.floor(this.#tokens));
  }

  /** Takes `count` tokens, also if there are fewer. */
  take(count: number, now: number): void {
    this.#refill(now);
    this.#tokens -= count;
  }

  /** Returns after how many ms `count` tokens, or a full bucket if that is less, are available; 0: they are. */
  wait(count: number, now: number): number {
    this.#refill(now);
    const missing = Math.min(count, this.rate) - this.#tokens;
    return missing <= 0 ? 0 : Math.ceil((missing / this.rate) * 1000);
  }

  #refill(now: number): void {
    this.#tokens = Math.min(this.rate, this.#tokens + (Math.max(0, now - this.#at) / 1000) * this.rate);
    this.#at = now;
  }
}
