import type pg from 'pg';
import { TidingsError } from '../../errors.ts';
import { findBypass } from './api-login.ts';
import { type Reads, type Replica, readsOfPrimary } from './replica.ts';
import { tenantPool } from './tenant-pool.ts';

/** The database as the API sees it. */
export interface TenantDatabase {
  /** Connections of the owner: for what belongs to the whole installation, and for catalogs, which have followers. */
  readonly owner: pg.Pool;
  /** Connections of the API login, each of whose statements sets its tenant; those of the owner if there is no such login. */
  readonly requests: pg.Pool;
  /** Whether the API has a login of its own, which was proved at the start not to bypass row-level security. */
  readonly isIsolated: boolean;
  /** Returns what the functions of the store take as pool: for rows of this tenant only, if `isIsolated`. */
  forTenant(tenantId: string): pg.Pool;
  /** Returns what reads rows of this tenant, in the same way, from a replica if there is one. */
  readsOf(tenantId: string): Reads;
  /** Returns why the API login may read rows of other tenants now; null: it cannot. */
  findBypass(): Promise<string | null>;
}

/** A replica, and the URL by which the API login reaches the primary. */
interface ReplicatedLogin {
  readonly replica: Replica;
  readonly url: string;
}

/**
 * Returns a database whose second wall between tenants is row-level security.
 * @param requests a pool of the API login, opened with `prepareTenantSession`
 * @param replicated the replica, and the URL of the API login on the primary; absent: there is no replica
 */
export function isolatedDatabase(
  owner: pg.Pool,
  requests: pg.Pool,
  role: string,
  replicated?: ReplicatedLogin,
): TenantDatabase {
  const forTenant = (tenantId: string) => tenantPool(requests, tenantId);
  return {
    owner,
    requests,
    isIsolated: true,
    forTenant,
    readsOf(tenantId) {
      if (!replicated) return readsOfPrimary(forTenant(tenantId));
      const { replica, url } = replicated;
      return replica.reads(forTenant(tenantId), () => tenantPool(replica.openRequests(url, role), tenantId));
    },
    findBypass: () => findBypass(owner, role),
  };
}

/** Returns a database with one login, for an installation with one tenant. */
export function sharedDatabase(owner: pg.Pool, replica: Replica | null = null): TenantDatabase {
  return {
    owner,
    requests: owner,
    isIsolated: false,
    forTenant: () => owner,
    readsOf: () => replica?.reads(owner, () => replica.openOwner()) ?? readsOfPrimary(owner),
    findBypass: async () => 'the API has no login of its own',
  };
}

/**
 * Checks that a further tenant would be behind the second wall.
 * @throws TidingsError `tenant_isolation_unavailable`
 */
export async function requireIsolation(database: TenantDatabase): Promise<void> {
  const cause = await database.findBypass();
  if (cause === null) return;
  throw new TidingsError(
    'tenant_isolation_unavailable',
    `A second tenant needs a login of the API that row-level security holds for: ${cause}. See docs/security.md.`,
  );
}
