import type pg from 'pg';
import { LookupCache } from '../lib/lookup-cache.ts';
import type { TenantProfile } from '../model/tenant.ts';
import { loadTenantProfile } from '../store/tenants/tenants.ts';

/** Tenants in memory; one takes up to some 16 KB, with its branding. */
const MAX_TENANTS = 1000;
/** Time in ms after which a change of the settings is noticed. */
const MAX_AGE_MS = 10_000;

const UNKNOWN: TenantProfile = { name: '', settings: {} };

/** Names and settings of tenants for their messages, kept in memory for up to MAX_AGE_MS. */
export class TenantProfiles {
  readonly #profiles: LookupCache<TenantProfile>;

  /** @param pool that of the owner */
  constructor(pool: pg.Pool) {
    this.#profiles = new LookupCache<TenantProfile>({
      max: MAX_TENANTS,
      ttl: MAX_AGE_MS,
      load: (id) => loadTenantProfile(pool, id),
    });
  }

  /** Returns the profile, at once if it is known. That of an unknown tenant is empty. */
  readonly get = (tenantId: string): TenantProfile | Promise<TenantProfile> => {
    const found = this.#profiles.find(tenantId);
    return found instanceof Promise ? found.then((profile) => profile ?? UNKNOWN) : (found ?? UNKNOWN);
  };
}
