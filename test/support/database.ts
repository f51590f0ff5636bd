import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, inject } from 'vitest';
import { openPool } from '../../src/store/pg/pool.ts';
import { isolatedDatabase, type TenantDatabase } from '../../src/store/pg/tenant-database.ts';
import { prepareTenantSession } from '../../src/store/pg/tenant-pool.ts';
import { API_ROLE, databaseUrl, toApiUrl } from './postgres.ts';

export interface TestDatabase {
  readonly url: string;
  readonly pool: pg.Pool;
  /** URL of the API login. */
  readonly apiUrl: string;
  /** The database as the API sees it. */
  readonly tenants: TenantDatabase;
  /** Fails if a connection still uses the database: a test that leaks a worker is a failed test. */
  drop(): Promise<void>;
}

/** A private, migrated, empty database. */
export async function testDatabase(): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '').slice(0, 16)}`;
  const serverUrl = inject('serverUrl');
  await asAdmin(serverUrl, `create database ${name} template template_tidings ${inject('cloning')}`);
  const url = databaseUrl(serverUrl, name);
  const pool = openPool(url, { max: 10, name: 'test' });
  const apiUrl = toApiUrl(url);
  const requests = openPool(apiUrl, { max: 6, name: 'test requests', prepare: prepareTenantSession });
  return {
    url,
    pool,
    apiUrl,
    tenants: isolatedDatabase(pool, requests, API_ROLE),
    async drop() {
      await requests.end();
      await pool.end();
      await asAdmin(serverUrl, `drop database ${name}`);
    },
  };
}

/**
 * Prepares a database for the tests of a file: call it once, at its top. The database is created before the tests and
 * dropped after them; the returned function is for use in them.
 */
export function useDatabase(): () => TestDatabase {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database.drop());
  return () => database;
}

async function asAdmin(serverUrl: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    // Cloning needs the template to itself: clones of parallel test files take turns.
    await client.query('select pg_advisory_lock(1)');
    await client.query(sql);
  } finally {
    await client.end();
  }
}
