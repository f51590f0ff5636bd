import { LRUCache } from 'lru-cache';
import type { Millis } from '../../model/event.ts';
import type { Provider } from '../provider.ts';

/** Emails with files that a process sends at once: their files are in memory. */
const MAX_AT_ONCE = 16;
/** Time in ms that the files of an email take from which on their tenant counts as slow, until they take less. */
const SLOW_MS: Millis = 1000;
/** Tenants that are remembered as slow, and time in ms for which they are. */
const MAX_SLOW_TENANTS = 10_000;
const SLOW_FOR_MS: Millis = 10 * 60_000;

/** An email whose files are being fetched or sent. */
export interface Turn {
  /** Reports that its files are here, or cannot be had. */
  endFetch(): void;
  /** Gives the turn back: its files are no longer in memory. */
  release(): void;
}

/** The account that an email goes by: it occupies a slot of it while its files are fetched. */
export type FetchingAccount = Pick<Provider, 'concurrency'>;

/**
 * Admission of emails with files. A tenant has as many at once as are still free (dynamic threshold, Choudhury and Hahne, 1998):
 * half of all when it is alone, and there is room for one more tenant. One whose files were slow has one at a time, and all such
 * tenants together at most half of the slots of an account: their servers hold up no other tenant.
 */
export class FetchTurns {
  readonly #byTenant = new Map<string, number>();
  readonly #slow = new LRUCache<string, true>({ max: MAX_SLOW_TENANTS, ttl: SLOW_FOR_MS });
  readonly #slowByAccount = new WeakMap<FetchingAccount, number>();
  #running = 0;

  /** Returns undefined if the email has to wait. */
  start(tenantId: string, account: FetchingAccount): Turn | undefined {
    const own = this.#byTenant.get(tenantId) ?? 0;
    if (own >= MAX_AT_ONCE - this.#running) return undefined;
    const isSlow = this.#slow.has(tenantId);
    if (isSlow && (own > 0 || !this.#hasSlowSlot(account))) return undefined;
    this.#running++;
    this.#byTenant.set(tenantId, own + 1);
    if (isSlow) this.#countSlow(account, 1);
    let wasQuick = true;
    const timer = setTimeout(() => {
      wasQuick = false;
      this.#slow.set(tenantId, true);
    }, SLOW_MS).unref();
    return {
      endFetch: () => {
        clearTimeout(timer);
        if (wasQuick) this.#slow.delete(tenantId);
        if (isSlow) this.#countSlow(account, -1);
      },
      release: () => {
        this.#running--;
        const left = (this.#byTenant.get(tenantId) ?? 1) - 1;
        if (left === 0) this.#byTenant.delete(tenantId);
        else this.#byTenant.set(tenantId, left);
      },
    };
  }

  #hasSlowSlot(account: FetchingAccount): boolean {
    return (this.#slowByAccount.get(account) ?? 0) < Math.max(1, Math.floor(account.concurrency / 2));
  }

  #countSlow(account: FetchingAccount, by: 1 | -1): void {
    this.#slowByAccount.set(account, (this.#slowByAccount.get(account) ?? 0) + by);
  }
}
