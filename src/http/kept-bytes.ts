import { LRUCache } from 'lru-cache';

/** Tenants that are counted; one takes some 100 bytes. */
const MAX_TENANTS = 10_000;

/** Bytes that this process has kept of each tenant since what the tenant has was last looked at. */
export class KeptBytes {
  readonly #step: number;
  readonly #kept = new LRUCache<string, number>({ max: MAX_TENANTS });

  /** @param step bytes after which a look is due */
  constructor(step: number) {
    this.#step = step;
  }

  /** Returns whether a look is due: also at the first response of a tenant that is not counted yet. */
  add(tenantId: string, bytes: number): boolean {
    const kept = (this.#kept.get(tenantId) ?? this.#step) + bytes;
    const isDue = kept >= this.#step;
    this.#kept.set(tenantId, isDue ? 0 : kept);
    return isDue;
  }
}
