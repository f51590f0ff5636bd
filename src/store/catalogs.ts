import { createHash } from 'node:crypto';
import type pg from 'pg';
import { toOutdated } from '../errors.ts';
import type { CatalogData } from '../model/catalog.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import { type Actor, systemActor } from '../model/principal.ts';
import { isoTime } from '../time/iso-time.ts';
import { type AuditEntry, appendAuditEntries, appendAuditEntry } from './audit-log.ts';
import type { Connection } from './pg/pool.ts';
import { withTransaction } from './pg/transaction.ts';

export interface Applied {
  /** The active version afterwards. */
  readonly version: number;
  /** True if the version is new. */
  readonly changed: boolean;
}

/**
 * Activates a catalog for the tenant. Content equal to that of the active version creates no new version.
 * @param expected the active version, as the caller knows it; undefined: any
 * @throws TidingsError `outdated` if another version is active
 */
export async function applyCatalog(
  pool: pg.Pool,
  tenantId: string,
  data: CatalogData,
  by: Actor,
  now: Millis,
  expected?: number,
): Promise<Applied> {
  return withTransaction(pool, async (connection) => {
    const locked = await lockCatalog(connection, tenantId);
    requireVersion(locked.active, expected);
    return applyContent(connection, locked, toContent(data), by, now);
  });
}

/**
 * Applies the catalog directory, which every start reads, if it has changed since it was last applied. A version activated
 * over the API in the meantime, such as a rollback, therefore survives a restart.
 *
 * @returns `isOther`: true if the active version differs from the directory
 */
export async function applyDirectory(
  pool: pg.Pool,
  tenantId: string,
  data: CatalogData,
  now: Millis,
): Promise<Applied & { readonly isOther: boolean }> {
  const content = toContent(data);
  return withTransaction(pool, async (connection) => {
    const locked = await lockCatalog(connection, tenantId);
    const { active } = locked;
    const { rowCount: isNews } = await connection.query(
      `insert into metadata as i (name, value) values ($1, $2)
       on conflict (name) do update set value = excluded.value where i.value <> excluded.value`,
      [`catalog_directory ${tenantId}`, content.hash],
    );
    if (active && !isNews) {
      return { version: active.version, changed: false, isOther: active.content_hash !== content.hash };
    }
    const applied = await applyContent(connection, locked, content, systemActor('catalog directory'), now);
    return { ...applied, isOther: false };
  });
}

interface Content {
  readonly text: string;
  readonly hash: string;
}

function toContent(data: CatalogData): Content {
  const text = JSON.stringify(data);
  return { text, hash: createHash('sha256').update(text).digest('hex') };
}

/** Makes a content the active version of a tenant, which follows no other one from now on. */
async function applyContent(
  connection: Connection,
  locked: LockedCatalog & { readonly active: Active | undefined },
  { text, hash }: Content,
  by: Actor,
  now: Millis,
): Promise<Applied> {
  const { tenantId, active } = locked;
  await setFollows(connection, tenantId, null, now);
  if (active?.content_hash === hash) {
    if (locked.follows !== null) {
      const entry = toEntry(locked, 'catalog.unfollowed', by, { ...active, follows: null });
      await appendAuditEntry(connection, entry, now);
    }
    return { version: active.version, changed: false };
  }
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
  await activate(connection, tenantId, version);
  const after = { version, content_hash: hash, follows: null };
  await appendAuditEntry(connection, toEntry(locked, 'catalog.applied', by, after, { content_hash: hash }), now);
  await updateFollowers(connection, tenantId, hash, by, now);
  return { version, changed: true };
}

/** The catalog that a tenant has, as the audit log shows it. */
interface CatalogState {
  /** 0: none was applied yet. */
  readonly version: number;
  readonly content_hash: string | null;
  readonly follows: string | null;
}

