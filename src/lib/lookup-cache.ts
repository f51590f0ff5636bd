import { LRUCache } from 'lru-cache';

export interface LookupCacheOptions<V> {
  /** Values in memory, at most; those used last stay. */
  readonly max: number;
  /** Time in ms for which a result is used. */
  readonly ttl: number;
  /** Returns the value; null if there is no such value. */
  readonly load: (id: string) => Promise<V | null>;
}

/**
 * Results of look-ups, also those that found nothing, each for a bounded time. Results without a value have a room of their
 * own, as large: a flood of unknown ids evicts no known one. Several look-ups of one id at a time are one.
 */
export class LookupCache<V extends object> {
  readonly #found: LRUCache<string, V>;
  readonly #missing: LRUCache<string, true>;
  readonly #load: (id: string) => Promise<V | null>;
  #pending = new Map<string, Promise<V | null>>();

  constructor({ max, ttl, load }: LookupCacheOptions<V>) {
    this.#found = new LRUCache({ max, ttl });
    this.#missing = new LRUCache({ max, ttl });
    this.#load = load;
  }

  /** Returns what is known, at once if it is; null: there is no such value. Rejects if the look-up fails. */
  find(id: string): V | null | Promise<V | null> {
    const value = this.#found.get(id);
    if (value) return value;
    if (this.#missing.has(id)) return null;
    const pending = this.#pending.get(id);
    if (pending) return pending;
    const started = this.#lookUp(id);
    this.#pending.set(id, started);
    return started;
  }

  /** Forgets everything, and what look-ups under way will return. */
  clear(): void {
    this.#found.clear();
    this.#missing.clear();
    this.#pending = new Map();
  }

  async #lookUp(id: string): Promise<V | null> {
    const pending = this.#pending;
    try {
      const value = await this.#load(id);
      // Otherwise it was cleared meanwhile: the result may be older than that.
      if (pending === this.#pending) {
        if (value) this.#found.set(id, value);
        else this.#missing.set(id, true);
      }
      return value;
    } finally {
      pending.delete(id);
    }
  }
}
