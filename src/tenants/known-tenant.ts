import { ConfigError } from '../errors.ts';
import { findNearest } from '../lib/text/did-you-mean.ts';
import { isTestTenant, liveTenantId } from '../model/principal.ts';
import type { Connection } from '../store/pg/pool.ts';
import { listTenants, loadTenant } from '../store/tenants/tenants.ts';

/** Ids among which the nearest one is looked for, in order. */
const MAX_COMPARED_IDS = 10_000;
/** Ids that a message names if none is near. */
const MAX_NAMED_IDS = 10;

/**
 * Makes sure that a setting or option names a tenant that exists.
 * @param connection of the owner
 * @throws ConfigError with the nearest id, or those that there are
 */
export async function requireKnownTenant(connection: Connection, tenantId: string): Promise<void> {
  const tenant = await loadTenant(connection, tenantId);
  if (tenant?.status === 'deleting') throw new ConfigError(`the tenant ${tenantId} is being deleted; name another one`);
  if (tenant) return;
  const known = await listTenants(connection, '', MAX_COMPARED_IDS);
  const message = describeUnknownTenant(
    tenantId,
    known.filter(({ status }) => status !== 'deleting').map((one) => one.tenantId),
  );
  throw new ConfigError(message);
}

/**
 * Returns a message with the nearest id, or else the first ones that there are.
 * @param known ids of live tenants in order; empty: the caller may not know them
 */
export function describeUnknownTenant(tenantId: string, known: readonly string[]): string {
  const problem = `there is no tenant ${tenantId} (TIDINGS_TENANT or --tenant)`;
  if (known.length === 0) return `${problem}; name the one of your key, or none`;
  const live = liveTenantId(tenantId);
  if (isTestTenant(tenantId) && known.includes(live)) {
    return `${problem}; the first test key of ${live} makes it: tidings keys create --test --tenant ${live}`;
  }
  const nearest = findNearest(tenantId, known);
  if (nearest !== undefined) return `${problem}; did you mean ${nearest}?`;
  const named = known.slice(0, MAX_NAMED_IDS).join(', ');
  const rest = known.length > MAX_NAMED_IDS ? ', …' : '';
  return `${problem}; there are: ${named}${rest}. While Tidings runs, tidings tenants create makes another one`;
}
