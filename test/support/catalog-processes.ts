import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type afterAll, afterEach } from 'vitest';
import { type TestDatabase, testDatabase } from './database.ts';
import { type Program, tidingsDirectly } from './program.ts';

/** Longest time in ms that a process may take to start: a busy machine is no failure. */
const MAX_START_MS = 90_000;

/** Processes of the program that share a database and a catalog. */
export interface CatalogProcesses {
  readonly database: TestDatabase;
  /** Starts a process that is ready. @param databaseUrl default: straight to the database. @param variables further ones */
  start(
    command: 'start' | 'api' | 'workers',
    databaseUrl?: string,
    variables?: { readonly [name: string]: string },
  ): Promise<{ program: Program; url: string | null }>;
}

export interface CatalogProcessesOptions {
  readonly catalog: Iterable<readonly [path: string, text: string]>;
  readonly leaseMs: number;
  readonly env?: { readonly [name: string]: string };
}

/** Prepares the tests of a file: call it once, at its top. Processes are killed and databases dropped after each test, or all. */
export function useCatalogProcesses(
  after: typeof afterEach | typeof afterAll = afterEach,
): (options: CatalogProcessesOptions) => Promise<CatalogProcesses> {
  const cleanup: (() => Promise<unknown>)[] = [];
  after(async () => {
    for (const step of cleanup.splice(0).reverse()) await step();
  });
  return async ({ catalog, leaseMs, env = {} }) => {
    const database = await testDatabase();
    cleanup.push(() => database.drop());
    const folder = mkdtempSync(join(tmpdir(), 'tidings-processes-'));
    cleanup.push(async () => rmSync(folder, { recursive: true }));
    for (const [path, text] of catalog) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const settings = {
      PORT: '0',
      TIDINGS_CATALOG: folder,
      TIDINGS_DATA_DIR: folder,
      TIDINGS_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      TIDINGS_LEASE: `${leaseMs / 1000}s`,
      TIDINGS_POLL: '1s',
      TIDINGS_WATCH: 'false',
      ...env,
    };
    return {
      database,
      async start(command, databaseUrl = database.url, variables = {}) {
        const program = tidingsDirectly([command, '--json'], {
          env: { ...settings, ...variables, DATABASE_URL: databaseUrl },
        });
        cleanup.push(async () => {
          program.killGroup('SIGKILL');
          await program.ended;
        });
        return { program, url: (await program.ready(MAX_START_MS)).url };
      },
    };
  };
}

/** Counts the deliveries of each status. */
export async function countByStatus({ pool }: TestDatabase): Promise<{ [status: string]: number }> {
  const { rows } = await pool.query('select status, count(*) as count from deliveries group by status');
  return Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)]));
}
