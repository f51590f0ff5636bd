import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { ConfigError } from '../../errors.ts';
import { ROOT } from '../../lib/package-root.ts';

const SQL_FOLDER = join(ROOT, 'src', 'store', 'sql');
const BASELINE_FILE = '000001.sql';
/** Key of the advisory lock that lets one process migrate at a time; any constant. */
const MIGRATION_LOCK_KEY = 7_318_224;

/** The oldest PostgreSQL that all tests pass on. */
const MIN_SERVER_VERSION = 14;

/** Bound of a migration statement, and of the wait for another process that migrates. */
const MAX_STATEMENT_MS = 86_400_000;

/**
 * Brings the schema up to date: runs each numbered file of SQL_FOLDER that has not been run, in order, each in its own
 * transaction. Files are immutable once they have been applied. Several processes may call it at the same time.
 *
 * @throws ConfigError if the server is too old, or the database was made by a development version before the baseline
 * @throws Error if a file was changed after it had been applied, or the database is newer than this program
 */
export async function migrate(pool: pg.Pool): Promise<void> {
  const files = (await readdir(SQL_FOLDER)).filter((name) => /^\d{6}\.sql$/.test(name)).sort();
  const connection = await pool.connect();
  try {
    await checkServerVersion(connection);
    await connection.query(
      'set statement_timeout = 0; set lock_timeout = 0; set idle_in_transaction_session_timeout = 0',
    );
    await queryPatiently(connection, 'select pg_advisory_lock($1)', [MIGRATION_LOCK_KEY]);
    await connection.query(
      'create table if not exists migrations (file text primary key, hash text not null, applied_at timestamptz not null default now())',
    );
    const { rows } = await connection.query<{ file: string; hash: string }>('select file, hash from migrations');
    const applied = new Map(rows.map((row) => [row.file, row.hash]));
    if (applied.has(BASELINE_FILE)) await checkBaseline(connection);
    for (const file of files) {
      const sql = await readFile(join(SQL_FOLDER, file), 'utf8');
      const hash = createHash('sha256').update(sql).digest('hex');
      const appliedHash = applied.get(file);
      if (appliedHash === hash) continue;
      if (appliedHash !== undefined)
        throw new Error(`migration ${file} was changed after it had been applied; add a new one`);
      await connection.query('begin');
      try {
        await queryPatiently(connection, sql);
        await connection.query('insert into migrations (file, hash) values ($1, $2)', [file, hash]);
        await connection.query('commit');
      } catch (error) {
        await connection.query('rollback');
        throw error;
      }
    }
    const unknown = [...applied.keys()].filter((file) => !files.includes(file));
    if (unknown.length > 0) {
      throw new Error(`the database is newer than this program: it has ${unknown.join(', ')}; run a newer Tidings`);
    }
  } finally {
    // Closed, because its settings and its lock belong to the session.
    connection.release(true);
  }
}

async function checkServerVersion(connection: pg.PoolClient): Promise<void> {
  const { rows } = await connection.query<{ number: number; name: string }>(
    `select current_setting('server_version_num')::int as number, current_setting('server_version') as name`,
  );
  const [server] = rows;
  if (!server || server.number >= MIN_SERVER_VERSION * 10_000) return;
  throw new ConfigError(
    `Tidings needs PostgreSQL ${MIN_SERVER_VERSION} or newer; the server of DATABASE_URL has version ${server.name}`,
  );
}

/** The baseline marks itself in `metadata`. Development versions before it had a file of the same name without that row. */
async function checkBaseline(connection: pg.PoolClient): Promise<void> {
  const { rows: tables } = await connection.query(`select from pg_class where oid = to_regclass('metadata')`);
  const marked =
    tables.length > 0 && (await connection.query(`select from metadata where name = 'baseline'`)).rows.length > 0;
  if (marked) return;
  throw new ConfigError(
    'This database was made by an earlier development version of Tidings, which cannot be upgraded; move the data ' +
      'directory (.tidings, or TIDINGS_DATA_DIR) away, or use an empty database, and start again.',
  );
}

/** Runs a query that may take as long as MAX_STATEMENT_MS. */
function queryPatiently(connection: pg.PoolClient, text: string, values?: unknown[]): Promise<unknown> {
  // `query_timeout` is an option of node-postgres for one query that its types do not know.
  return connection.query({ text, ...(values && { values }), query_timeout: MAX_STATEMENT_MS } as pg.QueryConfig);
}
