import { LRUCache } from 'lru-cache';

export interface RateLimiterOptions {
  /** Uses within `window`; all of them may come at once. */
  readonly limit: number;
  /** In ms. */
  readonly window: number;
  /** Ids in memory, at most; those used last stay. */
  readonly max: number;
  /** Returns the time in ms since some start; it never goes back. */
  readonly elapsed?: () => number;
}

/** Limits of uses, one for each id, within this process (GCRA: a bucket that fills evenly). */
export class RateLimiter {
  readonly #interval: number;
  readonly #window: number;
  readonly #takenUntil: LRUCache<string, number>;
  readonly #elapsed: () => number;

  constructor({ limit, window, max, elapsed = () => performance.now() }: RateLimiterOptions) {
    this.#interval = window / limit;
    this.#window = window;
    this.#takenUntil = new LRUCache({ max });
    this.#elapsed = elapsed;
  }

  /** Returns after how many seconds the id may be used; 0: now. */
  wait(id: string): number {
    const takenUntil = this.#takenUntil.get(id);
    if (takenUntil === undefined) return 0;
    const wait = takenUntil + this.#interval - this.#window - this.#elapsed();
    return wait <= 0 ? 0 : Math.ceil(wait / 1000);
  }

  /** Uses the id once, also if it may not be used. */
  use(id: string): void {
    const now = this.#elapsed();
    const takenUntil = Math.max(this.#takenUntil.get(id) ?? now, now) + this.#interval;
    this.#takenUntil.set(id, Math.min(takenUntil, now + this.#window));
  }
}
