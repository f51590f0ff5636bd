import type { Connection } from '../pg/pool.ts';

/** Contents that one statement deletes; one has up to some megabytes. */
const CHUNK_ROWS = 100;

/** SQLSTATE of a content that a catalog has since the statement began. */
const FOREIGN_KEY_VIOLATION = '23503';

/**
 * Deletes contents and files of catalogs that no version of any tenant has: those of deleted tenants, and files that were written
 * in other words since. What is applied meanwhile stays; the next call then deletes the rest.
 */
export async function deleteUnusedContents(connection: Connection): Promise<void> {
  await deleteUnused(connection, 'catalog_contents', 'content_hash');
  await deleteUnused(connection, 'catalog_files', 'files_hash');
}

async function deleteUnused(connection: Connection, table: string, key: string): Promise<void> {
  for (let deleted = CHUNK_ROWS; deleted === CHUNK_ROWS; ) {
    try {
      const { rowCount } = await connection.query(
        `delete from ${table} where ${key} in (
           select ${key} from ${table} as c
           where not exists (select from catalogs where catalogs.${key} = c.${key})
           limit ${CHUNK_ROWS} for update skip locked)`,
      );
      deleted = rowCount ?? 0;
    } catch (error) {
      if ((error as { code?: unknown }).code !== FOREIGN_KEY_VIOLATION) throw error;
      return;
    }
  }
}
