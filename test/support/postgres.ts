import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startEmbedded } from '../../src/embedded/embedded.ts';
import { createApiRole, grantApiRights } from '../../src/store/pg/api-login.ts';
import { migrate } from '../../src/store/pg/migrate.ts';
import { Partitions } from '../../src/store/pg/partitions.ts';
import { openPool } from '../../src/store/pg/pool.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The URL of the server, with an open database name: replace `/DATABASE`. */
    serverUrl: string;
    /** End of `create database` with the template: copies its files, since to write each page to the log costs eight times as much. */
    cloning: string;
  }
}

const PREFIX = 'tidings-test-';
const SERVER = 'server';
const SHARED_MEMORY = '/dev/shm';
/** No server takes as long to start, in milliseconds. */
const HOUR = 3_600_000;
/** More than all databases of a run take, in bytes. */
const ROOM = 8 * 2 ** 30;

/**
 * The data need not survive the machine, and its log is not read. Each database that is created or dropped looks through all of the
 * buffers.
 */
const THROWN_AWAY = {
  fsync: 'off',
  full_page_writes: 'off',
  wal_compression: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  shared_buffers: '256MB',
};

/**
 * One private server for the whole run, or that of TEST_DATABASE_URL (another version, as its superuser); every test file
 * clones its own database from a migrated template. And one folder for all that tests leave behind.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(memory() ?? tmpdir(), PREFIX));
  // Servers of tests that run as root are another user's.
  chmodSync(folder, 0o1777);
  process.env.TMPDIR = folder;
  const { TEST_DATABASE_URL: given } = process.env;
  const server = given
    ? { url: given, stop: async () => {} }
    : await startEmbedded({ dataDir: join(folder, SERVER), settings: THROWN_AWAY });
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  await admin.query('drop database if exists template_tidings');
  await admin.query('create database template_tidings');
  const { rows } = await admin.query(`select current_setting('server_version_num')::int >= 150000 as has_strategies`);
  await admin.end();
  const pool = openPool(databaseUrl(server.url, 'template_tidings'), { max: 1, name: 'template' });
  await migrate(pool);
  if (given) await createApiRole(pool, API_ROLE, API_ROLE);
  await grantApiRights(pool, API_ROLE);
  await new Partitions(pool).ensureAhead(Date.now());
  await pool.end();
  project.provide('serverUrl', server.url);
  project.provide('cloning', rows[0].has_strategies ? 'strategy file_copy' : '');
  return async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
}

/**
 * A folder in memory, where there is one with room: each test file makes a database of a thousand files, some make whole
 * servers, and a disk spends as long on those as the tests on what is in them.
 */
function memory(): string | undefined {
  try {
    const { bavail, bsize } = statfsSync(SHARED_MEMORY);
    sweep();
    return bavail * bsize > ROOM ? SHARED_MEMORY : undefined;
  } catch {
    return undefined;
  }
}

/** Deletes the folders of runs that were killed; their servers have ended with them. */
function sweep(): void {
  for (const name of readdirSync(SHARED_MEMORY).filter((one) => one.startsWith(PREFIX))) {
    const folder = join(SHARED_MEMORY, name);
    if (Date.now() - statSync(folder).mtimeMs < HOUR || isServed(folder)) continue;
    rmSync(folder, { recursive: true, force: true });
  }
}

function isServed(folder: string): boolean {
  try {
    return process.kill(
      Number.parseInt(readFileSync(join(folder, SERVER, 'postgres', 'postmaster.pid'), 'utf8'), 10),
      0,
    );
  } catch {
    return false;
  }
}

/** The login of the API; on a server that was given, its password too. */
export const API_ROLE = 'tidings_api';

/** Returns the URL of a database for the login of the API. */
export function toApiUrl(url: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}user=${API_ROLE}&password=${API_ROLE}`;
}

export function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}
