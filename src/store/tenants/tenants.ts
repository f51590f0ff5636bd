import type { Millis } from '../../model/event.ts';
import type { Environment } from '../../model/principal.ts';
import type { TenantProfile, TenantSettings } from '../../model/tenant.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/** A tenant as it is stored. */
export interface StoredTenant {
  readonly tenantId: string;
  readonly name: string;
  readonly environment: Environment;
  readonly status: TenantStatus;
  /** The tenant whose catalog it has; null: its own. */
  readonly follows: string | null;
  readonly settings: TenantSettings;
  /** Grows with each change. */
  readonly revision: number;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
  /** Null: it is active. */
  readonly suspendedAt: Millis | null;
}

export type TenantStatus = 'active' | 'suspended' | 'moving' | 'deleting';

const COLUMNS = `tenant_id as "tenantId", name, environment, status, follows, settings, revision, created_at as "createdAt",
  updated_at as "updatedAt", suspended_at as "suspendedAt"`;

/** Returns null for an unknown id. */
export function loadTenant(connection: Connection, tenantId: string): Promise<StoredTenant | null> {
  return selectTenant(connection, tenantId, '');
}

/** Loads a tenant, and locks it until the end of the transaction. Returns null for an unknown id. */
export function lockTenant(connection: Connection, tenantId: string): Promise<StoredTenant | null> {
  return selectTenant(connection, tenantId, 'for update');
}

async function selectTenant(connection: Connection, tenantId: string, lock: string): Promise<StoredTenant | null> {
  const { rows } = await connection.query<StoredTenant>(`select ${COLUMNS} from tenants where tenant_id = $1 ${lock}`, [
    tenantId,
  ]);
  return rows[0] ?? null;
}

/** Returns name and settings of a tenant; those of its live one for a test tenant, null for an unknown id. */
export async function loadTenantProfile(connection: Connection, tenantId: string): Promise<TenantProfile | null> {
  const { rows } = await connection.query<TenantProfile>(
    `select live.name, live.settings from tenants as t
     join tenants as live on live.tenant_id = coalesce(t.live_tenant_id, t.tenant_id) where t.tenant_id = $1`,
    [tenantId],
  );
  return rows[0] ?? null;
}

/** Returns live tenants in order of their ids, after `after`. */
export async function listTenants(connection: Connection, after: string, limit: number): Promise<StoredTenant[]> {
  const { rows } = await connection.query<StoredTenant>(
    `select ${COLUMNS} from tenants where tenant_id > $1 and environment = 'live' order by tenant_id limit $2`,
    [after, limit],
  );
  return rows;
}

/** Stores a new live tenant. Returns false if the id is taken. @param operationId the request that creates it */
export async function insertTenant(
  connection: Connection,
  tenant: Pick<StoredTenant, 'tenantId' | 'name' | 'follows' | 'settings'> & { readonly operationId: string },
  now: Millis,
): Promise<boolean> {
  const { rowCount } = await connection.query(
    `insert into tenants (tenant_id, name, follows, settings, created_at, updated_at, operation_id)
     values ($1, $2, $3, $4, $5, $5, $6)
     on conflict do nothing`,
    [tenant.tenantId, tenant.name, tenant.follows, JSON.stringify(tenant.settings), isoTime(now), tenant.operationId],
  );
  return rowCount === 1;
}

/** Returns whether an operation created this tenant. */
export async function isCreatedBy(connection: Connection, tenantId: string, operationId: string): Promise<boolean> {
  const { rowCount } = await connection.query('select from tenants where tenant_id = $1 and operation_id = $2', [
    tenantId,
    operationId,
  ]);
  return rowCount === 1;
}

/** Stores name and settings, and counts the revision. They are those of its test tenant as well (`loadTenantProfile`). */
export async function updateTenant(
  connection: Connection,
  tenantId: string,
  { name, settings }: Pick<StoredTenant, 'name' | 'settings'>,
  now: Millis,
): Promise<void> {
  await connection.query(
    `update tenants set name = $2, settings = $3, revision = revision + 1, updated_at = $4 where tenant_id = $1`,
    [tenantId, name, JSON.stringify(settings), isoTime(now)],
  );
}

/**
 * Stores the status of a tenant and of its test tenant. Of one that moves, no transaction that begins later decides anything. The rows
 * of their queues are held, released or deleted by workers from then on (`tenants_unsettled`).
 */
export async function setTenantStatus(
  connection: Connection,
  tenantId: string,
  status: TenantStatus,
  now: Millis,
): Promise<void> {
  await connection.query(
    `update tenants
     set status = $2, revision = revision + 1, updated_at = $3, is_held = true,
         suspended_at = case when $2 = 'active' then suspended_at else coalesce(suspended_at, $3) end
     where $1 in (tenant_id, live_tenant_id)`,
    [tenantId, status, isoTime(now)],
  );
  await connection.query(
    `update active_catalogs set is_moving = $2 where is_moving <> $2
       and tenant_id in (select tenant_id from tenants where $1 in (tenant_id, live_tenant_id))`,
    [tenantId, status === 'moving'],
  );
}

/** Returns a tenant, other than its test tenant, that follows the catalog of this one; null: no tenant does. */
export async function findFollower(connection: Connection, tenantId: string): Promise<string | null> {
  const { rows } = await connection.query<{ tenant_id: string }>(
    'select tenant_id from tenants where follows = $1 and live_tenant_id is distinct from $1 limit 1',
    [tenantId],
  );
  return rows[0]?.tenant_id ?? null;
}

export type UnsettledTenant = Pick<StoredTenant, 'tenantId' | 'status' | 'revision'>;

/** Tenants whose rows are to be held, released or deleted, in order of their ids, after `after`. */
export async function listUnsettledTenants(
  connection: Connection,
  after: string,
  limit: number,
): Promise<UnsettledTenant[]> {
  const { rows } = await connection.query<UnsettledTenant>(
    `select tenant_id as "tenantId", status, revision from tenants
     where (is_held or status <> 'active') and tenant_id > $1 order by tenant_id limit $2`,
    [after, limit],
  );
  return rows;
}
