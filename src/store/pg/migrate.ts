import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import { ConfigError } from '../../errors.ts';
import type { Millis } from '../../model/event.ts';
import { isLockFailure } from './errors.ts';
import type { Connection } from './pool.ts';
import { isLaterMinor, loadSchemaFiles, type SchemaFile } from './schema-files.ts';

const BASELINE_FILE = '000001.sql';
/** Key of the advisory lock that lets one process migrate at a time; any constant. */
export const MIGRATION_LOCK_KEY = 7_318_224;

/** The oldest PostgreSQL that all tests pass on. */
const MIN_SERVER_VERSION = 14;

/** Bound of a migration statement, and of the wait for another process that migrates. */
const MAX_STATEMENT_MS = 86_400_000;

/** Pause between two attempts to lock the tables of a file. */
const LOCK_RETRY_MS: Millis = 1000;

export interface MigrateOptions {
  /** Longest wait (ms) for a lock on a table: statements of other sessions queue behind it. */
  readonly lockTimeout: Millis;
  /** Time (ms) for which a file whose tables are locked is tried again. */
  readonly patience: Millis;
}

export const DEFAULT_MIGRATE_OPTIONS: MigrateOptions = { lockTimeout: 2000, patience: 60_000 };

/** The schema of a database compared with the files of this program. */
export interface SchemaState {
  /** Files that ran in this database, in order. */
  readonly applied: readonly string[];
  /** Files of this program that have not run. */
  readonly pending: readonly string[];
  /** Files that ran and that this program does not have, of the same major version: it works with them. */
  readonly newer: readonly string[];
}

/**
 * Brings the schema up to date: runs each schema file that has not been run, in order, each in its own transaction. Several
 * processes may call it at the same time. If it is interrupted, the next call continues. A database of a later minor version
 * is left as it is.
 *
 * @param onFile called before each file that runs
 * @returns the state before the call
 * @throws ConfigError if the server is too old, the database was made by a development version before the baseline, a file was
 *   changed after it had been applied, the database is of another major version, or a table stays locked
 */
export async function migrate(
  pool: pg.Pool,
  options: MigrateOptions = DEFAULT_MIGRATE_OPTIONS,
  onFile: (file: string) => void = () => {},
): Promise<SchemaState> {
  const connection = await pool.connect();
  try {
    await checkServerVersion(connection);
    const files = await loadSchemaFiles();
    await connection.query(
      'set statement_timeout = 0; set lock_timeout = 0; set idle_in_transaction_session_timeout = 0',
    );
    await queryPatiently(connection, 'select pg_advisory_lock($1)', [MIGRATION_LOCK_KEY]);
    await createMigrationsTable(connection);
    const state = await loadSchemaState(connection, files);
    for (const file of files.filter((one) => state.pending.includes(one.file))) {
      onFile(file.file);
      await runUnlocked(connection, file, options);
    }
    return state;
  } finally {
    // Closed, because its settings and its lock belong to the session.
    connection.release(true);
  }
}

/** Returns what `migrate` would run. Changes nothing, and throws as `migrate` does. */
export async function inspectSchema(pool: pg.Pool): Promise<SchemaState> {
  const connection = await pool.connect();
  try {
    await checkServerVersion(connection);
    return await loadSchemaState(connection, await loadSchemaFiles());
  } finally {
    connection.release();
  }
}

/** @throws ConfigError if files of this program have not run */
export function requireMigrated({ pending }: SchemaState): void {
  if (pending.length === 0) return;
  throw new ConfigError(`the database lacks ${pending.join(', ')}; run tidings migrate first`);
}

