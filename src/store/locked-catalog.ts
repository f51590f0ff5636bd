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
  { text, hash, files }: Content,
  by: Actor,
  now: Millis,
): Promise<number> {
  const version = (active?.highest ?? 0) + 1;
  if (files) await insertFiles(connection, files);
  await connection.query(
    // An update locks the row: a content that nothing refers to yet is not deleted meanwhile (store/retention/unused-contents.ts).
    `insert into catalog_contents (content_hash, content) values ($1, $2)
     on conflict (content_hash) do update set content_hash = excluded.content_hash`,
    [hash, text],
  );
  await connection.query(
    // A version that is not made from files, such as one for a template of the API, has those of the version before.
    `insert into catalogs (tenant_id, version, content_hash, applied_at, applied_by, files_hash)
     values ($1, $2, $3, $4, $5, case when $6::boolean then $7::text
       else (select files_hash from active_catalogs join catalogs using (tenant_id, version) where tenant_id = $1) end)`,
    [tenantId, version, hash, isoTime(now), by.name, files !== undefined, files?.hash ?? null],
  );
  return version;
}

/** Notes that the active version of a tenant, whose content these files have, was written so. */
export async function replaceFiles(
  connection: Connection,
  { tenantId, active }: Pick<LockedCatalog, 'tenantId' | 'active'>,
  { files }: Content,
): Promise<void> {
  if (!active || files === undefined) return;
  if (files) await insertFiles(connection, files);
  await connection.query(
    `update catalogs set files_hash = $3 where tenant_id = $1 and version = $2 and files_hash is distinct from $3`,
    [tenantId, active.version, files?.hash ?? null],
  );
}

async function insertFiles(connection: Connection, { text, hash }: Files): Promise<void> {
  await connection.query(
    // As for contents: the update locks the row.
    `insert into catalog_files (files_hash, files) values ($1, $2)
     on conflict (files_hash) do update set files_hash = excluded.files_hash`,
    [hash, text],
  );
}

/** A catalog as it is stored. */
export interface Content {
  readonly text: string;
  readonly hash: string;
  /** The files that it is made from; null: more than are kept; undefined: it is not made from files. */
  readonly files: Files | null | undefined;
}

/** The texts of the files of a catalog, as JSON. */
interface Files {
  readonly text: string;
  readonly hash: string;
}

/** Size of all files of a catalog, in characters, up to which their texts are kept. */
const MAX_KEPT_CHARS = 5 * 1024 * 1024;

/** @param files path to text; undefined: the data are not made from files */
export function toContent(data: CatalogData, files?: ReadonlyMap<string, string>): Content {
  const text = JSON.stringify(data);
  return { text, hash: hashText(text), files: files && toFiles(files) };
}

function toFiles(files: ReadonlyMap<string, string>): Files | null {
  let chars = 0;
  for (const [path, text] of files) chars += path.length + text.length;
  if (chars > MAX_KEPT_CHARS) return null;
  const text = JSON.stringify(Object.fromEntries([...files].sort(([a], [b]) => (a < b ? -1 : 1))));
  return { text, hash: hashText(text) };
}

function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
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
