import type pg from 'pg';
import type { Millis } from '../model/event.ts';
import type { Actor } from '../model/principal.ts';
import { isoTime } from '../time/iso-time.ts';
import { appendAuditEntries, appendAuditEntry } from './audit-log.ts';
import {
  type ActiveVersion,
  type Applied,
  activate,
  lockCatalog,
  requireNoRelease,
  toEntry,
} from './locked-catalog.ts';
import type { Connection } from './pg/pool.ts';
import { withTransaction } from './pg/transaction.ts';
import { endUnroutedMoves } from './route-moves.ts';

/** Tenants that follow a tenant, or one that follows it, and so on. */
const FOLLOWERS = `
  with recursive followers as (
    select tenant_id from tenants where follows = $1
    union
    select t.tenant_id from tenants as t join followers as f on t.follows = f.tenant_id)`;

/** Makes the content of a tenant the active version of its followers: one they have already, or else a new one. */
export async function updateFollowers(
  connection: Connection,
  tenantId: string,
  hash: string,
  by: Actor,
  now: Millis,
): Promise<void> {
  // In order of their ids, as every other transaction that locks several of them.
  const { rows: followers } = await connection.query<{ tenant_id: string; follows: string }>(
    `${FOLLOWERS} select tenant_id, follows from tenants where tenant_id in (select tenant_id from followers)
     order by tenant_id for no key update`,
    [tenantId],
  );
  if (followers.length === 0) return;
  const ids = followers.map((row) => row.tenant_id);
  const { rows: active } = await connection.query<ActiveVersion & { tenant_id: string }>(
    `select tenant_id, version, content_hash from active_catalogs join catalogs using (tenant_id, version)
     where tenant_id = any($1)`,
    [ids],
  );
  const { rows: changed } = await connection.query<{ tenant_id: string; version: number }>(
    `with wanted as (
       select f.tenant_id,
              (select max(version) from catalogs as c where c.tenant_id = f.tenant_id and c.content_hash = $2) as known,
              coalesce((select max(version) from catalogs as c where c.tenant_id = f.tenant_id), 0) + 1 as next
       from unnest($1::text[]) as f (tenant_id)),
     added as (
       insert into catalogs (tenant_id, version, content_hash, applied_at, applied_by, files_hash)
       select tenant_id, next, $2, $3, $4,
              (select files_hash from active_catalogs join catalogs using (tenant_id, version) where tenant_id = $5)
       from wanted where known is null
       returning tenant_id, version)
     insert into active_catalogs (tenant_id, version)
     select tenant_id, known from wanted where known is not null union all select tenant_id, version from added
     on conflict (tenant_id) do update set version = excluded.version
     where active_catalogs.version <> excluded.version
     returning tenant_id, version`,
    [ids, hash, isoTime(now), by.name, tenantId],
  );
  await endUnroutedMoves(
    connection,
    changed.map((row) => row.tenant_id),
  );
  const before = new Map(active.map((row) => [row.tenant_id, row]));
  const follows = new Map(followers.map((row) => [row.tenant_id, row.follows]));
  const entries = changed.map(({ tenant_id, version }) => {
    const base = follows.get(tenant_id) ?? null;
    const locked = { tenantId: tenant_id, active: before.get(tenant_id), follows: base };
    const detail = { content_hash: hash, follows: tenantId };
    return toEntry(locked, 'catalog.applied', by, { version, content_hash: hash, follows: base }, detail);
  });
  await appendAuditEntries(connection, entries, now);
}

/** Changes which tenant a tenant follows (null: none). That is a part of the tenant, so its revision changes as well. */
export async function setFollows(
  connection: Connection,
  tenantId: string,
  base: string | null,
  now: Millis,
): Promise<void> {
  await connection.query(
    `update tenants set follows = $2, revision = revision + 1, updated_at = $3
     where tenant_id = $1 and follows is distinct from $2`,
    [tenantId, base, isoTime(now)],
  );
}

/** Gives a tenant without a catalog that of another one, if it has one. */
export async function copyCatalog(connection: Connection, from: string, to: string): Promise<void> {
  await connection.query(
    `with copied as (
       insert into catalogs (tenant_id, version, content_hash, applied_at, applied_by, files_hash)
       select $2, 1, content_hash, applied_at, applied_by, files_hash
       from active_catalogs join catalogs using (tenant_id, version) where tenant_id = $1
       returning tenant_id, version)
     insert into active_catalogs (tenant_id, version) select tenant_id, version from copied`,
    [from, to],
  );
}

/**
 * Lets a tenant follow the catalog of another one from now on, until it applies its own. Returns undefined if there is no such
 * live tenant, or it follows this one itself.
 */
export function followCatalog(
  pool: pg.Pool,
  tenantId: string,
  base: string,
  by: Actor,
  now: Millis,
): Promise<Applied | undefined> {
  return withTransaction(pool, (connection) => beginToFollow(connection, tenantId, base, by, now));
}

/** Does what `followCatalog` does, in the transaction of the caller. */
export async function beginToFollow(
  connection: Connection,
  tenantId: string,
  base: string,
  by: Actor,
  now: Millis,
): Promise<Applied | undefined> {
  // One at a time: of two tenants that begin to follow each other, the second must see the first. Before the locks of tenants.
  await connection.query(`select pg_advisory_xact_lock(hashtextextended('catalog followers', 0))`);
  const locked = await lockCatalog(connection, tenantId);
  const { active } = locked;
  const { rows: circles } = await connection.query(
    `${FOLLOWERS} select tenant_id from followers where tenant_id = $2`,
    [tenantId, base],
  );
  const { rowCount: exists } = await connection.query(
    `select from tenants where tenant_id = $1 and environment = 'live' and status <> 'deleting' for key share`,
    [base],
  );
  if (circles.length > 0 || base === tenantId || exists === 0) return undefined;
  requireNoRelease(locked);
  await setFollows(connection, tenantId, base, now);
  const { rows } = await connection.query<{ content_hash: string; files_hash: string | null }>(
    'select content_hash, files_hash from active_catalogs join catalogs using (tenant_id, version) where tenant_id = $1',
    [base],
  );
  const [content] = rows;
  if (!content || active?.content_hash === content.content_hash) {
    if (locked.follows !== base) {
      const { version = 0, content_hash = null } = active ?? {};
      const entry = toEntry(locked, 'catalog.followed', by, { version, content_hash, follows: base });
      await appendAuditEntry(connection, entry, now);
    }
    return { version: active?.version ?? 0, changed: false };
  }
  const version = (active?.highest ?? 0) + 1;
  const { content_hash, files_hash } = content;
  await connection.query(
    'insert into catalogs (tenant_id, version, content_hash, applied_at, applied_by, files_hash) values ($1, $2, $3, $4, $5, $6)',
    [tenantId, version, content_hash, isoTime(now), by.name, files_hash],
  );
  await activate(connection, tenantId, version);
  const after = { version, content_hash, follows: base };
  const entry = toEntry(locked, 'catalog.applied', by, after, { content_hash, follows: base });
  await appendAuditEntry(connection, entry, now);
  await updateFollowers(connection, tenantId, content_hash, by, now);
  return { version, changed: true };
}
