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
