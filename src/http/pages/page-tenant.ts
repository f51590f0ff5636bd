import { TidingsError } from '../../errors.ts';
import { NO_TENANT, type TenantProfile } from '../../model/tenant.ts';
import type { Connection } from '../../store/pg/pool.ts';
import { loadTenant, loadTenantProfile } from '../../store/tenants/tenants.ts';

/** Returns the tenant whose page it is. @throws TidingsError `not_found` if it is gone */
export async function loadPageTenant(owner: Connection, tenantId: string): Promise<TenantProfile> {
  const tenant = await loadTenant(owner, tenantId);
  if (!tenant || tenant.status === 'deleting') throw goneLink();
  return (await loadTenantProfile(owner, tenantId)) ?? NO_TENANT;
}

/** The answer to each link that leads nowhere, whatever is behind that. */
export function goneLink(): TidingsError {
  return new TidingsError('not_found', 'This link no longer leads anywhere.');
}
