import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../src/errors.ts';
import { migrate } from '../src/store/pg/migrate.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
});

afterAll(() => database.drop());

async function tables(): Promise<string[]> {
  const { rows } = await database.pool.query<{ name: string }>(
    `select relname as name from pg_class join pg_namespace as n on n.oid = relnamespace
     where nspname = 'public' and relkind in ('r', 'p') and not relispartition order by 1`,
  );
  return rows.map((row) => row.name);
}

describe('migrations', () => {
  test('create the schema once, with two processes at once', async () => {
    const before = await tables();
    await database.pool.query('drop schema public cascade; create schema public');
    expect(await tables()).toEqual([]);
    await Promise.all([migrate(database.pool), migrate(database.pool), migrate(database.pool)]);
    expect(await tables()).toEqual(before);
    const applied = await database.pool.query('select * from migrations order by file');
    await migrate(database.pool);
    expect((await database.pool.query('select * from migrations order by file')).rows).toEqual(applied.rows);
  });

  test('reject a file that was changed after it was applied', async () => {
    await database.pool.query(`update migrations set hash = 'another ' || hash`);
    await expect(migrate(database.pool)).rejects.toThrow(
      /^migration 000001\.sql was changed after it had been applied/,
    );
    await database.pool.query(`update migrations set hash = substr(hash, 9)`);
    await migrate(database.pool);
  });

  test('reject a database of a newer version', async () => {
    await database.pool.query(`insert into migrations (file, hash) values ('999999.sql', '')`);
    await expect(migrate(database.pool)).rejects.toThrow('the database is newer than this program: it has 999999.sql');
    await database.pool.query(`delete from migrations where file = '999999.sql'`);
    await migrate(database.pool);
  });

  test.each([
    ['an earlier development version', 'drop schema public cascade; create schema public'],
    ['one with the same table for facts about the database', `delete from metadata where name = 'baseline'`],
  ])('reject a database of %s in one sentence, and do not change it', async (_version, make) => {
    await database.pool.query(make);
    await database.pool.query(
      `create table if not exists migrations (file text primary key, hash text not null);
       insert into migrations (file, hash) values ('000001.sql', 'another') on conflict (file) do update set hash = 'another'`,
    );
    const before = await tables();
    await expect(migrate(database.pool)).rejects.toThrow(
      new ConfigError(
        'This database was made by an earlier development version of Tidings, which cannot be upgraded; move the data directory (.tidings, or TIDINGS_DATA_DIR) away, or use an empty database, and start again.',
      ),
    );
    expect(await tables()).toEqual(before);
    await database.pool.query('drop schema public cascade; create schema public');
    await migrate(database.pool);
  });

  test('reject a server that is too old before they change anything', async () => {
    const asked: string[] = [];
    const query = async (text: string) => {
      asked.push(text);
      return { rows: [{ number: 130_023, name: '13.23' }] };
    };
    const connect = async () => ({ query, release() {} });
    await expect(migrate({ connect } as unknown as pg.Pool)).rejects.toThrow(
      'Tidings needs PostgreSQL 14 or newer; the server of DATABASE_URL has version 13.23',
    );
    expect(asked).toEqual([expect.stringContaining('server_version')]);
  });
});
