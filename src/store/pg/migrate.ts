import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { ConfigError } from '../../errors.ts';
import { ROOT } from '../../lib/package-root.ts';
import { DAY_MS } from '../../time/iso-time.ts';

const FOLDER = join(ROOT, 'src', 'store', 'sql');
/** Any constant: two processes that start together take turns. */
const LOCK = 7_318_224;

/** The oldest PostgreSQL that all tests pass on. */
const OLDEST = 14;

/**
 * Brings the schema up to date: each numbered file once, in order, each in a transaction of its own.
 * Files are immutable once applied; a changed one is refused.
 * @throws ConfigError of a server that is too old
 */
export async function migrate(pool: pg.Pool): Promise<void> {
  const files = (await readdir(FOLDER)).filter((name) => /^\d{6}\.sql$/.test(name)).sort();
  const connection = await pool.connect();
  try {
    await refuseOldServer(connection);
    // Neither waiting for another process that migrates nor a migration of large tables has a limit.
    await connection.query('set lock_timeout = 0; set idle_in_transaction_session_timeout = 0');
    await patiently(connection, 'select pg_advisory_lock($1)', [LOCK]);
    await connection.query(
      'create table if not exists migrations (file text primary key, hash text not null, applied_at timestamptz not null default now())',
    );
    const { rows } = await connection.query<{ file: string; hash: string }>('select file, hash from migrations');
    const applied = new Map(rows.map((row) => [row.file, row.hash]));
    for (const file of files) {
      const sql = await readFile(join(FOLDER, file), 'utf8');
      const hash = createHash('sha256').update(sql).digest('hex');
      const known = applied.get(file);
      if (known === hash) continue;
      if (known !== undefined)
        throw new Error(`migration ${file} was changed after it had been applied; add a new one`);
      await connection.query('begin');
      try {
        await patiently(connection, sql);
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
    // Its settings and its lock are of this session.
    connection.release(true);
  }
}

async function refuseOldServer(connection: pg.PoolClient): Promise<void> {
  const { rows } = await connection.query<{ number: number; name: string }>(
    `select current_setting('server_version_num')::int as number, current_setting('server_version') as name`,
  );
  const [server] = rows;
  if (!server || server.number >= OLDEST * 10_000) return;
  throw new ConfigError(`Tidings needs PostgreSQL ${OLDEST} or newer; that of DATABASE_URL is ${server.name}`);
}

function patiently(connection: pg.PoolClient, text: string, values?: unknown[]): Promise<unknown> {
  // query_timeout: an option of node-postgres for one query that its types do not know
  return connection.query({ text, ...(values && { values }), query_timeout: DAY_MS } as pg.QueryConfig);
}
