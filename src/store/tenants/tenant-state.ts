import type { Environment } from '../../model/principal.ts';
import type { Connection } from '../pg/pool.ts';
import type { TenantStatus } from './tenants.ts';

/** State of a tenant, which decides whether it may call. */
export interface TenantState {
  readonly environment: Environment;
  /** A test tenant has that of its live one, if that is not active. */
  readonly status: TenantStatus;
}

/** Returns null for an unknown tenant. */
export async function loadTenantState(connection: Connection, tenantId: string): Promise<TenantState | null> {
  const { rows } = await connection.query<TenantState>(
    `select t.environment, case when t.status = 'active' then coalesce(live.status, t.status) else t.status end as status
     from tenants as t left join tenants as live on live.tenant_id = t.live_tenant_id
     where t.tenant_id = $1`,
    [tenantId],
  );
  return rows[0] ?? null;
}

/** Returns the status of a tenant; null: it was deleted. */
export async function loadTenantStatus(connection: Connection, tenantId: string): Promise<TenantStatus | null> {
  const { rows } = await connection.query<{ status: TenantStatus }>('select status from tenants where tenant_id = $1', [
    tenantId,
  ]);
  return rows[0]?.status ?? null;
}
