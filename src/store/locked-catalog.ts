import type { JsonObject } from '../model/event.ts';
import type { Actor } from '../model/principal.ts';
import type { AuditEntry } from './audit-log.ts';
import type { Connection } from './pg/pool.ts';
import { endUnroutedMoves } from './route-moves.ts';

export interface Applied {
  /** The active version afterwards. */
  readonly version: number;
  /** True if the version is new. */
  readonly changed: boolean;
}

export interface ActiveVersion {
  readonly version: number;
  readonly content_hash: string;
}

export interface Active extends ActiveVersion {
  /** The highest version of the tenant, active or not. */
  readonly highest: number;
}

/** The catalog of a tenant, which no other transaction changes. */
export interface LockedCatalog {
  readonly tenantId: string;
  /** Undefined: the tenant has no version. */
  readonly active: ActiveVersion | undefined;
  /** The tenant that it follows; null: none. */
  readonly follows: string | null;
}

/** Locks the active version, so that two starting processes apply one after the other; the second finds its content active. */
export async function lockCatalog(
  connection: Connection,
  tenantId: string,
): Promise<LockedCatalog & { readonly active: Active | undefined }> {
  await connection.query(`select pg_advisory_xact_lock(hashtextextended('catalog ' || $1, 0))`, [tenantId]);
  // The tenant that this one follows gives it versions, too.
  const { rows: tenants } = await connection.query<{ follows: string | null }>(
    'select follows from tenants where tenant_id = $1 for no key update',
    [tenantId],
  );
  const { rows } = await connection.query<Active>(
    `select c.version, c.content_hash, (select max(version) from catalogs where tenant_id = $1) as highest
     from active_catalogs join catalogs as c using (tenant_id, version) where tenant_id = $1`,
    [tenantId],
  );
  return { tenantId, active: rows[0], follows: tenants[0]?.follows ?? null };
}

/** Makes a version the active one, and ends what concerns accounts that its routes no longer name. */
export async function activate(connection: Connection, tenantId: string, version: number): Promise<void> {
  await connection.query(
    `insert into active_catalogs (tenant_id, version) values ($1, $2)
     on conflict (tenant_id) do update set version = excluded.version`,
    [tenantId, version],
  );
  await endUnroutedMoves(connection, [tenantId]);
}

/** The catalog that a tenant has, as the audit log shows it. */
interface CatalogState {
  /** 0: none was applied yet. */
  readonly version: number;
  readonly content_hash: string | null;
  readonly follows: string | null;
}

export function toEntry(
  { tenantId, active, follows }: LockedCatalog,
  action: string,
  actor: Actor,
  { version, content_hash, follows: base }: CatalogState,
  detail: JsonObject = {},
): AuditEntry {
  return {
    tenantId,
    actor,
    action,
    subject: `version ${version}`,
    detail,
    before: active ? { version: active.version, content_hash: active.content_hash, follows } : null,
    after: { version, content_hash, follows: base },
  };
}
