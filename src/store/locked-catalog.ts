import { createHash } from 'node:crypto';
import { TidingsError } from '../errors.ts';
import type { CatalogData } from '../model/catalog.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import type { Actor } from '../model/principal.ts';
import { type ReleaseUnderWay, SHARE_PARTS } from '../model/release.ts';
import { isoTime } from '../time/iso-time.ts';
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
  /** The release under way; null: none is. */
  readonly release: ReleaseUnderWay | null;
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
  const { rows } = await connection.query<Active & { release: ReleaseUnderWay | null }>(
    `select c.version, c.content_hash, (select max(version) from catalogs where tenant_id = $1) as highest, a.release
     from active_catalogs as a join catalogs as c using (tenant_id, version) where tenant_id = $1`,
    [tenantId],
  );
  return { tenantId, active: rows[0], follows: tenants[0]?.follows ?? null, release: rows[0]?.release ?? null };
}

/** Checks that no release is under way, before another version becomes active. @throws TidingsError `release_under_way` */
export function requireNoRelease({ release }: Pick<LockedCatalog, 'release'>): void {
  if (release === null) return;
  throw new TidingsError(
    'release_under_way',
    `Version ${release.version} is being released to ${release.share / (SHARE_PARTS / 100)}% of the users. Finish release ${release.id}, or roll it back, and then change the catalog.`,
  );
}

/** Stores a content under the next version of a tenant, and returns the version. It is not active yet. */
export async function storeVersion(
  connection: Connection,
  { tenantId, active }: { readonly tenantId: string; readonly active: Active | undefined },
  { text, hash }: Content,
  by: Actor,
  now: Millis,
): Promise<number> {
  const version = (active?.highest ?? 0) + 1;
  await connection.query(
    // An update locks the row: a content that nothing refers to yet is not deleted meanwhile (store/retention/unused-contents.ts).
    `insert into catalog_contents (content_hash, content) values ($1, $2)
     on conflict (content_hash) do update set content_hash = excluded.content_hash`,
    [hash, text],
  );
  await connection.query(
    'insert into catalogs (tenant_id, version, content_hash, applied_at, applied_by) values ($1, $2, $3, $4, $5)',
    [tenantId, version, hash, isoTime(now), by.name],
  );
  return version;
}

/** A catalog as it is stored. */
export interface Content {
  readonly text: string;
  readonly hash: string;
}

export function toContent(data: CatalogData): Content {
  const text = JSON.stringify(data);
  return { text, hash: createHash('sha256').update(text).digest('hex') };
}

/** Makes a version the active one of all users, and ends what concerns accounts that its routes no longer name. */
export async function activate(connection: Connection, tenantId: string, version: number): Promise<void> {
  await connection.query(
    `insert into active_catalogs (tenant_id, version) values ($1, $2)
     on conflict (tenant_id) do update set version = excluded.version, release = null`,
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
  { tenantId, active, follows }: Omit<LockedCatalog, 'release'>,
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
