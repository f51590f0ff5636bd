import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPool } from '../src/store/pg/pool.ts';
import { checkSessions } from '../src/store/pg/pooler.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { findPgBouncer, startPgBouncer } from './support/pgbouncer.ts';

/** Statements rely on settings of their session: they hold whatever the server, the role, the URL and the environment say. */

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
});

afterAll(async () => {
  await database.drop();
});

const WANTED = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, MDY',
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  default_transaction_read_only: 'off',
  default_transaction_isolation: 'read committed',
  statement_timeout: '55000',
  lock_timeout: '20000',
  idle_in_transaction_session_timeout: '15000',
};

async function settingsOf(url: string): Promise<object> {
  const pool = openPool(url, { max: 1, name: 'settings' });
  try {
    const { rows } = await pool.query('select name, setting from pg_settings where name = any($1)', [
      Object.keys(WANTED),
    ]);
    return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
  } finally {
    await pool.end();
  }
}

function withOptions(options: string): string {
  const url = new URL(database.url);
  url.searchParams.set('options', options);
  return url.href;
}

describe('session settings', () => {
  test('are those of Tidings on a stock server', async () => {
    expect(await settingsOf(database.url)).toEqual(WANTED);
  });

  test('survive ?options= in the URL, which keeps its own effect', async () => {
    const url = withOptions('-c search_path=elsewhere -c timezone=Europe/Berlin -c enable_seqscan=on');
    expect(await settingsOf(url)).toEqual(WANTED);
    const pool = openPool(url, { max: 1, name: 'settings' });
    const { rows } = await pool.query('show search_path');
    await pool.end();
    expect(rows).toEqual([{ search_path: 'elsewhere' }]);
  });

  test('survive settings of the database and of the role', async () => {
    const name = new URL(database.url).pathname.slice(1);
    await database.pool.query(`
      alter database ${name} set timezone = 'Europe/Berlin';
      alter database ${name} set datestyle = 'German';
      alter database ${name} set default_transaction_read_only = on;
      alter database ${name} set statement_timeout = '1s'`);
    try {
      expect(await settingsOf(database.url)).toEqual(WANTED);
    } finally {
      await database.pool.query(`alter database ${name} reset all`);
    }
  });

  test('survive PGOPTIONS', async () => {
    process.env.PGOPTIONS = '-c default_transaction_read_only=on -c timezone=Asia/Tokyo';
    try {
      expect(await settingsOf(database.url)).toEqual(WANTED);
    } finally {
      delete process.env.PGOPTIONS;
    }
  });

  test('timeouts can be given in the URL', async () => {
    const url = new URL(database.url);
    url.searchParams.set('lock_timeout', '1234');
    url.searchParams.set('statement_timeout', '2345');
    const changed = { ...WANTED, lock_timeout: '1234', statement_timeout: '2345' };
    expect(await settingsOf(url.href)).toEqual(changed);
  });

  test('a statement ends in the server a little before the client forgets it', async () => {
    const timeouts = { query: 1500, statement: 300 };
    const pool = openPool(database.url, { max: 1, name: 'slow statement', timeouts });
    await expect(pool.query('select pg_sleep(20)')).rejects.toMatchObject({ code: '57014' });
    const { rows } = await database.pool.query(
      `select count(*)::int as running from pg_stat_activity where application_name = 'slow statement' and state = 'active'`,
    );
    await pool.end();
    expect(rows).toEqual([{ running: 0 }]);
  });
});

describe.skipIf(!findPgBouncer())('behind PgBouncer', () => {
  test('its session mode works', async () => {
    const pooler = await startPgBouncer(database.url, 'session');
    try {
      await checkSessions(pooler.url);
      expect(await settingsOf(pooler.url)).toEqual(WANTED);
    } finally {
      pooler.stop();
    }
  });

  test('its transaction mode is reported in a sentence', async () => {
    const pooler = await startPgBouncer(database.url, 'transaction');
    try {
      await expect(checkSessions(pooler.url)).rejects.toThrow(/pooler in transaction .*pool_mode = session/s);
    } finally {
      pooler.stop();
    }
  });
});

test('PostgreSQL itself is never taken for a pooler', async () => {
  for (let round = 0; round < 5; round++) await checkSessions(database.url);
});

test('the locks of a batch are bounded, however many users it has', async () => {
  const { lockUsers } = await import('../src/store/facts/facts.ts');
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    await client.query('begin');
    const userIds = Array.from({ length: 40_000 }, (_, n) => `user ${n}`);
    await lockUsers(client as unknown as pg.PoolClient, 'default', userIds);
    const { rows } = await client.query(
      `select count(*)::int as locks from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()`,
    );
    expect(rows[0].locks).toBeGreaterThan(4000);
    expect(rows[0].locks).toBeLessThanOrEqual(4096);
    await client.query('rollback');
  } finally {
    await client.end();
  }
});
