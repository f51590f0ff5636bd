import type pg from 'pg';
import { TidingsError } from '../errors.ts';
import { rollBackCatalog } from '../store/apply-catalog.ts';
import { listCatalogs } from '../store/catalogs.ts';
import type { CatalogCommand } from './apply.ts';
import type { CatalogCache } from './cache.ts';
import type { Catalog } from './compile/compile-catalog.ts';
import { type Difference, diffCatalogs } from './diff.ts';

/** The tenant whose versions are read. */
export interface CatalogSource {
  readonly pool: pg.Pool;
  readonly catalogs: CatalogCache;
  readonly tenantId: string;
}

/**
 * Returns a version of the tenant's catalog. Version 0 is the empty catalog.
 *
 * @param pointer part of the request that names the version, for the error
 * @throws TidingsError `not_found` for a version that was never applied
 */
export async function getCatalogVersion(source: CatalogSource, version: number, pointer = 'version'): Promise<Catalog> {
  const { pool, catalogs, tenantId } = source;
  const [newest] = await listCatalogs(pool, tenantId, 1);
  if (version !== 0 && version > (newest?.version ?? 0)) throw unknownVersion(version, pointer);
  return catalogs.getVersion(tenantId, version);
}

export interface VersionDiff {
  readonly from: number;
  readonly to: number;
  readonly differences: readonly Difference[];
}

/**
 * Compares two versions of the tenant's catalog.
 *
 * @param to undefined: the active version
 * @throws TidingsError `not_found` for a version that was never applied
 */
export async function diffCatalogVersions(
  source: CatalogSource,
  from: number,
  to: number | undefined,
): Promise<VersionDiff> {
  const before = await getCatalogVersion(source, from, 'from');
  const after = await getCatalogVersion(source, to ?? (await source.catalogs.refresh(source.tenantId)).version, 'to');
  return { from: before.version, to: after.version, differences: diffCatalogs(before.data, after.data) };
}

export interface RollbackResult {
  /** The version that is active afterwards. */
  readonly version: number;
  /** The version that was active before. */
  readonly from: number;
  /** False if the version was active already. */
  readonly changed: boolean;
}

/**
 * Makes an earlier version active again, under its own number.
 *
 * @param expected the active version, as the caller knows it; undefined: any
 * @throws TidingsError `not_found` for a version that was never applied, `outdated` if another one than `expected` is active
 */
export async function rollBackToVersion(
  command: CatalogCommand,
  version: number,
  expected?: number,
): Promise<RollbackResult> {
  const { pool, catalogs, tenantId, actor, clock } = command;
  const result = await rollBackCatalog(pool, tenantId, version, actor, clock(), expected);
  if (!result) throw unknownVersion(version, '/version');
  await catalogs.refresh(tenantId);
  return { version, ...result };
}

function unknownVersion(version: number, pointer: string): TidingsError {
  const message = `There is no catalog version ${version}; see /api/v1/catalog/versions.`;
  return new TidingsError('not_found', message, { pointer });
}