/** Compares the database with the files of this program. A database without a schema has everything pending. */
export async function loadSchemaState(connection: Connection, files: readonly SchemaFile[]): Promise<SchemaState> {
  const applied = await loadApplied(connection);
  if (applied.has(BASELINE_FILE)) await checkBaseline(connection);
  const known = new Set(files.map(({ file }) => file));
  const unknown = [...applied.keys()].filter((file) => !known.has(file));
  if (!unknown.every((file) => isLaterMinor(file, files))) {
    throw new ConfigError(
      `the database is newer than this program: it has ${unknown.join(', ')}, of another major version; run a newer Tidings`,
    );
  }
  const changed = files.find(({ file, hash }) => applied.has(file) && applied.get(file) !== hash);
  if (changed) {
    throw new ConfigError(
      `migration ${changed.file} was changed after it had been applied; run the Tidings that applied it, or use an empty database`,
    );
  }
  const pending = files.map(({ file }) => file).filter((file) => !applied.has(file));
  if (unknown.length > 0 && pending.length > 0) {
    throw new ConfigError(
      `the database has ${unknown.join(', ')} but lacks ${pending.join(', ')}; run a newer Tidings`,
    );
  }
  return { applied: [...applied.keys()], pending, newer: unknown };
}

/** Creates the table that records which files ran, unless it exists. */
export async function createMigrationsTable(connection: Connection): Promise<void> {
  await connection.query(
    'create table if not exists migrations (file text primary key, hash text not null, applied_at timestamptz not null default now())',
  );
}

/** Runs a file and records it, in the transaction of the caller. */
export async function runSchemaFile(connection: Connection, { file, hash, sql }: SchemaFile): Promise<void> {
  await queryPatiently(connection, sql);
  await connection.query('insert into migrations (file, hash) values ($1, $2)', [file, hash]);
}

/** Runs a file in a transaction of its own, and again while a table that it needs is locked. */
async function runUnlocked(connection: pg.PoolClient, file: SchemaFile, options: MigrateOptions): Promise<void> {
  const deadline = performance.now() + options.patience;
  for (;;) {
    await connection.query('begin');
    try {
      await connection.query(`set local lock_timeout = ${Math.max(1, Math.floor(options.lockTimeout))}`);
      await runSchemaFile(connection, file);
      await connection.query('commit');
      return;
    } catch (error) {
      await connection.query('rollback');
      if (!isLockFailure(error)) throw error;
      if (performance.now() + LOCK_RETRY_MS > deadline) {
        throw new ConfigError(
          `migration ${file.file} changed nothing, because other sessions kept its tables locked; ` +
            'run it again at a quieter time: tidings migrate --lock-timeout 10s --wait 10m',
        );
      }
      await pause(LOCK_RETRY_MS);
    }
  }
}

/** @throws ConfigError if the server is older than MIN_SERVER_VERSION */
export async function checkServerVersion(connection: Connection): Promise<void> {
  const { rows } = await connection.query<{ number: number; name: string }>(
    `select current_setting('server_version_num')::int as number, current_setting('server_version') as name`,
  );
  const [server] = rows;
  if (!server || server.number >= MIN_SERVER_VERSION * 10_000) return;
  throw new ConfigError(
    `Tidings needs PostgreSQL ${MIN_SERVER_VERSION} or newer; the server of DATABASE_URL has version ${server.name}`,
  );
}

/** Returns the hashes of the files that ran, by name in order; empty without a schema. */
async function loadApplied(connection: Connection): Promise<Map<string, string>> {
  const { rows: tables } = await connection.query(`select from pg_class where oid = to_regclass('migrations')`);
  if (tables.length === 0) return new Map();
  const { rows } = await connection.query<{ file: string; hash: string }>(
    'select file, hash from migrations order by file',
  );
  return new Map(rows.map((row) => [row.file, row.hash]));
}

/** The baseline marks itself in `metadata`. Development versions before it had a file of the same name without that row. */
async function checkBaseline(connection: Connection): Promise<void> {
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
function queryPatiently(connection: Connection, text: string, values?: unknown[]): Promise<unknown> {
  // `query_timeout` is an option of node-postgres for one query that its types do not know.
  return connection.query({ text, ...(values && { values }), query_timeout: MAX_STATEMENT_MS } as pg.QueryConfig);
}
