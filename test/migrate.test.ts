import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../src/errors.ts';
import { migrate } from '../src/store/pg/migrate.ts';
import { Partitions, uuidAt } from '../src/store/pg/partitions.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';

/** The schema: brought up to date by whoever comes first, and what it does not let happen. */

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
  test('from nothing, by two processes at once, and again', async () => {
    const before = await tables();
    await database.pool.query('drop schema public cascade; create schema public');
    expect(await tables()).toEqual([]);
    await Promise.all([migrate(database.pool), migrate(database.pool), migrate(database.pool)]);
    expect(await tables()).toEqual(before);
    const applied = await database.pool.query('select * from migrations order by file');
    await migrate(database.pool);
    expect((await database.pool.query('select * from migrations order by file')).rows).toEqual(applied.rows);
  });

  test('a file that was changed after it had been applied is refused', async () => {
    await database.pool.query(`update migrations set hash = 'another ' || hash`);
    await expect(migrate(database.pool)).rejects.toThrow(
      /^migration 000001\.sql was changed after it had been applied/,
    );
    await database.pool.query(`update migrations set hash = substr(hash, 9)`);
    await migrate(database.pool);
  });

  test('a database of a newer program is refused', async () => {
    await database.pool.query(`insert into migrations (file, hash) values ('999999.sql', '')`);
    await expect(migrate(database.pool)).rejects.toThrow('the database is newer than this program: it has 999999.sql');
    await database.pool.query(`delete from migrations where file = '999999.sql'`);
    await migrate(database.pool);
  });

  test.each([
    ['an earlier development version', 'drop schema public cascade; create schema public'],
    ['one with the same table for facts about the database', `delete from metadata where name = 'baseline'`],
  ])('a database made by %s is rejected in one sentence, and stays as it is', async (_version, make) => {
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

  test('of a server that is too old is refused before anything is made', async () => {
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

describe('partitions', () => {
  const NOW = Date.parse('2025-11-20T12:00:00Z');

  async function partitionsOf(table: string): Promise<string[]> {
    const { rows } = await database.pool.query<{ name: string }>(
      `select c.relname as name from pg_inherits join pg_class as c on c.oid = inhrelid
       where inhparent = $1::regclass order by 1`,
      [table],
    );
    return rows.map((row) => row.name);
  }

  test('of this month and the next two, made by several processes at once', async () => {
    await Promise.all([1, 2, 3].map(() => new Partitions(database.pool).ensureAhead(NOW)));
    for (const table of ['notifications', 'deliveries', 'attempts', 'messages']) {
      expect(await partitionsOf(table)).toEqual(
        ['2025_11', '2025_12', '2026_01', 'default'].map((month) => `${table}_${month}`),
      );
    }
    await new Partitions(database.pool).ensureAhead(NOW);
    expect(await partitionsOf('events')).toEqual(['events_2025_11', 'events_2025_12', 'events_default']);
  });

  test('events lie in their month, those of far years in the default partition', async () => {
    const times = [
      '2025-11-30T23:59:59.999Z',
      '2025-12-01T00:00:00.000Z',
      '2021-03-15T00:00:00Z',
      '1999-12-31T00:00:00Z',
      '9999-12-31T00:00:00Z',
      '2026-02-01T00:00:00Z',
    ].map((time) => Date.parse(time));
    await Promise.all([1, 2].map(() => new Partitions(database.pool).ensureEvents(times, NOW)));
    for (const time of times) await insertEvent(new Date(time).toISOString());
    const { rows } = await database.pool.query(
      'select tableoid::regclass::text as partition from events order by event_time',
    );
    expect(rows.map((row) => row.partition)).toEqual([
      'events_default',
      'events_2021_03',
      'events_2025_11',
      'events_2025_12',
      'events_default',
      'events_default',
    ]);
  });

  test('what came when its month was too far away moves there when the month is made, by several processes', async () => {
    const later = Date.parse('2026-01-10T00:00:00Z');
    const { rows: before } = await database.pool.query('select * from events order by event_time');
    const soon = [Date.parse('2026-02-01T00:00:00Z')];
    await Promise.all([1, 2, 3].map(() => new Partitions(database.pool).ensureEvents(soon, later)));
    const { rows: after } = await database.pool.query('select * from events order by event_time');
    expect(after).toEqual(before);
    await insertEvent('2026-02-02T00:00:00Z');
    const { rows } = await database.pool.query(
      `select tableoid::regclass::text as partition, count(*) from events where event_time between '2026-01-01' and '2027-01-01'
       group by 1`,
    );
    expect(rows).toEqual([{ partition: 'events_2026_02', count: 2 }]);
  });

  test('too many that came too early stay where they are', async () => {
    await database.pool.query(
      `insert into events (tenant_id, user_id, event_time, key, event_type, received_at, properties, traits,
         catalog_version, decisions) select 't', 'u', '2026-03-02', gen_random_uuid(), 'seen', now(), '{}', '{}', 1, '[]'
       from generate_series(1, 100001)`,
    );
    const partitions = new Partitions(database.pool);
    await partitions.ensureEvents([Date.parse('2026-03-02T00:00:00Z')], Date.parse('2026-03-01T00:00:00Z'));
    expect(await partitionsOf('events')).not.toContain('events_2026_03');
    expect(await partitions.ensureAhead(Date.parse('2026-02-01T00:00:00Z'))).toEqual(['events_2026_03']);
    await insertEvent('2026-03-03T00:00:00Z');
    await database.pool.query('delete from events where event_time >= $1', ['2026-03-01']);
  });

  test('nobody waits for a month that cannot be made: it is made later, with what came for it meanwhile', async () => {
    const now = Date.parse('2026-03-10T00:00:00Z');
    const partitions = new Partitions(database.pool);
    const reader = await database.pool.connect();
    await reader.query('begin; select from events limit 1');
    await partitions.ensureEvents([Date.parse('2026-04-01T00:00:00Z')], now);
    await reader.query('rollback');
    reader.release();
    await insertEvent('2026-04-01T00:00:00Z');
    await partitions.ensureEvents([Date.parse('2026-04-01T00:00:00Z')], now + 1000);
    expect(await partitionsOf('events')).not.toContain('events_2026_04');
    await partitions.ensureEvents([Date.parse('2026-04-01T00:00:00Z')], now + 60_000);
    const { rows } = await database.pool.query('select count(*) from events_2026_04');
    expect(rows).toEqual([{ count: 1 }]);
  });

  test('notifications lie in the month of their id', async () => {
    const id = uuidAt(Date.parse('2025-12-24T18:00:00Z'));
    await database.pool.query(
      `insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, due_at, retry_until,
         in_doubt_policy, created_at) values ('t', $1, 'email', 'u', 'N', now(), now(), 'resend', now())`,
      [id],
    );
    const { rows } = await database.pool.query('select tableoid::regclass::text as partition from deliveries');
    expect(rows).toEqual([{ partition: 'deliveries_2025_12' }]);
    await database.pool.query('delete from deliveries');
  });

  test('deliveries that came early move as well', async () => {
    const id = uuidAt(Date.parse('2026-07-04T18:00:00Z'));
    await database.pool.query(
      `insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, due_at, retry_until,
         in_doubt_policy, created_at) values ('t', $1, 'email', 'u', 'N', now(), now(), 'resend', now())`,
      [id],
    );
    expect(await new Partitions(database.pool).ensureAhead(Date.parse('2026-06-01T00:00:00Z'))).toEqual([]);
    const { rows } = await database.pool.query('select tableoid::regclass::text as partition from deliveries');
    expect(rows).toEqual([{ partition: 'deliveries_2026_07' }]);
    await database.pool.query('delete from deliveries');
  });

  async function insertEvent(time: string): Promise<void> {
    await database.pool.query(
      `insert into events (tenant_id, user_id, event_time, key, event_type, received_at, properties, traits,
         catalog_version, decisions) values ('t', 'u', $1, gen_random_uuid(), 'seen', now(), '{}', '{}', 1, '[]')`,
      [time],
    );
  }
});

describe('what the database does not let happen', () => {
  const ID = '01900000-0000-7000-8000-000000000001';
  const delivery = (status: string, worker: string, finished: string, policy = 'resend', started = 'null') =>
    `insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, status, due_at, retry_until,
       in_doubt_policy, worker, created_at, finished_at, started_at, duration_ms)
     values ('t', '${ID}', 'email', 'u', 'N', '${status}', now(), now(), '${policy}', ${worker}, now(), ${finished},
       ${started}, case when ${started} is not null then 1 end)`;
  const attempt = (outcome: string) =>
    `insert into attempts (tenant_id, notification_id, channel, attempt, provider, worker, started_at, duration_ms, outcome)
     values ('t', '${ID}', 'email', 1, 'p', 'w', now(), 0, '${outcome}')`;
  const use = (slot: number) =>
    `insert into limit_uses (tenant_id, user_id, limit_key, bucket, slot, event_time, event_id, notification_id)
     values ('t', 'u', 'R once', 'ever', ${slot}, now(), 'e', '${ID}')`;
  const address = (kind: string) =>
    `insert into addresses (tenant_id, user_id, kind, sealed, key_id, hash, mask, updated_at)
     values ('t', 'u', '${kind}', '', 'k', 'h', 'm', now())`;
  const key = `insert into event_ids (tenant_id, key, content_hash, user_id, event_time) values ('t', '${ID}', '${ID}', 'u', now())`;
  const catalog = (version: number) =>
    `insert into catalogs (tenant_id, version, content_hash, content, applied_at, applied_by)
     values ('t', ${version}, 'h', '{}', now(), 'test')`;

  test.each([
    ['a delivery being sent by nobody', delivery('sending', 'null', 'null'), '23514'],
    ['an attempt that delivered on a dead delivery', delivery('dead', "'w'", 'now()', 'hold', 'now()'), '23514'],
    ['a queued delivery that is finished', delivery('queued', 'null', 'now()'), '23514'],
    ['a delivery being sent that is finished', delivery('sending', "'w'", 'now()'), '23514'],
    ['a sent delivery that is not finished', delivery('sent', 'null', 'null'), '23514'],
    ['a dead delivery that is not finished', delivery('dead', 'null', 'null'), '23514'],
    ['an unknown state', delivery('lost', 'null', 'now()'), '23514'],
    ['an unknown policy', delivery('queued', 'null', 'null', 'hope'), '23514'],
    ['two deliveries of one notification on one channel', repeat(delivery('queued', 'null', 'null')), '23505'],
    ['an unknown outcome', attempt('perhaps'), '23514'],
    ['one attempt twice', repeat(attempt('delivered')), '23505'],
    ['a limit used below its first slot', use(0), '23514'],
    ['a "once" twice', repeat(use(1)), '23505'],
    ['an address of an unknown kind', address('pigeon'), '23514'],
    ['two e-mail addresses of one person', repeat(address('email')), '23505'],
    ['one event id twice', repeat(key), '23505'],
    ['a catalog before the first', catalog(0), '23514'],
    ['one version twice', repeat(catalog(1)), '23505'],
    ['a version in force that was never applied', `insert into active_catalogs values ('t', 99)`, '23503'],
  ])('%s', async (_name, sql, code) => {
    await expect(database.pool.query(sql)).rejects.toMatchObject({ code });
  });

  test.each([
    delivery('queued', 'null', 'null'),
    delivery('sending', "'w'", 'null'),
    delivery('sent', 'null', 'now()', 'hold'),
    delivery('sent', "'w'", 'now()', 'hold', 'now()'),
    delivery('dead', 'null', 'now()'),
    attempt('in_doubt'),
    use(1),
    address('phone'),
    key,
    catalog(1),
  ])('and lets happen what may: %s', async (sql) => {
    const connection = await database.pool.connect();
    await connection.query('begin');
    await connection.query(sql);
    await connection.query('rollback');
    connection.release();
  });

  /** Both in one transaction, so that nothing is left behind. */
  function repeat(sql: string): string {
    return `${sql}; ${sql}`;
  }
});
