import type pg from 'pg';

/** The files of a version of a catalog, and where they come from. */
export interface StoredFiles {
  /** Path to text; null: they are not kept. */
  readonly files: { readonly [path: string]: string } | null;
  /** The actor that gave these files first; null: no files. */
  readonly givenBy: string | null;
  /** The tenant whose catalog this one follows; null: none. */
  readonly follows: string | null;
}

/** Returns the files of a version; undefined: there is no such version. */
export async function loadFiles(pool: pg.Pool, tenantId: string, version: number): Promise<StoredFiles | undefined> {
  const { rows } = await pool.query<StoredFiles>(
    `select f.files, t.follows,
            (select g.applied_by from catalogs as g where g.tenant_id = c.tenant_id and g.files_hash = c.files_hash
             order by g.version limit 1) as "givenBy"
     from catalogs as c join tenants as t using (tenant_id) left join catalog_files as f using (files_hash)
     where c.tenant_id = $1 and c.version = $2`,
    [tenantId, version],
  );
  return rows[0];
}

/** Versions whose files are compared, at most, and the bytes of their files as they are stored. */
const MAX_COMPARED = 50;
const MAX_COMPARED_BYTES = 2 * 1024 * 1024;

/**
 * Returns the version in which each file of a folder last changed. Only the latest versions are compared: a file that has not
 * changed in them is not in the result.
 *
 * @param folder such as `templates/WELCOME/`
 */
export async function loadFileChanges(
  pool: pg.Pool,
  tenantId: string,
  folder: string,
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await pool.query<{ version: number; path: string | null; hash: string | null }>(
    `with latest as (
       select version, files_hash from catalogs where tenant_id = $1 and files_hash is not null
       order by version desc limit ${MAX_COMPARED}
     ), sized as (
       select version, files_hash, sum(pg_column_size(files)) over (order by version desc) as bytes
       from latest join catalog_files using (files_hash)
     )
     select s.version, e.key as path, md5(e.value) as hash
     from sized as s join catalog_files as f using (files_hash)
     left join lateral json_each_text(f.files) as e on starts_with(e.key, $2)
     where s.bytes <= ${MAX_COMPARED_BYTES}
     order by s.version`,
    [tenantId, folder],
  );
  const known = new Map<string, string>();
  const changes = new Map<string, number>();
  const first = rows[0]?.version;
  for (const { version, path, hash } of rows) {
    if (path === null || hash === null) continue;
    if (version !== first && known.get(path) !== hash) changes.set(path, version);
    known.set(path, hash);
  }
  return changes;
}
