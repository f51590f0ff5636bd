import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { systemActor } from '../../src/model/principal.ts';
import { applyCatalog } from '../../src/store/apply-catalog.ts';
import { checkEncryptionKey } from '../../src/store/metadata.ts';
import { isCommandRunning, runLikeProcess } from './cli.ts';
import { type TestDatabase, testDatabase } from './database.ts';
import type { TestTidings } from './tidings.ts';

/** Dumps and restores through the command line, and comparisons of databases. */

export interface Ended {
  readonly code: number | NodeJS.Signals | null;
  readonly stdout: Buffer;
  /** Without progress. */
  readonly stderr: string;
}

/**
 * Runs a command of the command line: as a process of its own where that shows (standard input, bytes on standard output, a kill),
 * or another runs in this one; otherwise in this one, which starts faster. @param input for its standard input
 */
export async function runTidings(
  args: readonly string[],
  env: { readonly [name: string]: string },
  { input, onStarted }: { input?: Buffer; onStarted?: (kill: () => void, pid: number) => void } = {},
): Promise<Ended> {
  const writesDump = args.includes('-') || (args[0] === 'dump' && args.length === 1);
  if (input === undefined && onStarted === undefined && !writesDump && !isCommandRunning()) {
    const { code, stdout, output } = await runLikeProcess(args, env);
    return { code, stdout: Buffer.from(stdout), stderr: withoutProgress(output.slice(stdout.length)) };
  }
  const child = spawn(process.execPath, ['dist/tidings.mjs', ...args], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const out: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk) => out.push(chunk));
  child.stderr.on('data', (chunk) => errors.push(chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(input ?? '');
  onStarted?.(() => child.kill('SIGKILL'), child.pid as number);
  const code = await new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.on('close', (exit, signal) => resolve(signal ?? exit));
  });
  return { code, stdout: Buffer.concat(out), stderr: withoutProgress(Buffer.concat(errors).toString()) };
}

function withoutProgress(text: string): string {
  return text.replace(/^\w+: [\d.]+ MiB (dumped|restored); .*\n/gm, '');
}

/** Returns the settings with which the command line uses a database. */
export function toEnv(
  { url, apiUrl }: { readonly url: string; readonly apiUrl?: string },
  key: string,
  dataDir: string,
): { [name: string]: string } {
  const api = apiUrl === undefined ? {} : { TIDINGS_API_DATABASE_URL: apiUrl };
  return { DATABASE_URL: url, TIDINGS_ENCRYPTION_KEY: key, TIDINGS_DATA_DIR: dataDir, ...api };
}

/** A private database without any table. */
export async function emptyDatabase(): Promise<TestDatabase> {
  const database = await testDatabase();
  await database.pool.query('drop schema public cascade; create schema public');
  return database;
}

/** A temporary folder, and a function that removes it. */
export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'tidings-dump-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Tables whose rows belong to a database or to the processes that run on it. */
const LOCAL = ['leases', 'migrations'];

/** Returns all rows of all tables as sorted texts, without facts and audit entries about restores. */
export async function loadTables(pool: pg.Pool): Promise<{ [table: string]: string[] }> {
  const { rows: names } = await pool.query<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition order by 1`,
  );
  const tables: { [table: string]: string[] } = {};
  for (const { name } of names) {
    if (LOCAL.includes(name)) continue;
    const { rows } = await pool.query<{ row: string }>(`select t::text as row from ${name} as t order by 1`);
    const isOwn = (row: string) => !/^\((baseline|paused|last_dump),|database\.restored|tenant\.resumed/.test(row);
    tables[name] = rows.map(({ row }) => row).filter(isOwn);
  }
  return tables;
}

/** Returns how many rows each month and the default partition of each partitioned table has. */
export async function countPartitions(pool: pg.Pool): Promise<{ [partition: string]: number }> {
  const { rows } = await pool.query<{ name: string }>(
    `select relname as name from pg_class where relispartition and relkind = 'r' order by 1`,
  );
  const counts: { [partition: string]: number } = {};
  for (const { name } of rows) {
    counts[name] = Number((await pool.query(`select count(*) as count from ${name}`)).rows[0].count);
  }
  return counts;
}

/** Records the key of the process as that of the database, as a start does. */
export async function recordKey({ database, seal }: TestTidings): Promise<void> {
  await checkEncryptionKey(database.pool, seal);
}

/** Gives another tenant the active catalog of the default one. */
export async function addTenant({ pool, catalogs, clock }: TestTidings, tenant: string): Promise<void> {
  const { data } = await catalogs.getActive('default');
  await pool.query('insert into tenants (tenant_id, name) values ($1, $1)', [tenant]);
  await applyCatalog(pool, tenant, data, systemActor('test'), clock.now);
}
