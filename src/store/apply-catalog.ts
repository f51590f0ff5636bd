import type pg from 'pg';
import { toOutdated } from '../errors.ts';
import type { CatalogData } from '../model/catalog.ts';
import type { Millis } from '../model/event.ts';
import { type Actor, systemActor } from '../model/principal.ts';
import { appendAuditEntry } from './audit-log.ts';
import { setFollows, updateFollowers } from './catalog-followers.ts';
import {
  type Active,
  type Applied,
  activate,
  type Content,
  type LockedCatalog,
  lockCatalog,
  replaceFiles,
  requireNoRelease,
  storeVersion,
  toContent,
  toEntry,
} from './locked-catalog.ts';
import type { Connection } from './pg/pool.ts';
import { withTransaction } from './pg/transaction.ts';
import { loadHashOfVersion, loadLatestRelease } from './releases/releases.ts';

export interface ApplyOptions {
  /** The active version, as the caller knows it; undefined: any. */
  readonly expected?: number | undefined;
  /** The files that the data are made from; absent: they are not made from files, and those of the version before stay. */
  readonly files?: ReadonlyMap<string, string>;
  /** Runs in the same transaction, with the version that is active afterwards. */
  readonly write?: (connection: Connection, version: number) => Promise<void>;
}

/**
 * Activates a catalog for the tenant. Content equal to that of the active version creates no new version.
 * @throws TidingsError `outdated` if another version than the expected one is active, `release_under_way`
 */
export async function applyCatalog(
  pool: pg.Pool,
  tenantId: string,
  data: CatalogData,
  by: Actor,
  now: Millis,
  { expected, files, write }: ApplyOptions = {},
): Promise<Applied> {
  return withTransaction(pool, async (connection) => {
    const locked = await lockCatalog(connection, tenantId);
    requireVersion(locked.active, expected);
    // Also of what is active: it is not, for the users of the release.
    requireNoRelease(locked);
    const applied = await applyContent(connection, locked, toContent(data, files), by, now);
    await write?.(connection, applied.version);
    return applied;
  });
}

/**
 * Applies the catalog directory, which every start reads, if it has changed since it was last applied. A version activated
 * over the API in the meantime, such as a rollback, therefore survives a restart.
 *
 * @param files those of the directory
 * @param merged present if the data have templates of the API in the place of files
 * @throws TidingsError `outdated` if another version is active than the one whose templates were merged, `release_under_way` if the
 *   directory has changed, and is not what is being released
 * @returns `isOther`: true if the active version differs from the directory; `release`: why it does, if the directory is being
 *   released, or was released and rolled back: it is not applied in spite of that
 */
export async function applyDirectory(
  pool: pg.Pool,
  tenantId: string,
  data: CatalogData,
  now: Millis,
  merged?: MergedDirectory,
  files?: ReadonlyMap<string, string>,
): Promise<AppliedDirectory> {
  const content = toContent(data, files);
  return withTransaction(pool, async (connection): Promise<AppliedDirectory> => {
    const locked = await lockCatalog(connection, tenantId);
    const { active, release } = locked;
    requireVersion(active, merged?.from);
    const isReleased =
      release !== null && (await loadHashOfVersion(connection, tenantId, release.version)) === content.hash;
    if (active && isReleased) return { version: active.version, changed: false, isOther: true, release: 'under_way' };
    const { rowCount: isNews } = await connection.query(
      `insert into metadata as i (name, value) values ($1, $2)
       on conflict (name) do update set value = excluded.value where i.value <> excluded.value`,
      [`catalog_directory ${tenantId}`, merged?.hash ?? content.hash],
    );
    if (active && !isNews) {
      if (active.content_hash === content.hash) await replaceFiles(connection, locked, content);
      return { version: active.version, changed: false, isOther: !merged && active.content_hash !== content.hash };
    }
    const latest = active && (await loadLatestRelease(connection, tenantId));
    if (latest?.state === 'rolled_back' && latest.fromVersion === active?.version) {
      const isSame = (await loadHashOfVersion(connection, tenantId, latest.toVersion)) === content.hash;
      if (isSame) return { version: active.version, changed: false, isOther: true, release: 'rolled_back' };
    }
    const applied = await applyContent(connection, locked, content, systemActor('catalog directory'), now);
    return { ...applied, isOther: false };
  });
}

/** Outcome for a catalog directory; see `applyDirectory`. */
export interface AppliedDirectory extends Applied {
  readonly isOther: boolean;
  readonly release?: 'under_way' | 'rolled_back';
}

/** A catalog directory whose files were merged with templates of the API. */
export interface MergedDirectory {
  /** Hash of the files alone. */
  readonly hash: string;
  /** The version whose templates they are. */
  readonly from: number;
}

/** Makes a content the active version of a tenant, which follows no other one from now on. */
async function applyContent(
  connection: Connection,
  locked: LockedCatalog & { readonly active: Active | undefined },
  content: Content,
  by: Actor,
  now: Millis,
): Promise<Applied> {
  const { tenantId, active } = locked;
  const { hash } = content;
  await setFollows(connection, tenantId, null, now);
  if (active?.content_hash === hash) {
    await replaceFiles(connection, locked, content);
    if (locked.follows !== null) {
      const entry = toEntry(locked, 'catalog.unfollowed', by, { ...active, follows: null });
      await appendAuditEntry(connection, entry, now);
    }
    return { version: active.version, changed: false };
  }
  requireNoRelease(locked);
  const version = await storeVersion(connection, locked, content, by, now);
  await activate(connection, tenantId, version);
  const after = { version, content_hash: hash, follows: null };
  await appendAuditEntry(connection, toEntry(locked, 'catalog.applied', by, after, { content_hash: hash }), now);
  await updateFollowers(connection, tenantId, hash, by, now);
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
    requireNoRelease(locked);
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

function requireVersion(active: Active | undefined, expected: number | undefined): void {
  const version = active?.version ?? 0;
  if (expected !== undefined && expected !== version) throw toOutdated(version);
}
