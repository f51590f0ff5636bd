import type { Connection } from '../pg/pool.ts';

/** Contents that one statement deletes; one has up to some megabytes. */
const CHUNK_ROWS = 100;

/** SQLSTATE of a content that a catalog has since the statement began. */
const FOREIGN_KEY_VIOLATION = '23503';

/**
 * Deletes contents of catalogs that no version of any tenant has: those of deleted tenants. What is applied meanwhile stays; the
 * next call then deletes the rest.
 */
export async function deleteUnusedContents(connection: Connection): Promise<void> {
  for (let deleted = CHUNK_ROWS; deleted === CHUNK_ROWS; ) {
    try {
      const { rowCount } = await connection.query(
        `delete from catalog_contents where content_hash in (
           select content_hash from catalog_contents as c
           where not exists (select from catalogs where catalogs.content_hash = c.content_hash)
           limit ${CHUNK_ROWS} for update skip locked)`,
      );
      deleted = rowCount ?? 0;
    } catch (error) {
      if ((error as { code?: unknown }).code !== FOREIGN_KEY_VIOLATION) throw error;
      return;
    }
  }
}
