import { ConfigError } from '../../errors.ts';
import type { Millis } from '../../model/event.ts';
import { isTestTenant, liveTenantId, systemActor, testTenantId } from '../../model/principal.ts';
import { beginToFollow } from '../catalog-followers.ts';
import type { Connection } from '../pg/pool.ts';
import { loadTenant } from '../tenants/tenants.ts';
import { DumpError } from './format.ts';

/** Parts that a restore of one tenant left out. */
export interface LeftOut {
  /** The tenant whose catalog it followed in the dump, and does not follow here; null: as in the dump. */
  readonly followed: string | null;
  /** API keys of the whole installation that was dumped. */
  readonly installation_keys: number;
}

/** Returns the tenants that are dumped and restored together: a live one and that of its test keys. */
export function withTestTenant(tenant: string): readonly string[] {
  return [tenant, testTenantId(tenant)];
}

/** @throws ConfigError if this is the tenant of test keys, which is no tenant of its own */
export function requireLiveId(tenant: string): void {
  if (!isTestTenant(tenant)) return;
  throw new ConfigError(`"${tenant}" has the data of the test keys of "${liveTenantId(tenant)}"; name that tenant`);
}

/**
 * Adds the tenant in `restored_tenants` to the table of tenants. It follows none yet: the lock on the other one would be held
 * until the restore ends.
 * @throws ConfigError if the dump does not have all of it, or this installation has such a tenant
 */
export async function addTenant(connection: Connection, tenant: string, columns: string): Promise<void> {
  const { rows } = await connection.query<{ status: string }>(
    'select status from restored_tenants where tenant_id = $1',
    [tenant],
  );
  if (!rows[0]) throw new DumpError(`the dump has no tenant "${tenant}"`);
  if (rows[0].status === 'deleting') {
    throw new DumpError(`the tenant "${tenant}" was being deleted when it was dumped; the dump has only a part of it`);
  }
  // A new installation has a row for its first tenant.
  await connection.query(
    `delete from tenants as t where tenant_id = $1 and status = 'active' and revision = 1 and operation_id is null
       and not exists (select from tenants where $1 in (follows, live_tenant_id))`,
    [tenant],
  );
  const own = columns.replace('"follows"', 'case when live_tenant_id is not null then live_tenant_id end');
  const { rowCount } = await connection.query(
    `insert into tenants (${columns}) select ${own} from restored_tenants on conflict do nothing`,
  );
  const { rows: wanted } = await connection.query<{ count: number }>('select count(*) as count from restored_tenants');
  if (rowCount !== wanted[0]?.count) throw await alreadyThere(connection, tenant);
}

/** Returns the error for a tenant that this installation has, with what to do about it. */
export async function alreadyThere(connection: Connection, tenant: string): Promise<ConfigError> {
  const status = (await loadTenant(connection, tenant))?.status;
  const hints: { readonly [status: string]: string } = {
    moving: (await isArrived(connection, tenant))
      ? `; it was restored here: tidings tenants resume ${tenant} goes on with it, and tidings tenants delete ${tenant} makes room for another restore`
      : `; it moves away from here, so it may have gone on elsewhere: if it has, tidings tenants delete ${tenant} makes room for it to come back`,
    deleting: '; it is being deleted: try again when it is gone',
  };
  const hint = hints[status ?? ''] ?? '';
  return new ConfigError(`this installation has the tenant "${tenant}" already; nothing was restored${hint}`);
}

/** Whether a tenant that moves was restored here since it began to: otherwise this is the place that it leaves. */
async function isArrived(connection: Connection, tenant: string): Promise<boolean> {
  const { rows } = await connection.query<{ action: string }>(
    `select action from audit_log where tenant_id = $1 and subject in ($1, $2) and action in ('tenant.moving', $3)
     order by entry_id desc limit 1`,
    [tenant, toRestoreSubject(tenant), RESTORED],
  );
  return rows[0]?.action === RESTORED;
}

/** Action and subject of the entry in the audit log about a restore of one tenant. */
export const RESTORED = 'database.restored';
export const toRestoreSubject = (tenant: string): string => `tenant ${tenant}`;

/**
 * Fits a restored tenant into this installation. It follows the tenant that it followed if that one has or had the same
 * catalog here. Its keys of the whole dumped installation would have rights over the tenants of this one: they are left out.
 */
export async function fitTenant(connection: Connection, tenant: string, now: Millis): Promise<LeftOut> {
  const { rows } = await connection.query<{ tenant: string; base: string; isKnown: boolean }>(
    `select r.tenant_id as tenant, r.follows as base,
            own.version is null or exists (
              select from catalogs as c join catalogs as mine using (content_hash)
              where c.tenant_id = r.follows and mine.tenant_id = own.tenant_id and mine.version = own.version) as "isKnown"
     from restored_tenants as r left join active_catalogs as own using (tenant_id)
     where r.follows is not null and r.follows is distinct from r.live_tenant_id order by 1`,
  );
  let followed: string | null = null;
  for (const { tenant: follower, base, isKnown } of rows) {
    const by = systemActor('command line', 'cli');
    const begun = isKnown && (await beginToFollow(connection, follower, base, by, now));
    if (!begun) followed = base;
  }
  const { rowCount } = await connection.query('delete from api_keys where tenant_id = any ($1) and is_installation', [
    withTestTenant(tenant),
  ]);
  return { followed, installation_keys: rowCount ?? 0 };
}
