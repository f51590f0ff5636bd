import type pg from 'pg';
import { LookupCache } from '../lib/lookup-cache.ts';
import { isTenantId } from '../model/tenant.ts';
import { loadTenantState, type TenantState } from '../store/tenants/tenant-state.ts';

/** Tenants in memory; one takes some 200 bytes. */
const MAX_TENANTS = 10_000;
/** Time in ms after which a change of a tenant is noticed even if its announcement was missed. */
const MAX_AGE_MS = 10_000;

/** Status and environment of the tenants that call, kept in memory for up to MAX_AGE_MS. */
export class TenantStates {
  readonly #states: LookupCache<TenantState>;

  /** @param pool that of the owner */
  constructor(pool: pg.Pool) {
    this.#states = new LookupCache({ max: MAX_TENANTS, ttl: MAX_AGE_MS, load: (id) => loadTenantState(pool, id) });
  }

  /** Returns null for an unknown tenant. */
  readonly find = (tenantId: string): TenantState | null | Promise<TenantState | null> =>
    isTenantId(tenantId) ? this.#states.find(tenantId) : null;

  /** Forgets everything: a tenant has changed. */
  clear(): void {
    this.#states.clear();
  }
}