function toEntry(
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

/** Tenants that follow a tenant, or one that follows it, and so on. */
const FOLLOWERS = `
  with recursive followers as (
    select tenant_id from tenants where follows = $1
    union
    select t.tenant_id from tenants as t join followers as f on t.follows = f.tenant_id)`;

/** Makes the content of a tenant the active version of its followers: one they have already, or else a new one. */
async function updateFollowers(
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
       insert into catalogs (tenant_id, version, content_hash, applied_at, applied_by)
       select tenant_id, next, $2, $3, $4 from wanted where known is null
       returning tenant_id, version)
     insert into active_catalogs (tenant_id, version)
     select tenant_id, known from wanted where known is not null union all select tenant_id, version from added
     on conflict (tenant_id) do update set version = excluded.version
     where active_catalogs.version <> excluded.version
     returning tenant_id, version`,
    [ids, hash, isoTime(now), by.name],
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
async function setFollows(connection: Connection, tenantId: string, base: string | null, now: Millis): Promise<void> {
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
       insert into catalogs (tenant_id, version, content_hash, applied_at, applied_by)
       select $2, 1, content_hash, applied_at, applied_by
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
  await setFollows(connection, tenantId, base, now);
  const { rows } = await connection.query<{ content_hash: string }>(
    'select content_hash from active_catalogs join catalogs using (tenant_id, version) where tenant_id = $1',
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
  const { content_hash } = content;
  await connection.query(
    'insert into catalogs (tenant_id, version, content_hash, applied_at, applied_by) values ($1, $2, $3, $4, $5)',
    [tenantId, version, content_hash, isoTime(now), by.name],
  );
  await activate(connection, tenantId, version);
  const after = { version, content_hash, follows: base };
  const entry = toEntry(locked, 'catalog.applied', by, after, { content_hash, follows: base });
  await appendAuditEntry(connection, entry, now);
  await updateFollowers(connection, tenantId, content_hash, by, now);
  return { version, changed: true };
}

/**
 * Activates an earlier version again, under its own number. Returns undefined if the version does not exist.
 * @param expected as in `applyCatalog`
 */
export async function rollBackCatalog(
  pool: pg.Pool,
  tenantId: string,
  version: number,
  by: Actor,
  now: Millis,
  expected?: number,
): Promise<{ from: number; changed: boolean } | undefined> {
  return withTransaction(pool, async (connection) => {
    const locked = await lockCatalog(connection, tenantId);
    const { active } = locked;
    const { rows } = await connection.query<{ content_hash: string }>(
      'select content_hash from catalogs where tenant_id = $1 and version = $2',
      [tenantId, version],
    );
    const [content] = rows;
    if (!active || !content) return undefined;
    requireVersion(active, expected);
    if (active.version === version) {
      await setFollows(connection, tenantId, null, now);
      if (locked.follows !== null) {
        const entry = toEntry(locked, 'catalog.unfollowed', by, { ...active, follows: null });
        await appendAuditEntry(connection, entry, now);
      }
      return { from: version, changed: false };
    }
    await activate(connection, tenantId, version);
    const after = { version, content_hash: content.content_hash, follows: null };
    const entry = toEntry(locked, 'catalog.rolled_back', by, after, { from: active.version });
    await appendAuditEntry(connection, entry, now);
    await setFollows(connection, tenantId, null, now);
    await updateFollowers(connection, tenantId, content.content_hash, by, now);
    return { from: active.version, changed: true };
  });
}

export interface CatalogVersionView {
  readonly version: number;
  readonly active: boolean;
  readonly applied_at: string;
  readonly applied_by: string;
  readonly rules: number;
  readonly notifications: number;
  /** When and by which actor it became active, newest first; at most MAX_SHOWN_ACTIVATIONS. */
  readonly activations: readonly ActivationView[];
}

export interface ActivationView {
  readonly kind: 'applied' | 'rolled_back';
  readonly at: string;
  readonly by: string;
  /** For a rollback, the version that was active before. */
  readonly from?: number;
}

/** Activations of a version that a list shows. */
const MAX_SHOWN_ACTIVATIONS = 10;
/** Latest activations of a tenant that a list looks at. */
const MAX_EXAMINED_ACTIVATIONS = 1000;

/** Lists at most `limit` versions, newest first. */
export async function listCatalogs(
  pool: pg.Pool,
  tenantId: string,
  limit: number,
  before: number | null = null,
): Promise<CatalogVersionView[]> {
  const { rows } = await pool.query(
    `select c.version, c.version = a.version as active, c.applied_at, c.applied_by,
            jsonb_array_length(content -> 'rules') as rules,
            jsonb_array_length(content -> 'notifications') as notifications
     from catalogs as c join catalog_contents using (content_hash) left join active_catalogs as a using (tenant_id)
     where c.tenant_id = $1 and ($3::int is null or c.version < $3) order by c.version desc limit $2`,
    [tenantId, limit, before],
  );
  const activations = await loadActivations(pool, tenantId);
  return rows.map((row) => ({
    ...row,
    applied_at: isoTime(row.applied_at),
    activations: (activations.get(row.version) ?? []).slice(0, MAX_SHOWN_ACTIVATIONS),
  }));
}

/** Returns the latest activations by version, newest first, from the audit log. */
async function loadActivations(pool: pg.Pool, tenantId: string): Promise<Map<number, ActivationView[]>> {
  const { rows } = await pool.query<{
    at: Millis;
    actor: string;
    action: string;
    version: number;
    from: number | null;
  }>(
    `select at, actor, action, substr(subject, 9)::int as version, (detail ->> 'from')::int as from
     from audit_log where tenant_id = $1 and action in ('catalog.applied', 'catalog.rolled_back')
     order by entry_id desc limit ${MAX_EXAMINED_ACTIVATIONS}`,
    [tenantId],
  );
  const byVersion = new Map<number, ActivationView[]>();
  for (const { at, actor, action, version, from } of rows) {
    const kind = action === 'catalog.applied' ? 'applied' : 'rolled_back';
    const activation = { kind, at: isoTime(at), by: actor, ...(from === null ? {} : { from }) } as const;
    const known = byVersion.get(version);
    if (known) known.push(activation);
    else byVersion.set(version, [activation]);
  }
  return byVersion;
}

interface ActiveVersion {
  readonly version: number;
  readonly content_hash: string;
}

interface Active extends ActiveVersion {
  /** The highest version of the tenant, active or not. */
  readonly highest: number;
}

/** The catalog of a tenant, which no other transaction changes. */
interface LockedCatalog {
  readonly tenantId: string;
  /** Undefined: the tenant has no version. */
  readonly active: ActiveVersion | undefined;
  /** The tenant that it follows; null: none. */
  readonly follows: string | null;
}

/** Locks the active version, so that two starting processes apply one after the other; the second finds its content active. */
async function lockCatalog(
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

function requireVersion(active: Active | undefined, expected: number | undefined): void {
  const version = active?.version ?? 0;
  if (expected !== undefined && expected !== version) throw toOutdated(version);
}

async function activate(connection: Connection, tenantId: string, version: number): Promise<void> {
  await connection.query(
    `insert into active_catalogs (tenant_id, version) values ($1, $2)
     on conflict (tenant_id) do update set version = excluded.version`,
    [tenantId, version],
  );
}

export async function loadActiveVersion(pool: pg.Pool, tenantId: string): Promise<number> {
  const { rows } = await pool.query<{ version: number }>({
    name: 'active-version',
    text: 'select version from active_catalogs where tenant_id = $1',
    values: [tenantId],
  });
  return rows[0]?.version ?? 0;
}

/** Returns the hash of the content of a version, and when it was applied. */
export async function loadCatalogHead(
  pool: pg.Pool,
  tenantId: string,
  version: number,
): Promise<{ hash: string; appliedAt: Millis } | undefined> {
  const { rows } = await pool.query<{ hash: string; appliedAt: Millis }>(
    'select content_hash as hash, applied_at as "appliedAt" from catalogs where tenant_id = $1 and version = $2',
    [tenantId, version],
  );
  return rows[0];
}

/** Returns a version; `chars` is the size of its content as JSON, in characters. */
export async function loadCatalog(
  pool: pg.Pool,
  tenantId: string,
  version: number,
): Promise<{ data: CatalogData; appliedAt: Millis; chars: number } | undefined> {
  const { rows } = await pool.query<{ content: CatalogData; applied_at: Millis; chars: number }>(
    `select content, applied_at, length(content::text) as chars
     from catalogs join catalog_contents using (content_hash) where tenant_id = $1 and version = $2`,
    [tenantId, version],
  );
  return rows[0] && { data: rows[0].content, appliedAt: rows[0].applied_at, chars: rows[0].chars };
}

/** Loads every applied catalog, by version. */
export async function loadCatalogs(pool: pg.Pool, tenantId: string): Promise<Map<number, CatalogData>> {
  const { rows } = await pool.query<{ version: number; content: CatalogData }>(
    'select version, content from catalogs join catalog_contents using (content_hash) where tenant_id = $1',
    [tenantId],
  );
  return new Map(rows.map(({ version, content }) => [version, content]));
}
