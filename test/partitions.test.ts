import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrate } from '../src/store/pg/migrate.ts';
import { Partitions } from '../src/store/pg/partitions.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
  // Without the partitions of the current month, which the template has.
  await database.pool.query('drop schema public cascade; create schema public');
  await migrate(database.pool);
});

afterAll(() => database.drop());

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

  test('are created for this month and the next two, with several processes at once', async () => {
    await Promise.all([1, 2, 3].map(() => new Partitions(database.pool).ensureAhead(NOW)));
    for (const table of ['notifications', 'deliveries', 'attempts', 'messages']) {
      expect(await partitionsOf(table)).toEqual(
        ['2025_11', '2025_12', '2026_01', 'default'].map((month) => `${table}_${month}`),
      );
    }
    await new Partitions(database.pool).ensureAhead(NOW);
    expect(await partitionsOf('events')).toEqual(['events_2025_11', 'events_2025_12', 'events_default']);
  });

  test('hold the events of their month; the default partition holds distant years', async () => {
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

  test('receive earlier events of their month when they are created, with several processes', async () => {
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

  test('receive earlier events however many they are', async () => {
    await database.pool.query(
      `insert into events (tenant_id, user_id, event_time, key, event_type, received_at, properties, traits,
         catalog_version, decisions) select 't', 'u', '2026-03-02', gen_random_uuid(), 'seen', now(), '{}', '{}', 1, '[]'
       from generate_series(1, 100001)`,
    );
    const onRebuilt = (_: string, error: unknown) => expect(error).toBeNull();
    const partitions = new Partitions(database.pool, { onRebuilt });
    await partitions.ensureEvents([Date.parse('2026-03-02T00:00:00Z')], Date.parse('2026-03-01T00:00:00Z'));
    await insertEvent('2026-03-03T00:00:00Z');
    await partitions.settle();
    const { rows } = await database.pool.query('select count(*) from events_2026_03');
    expect(rows).toEqual([{ count: 100_002 }]);
    expect(await partitions.ensureAhead(Date.parse('2026-02-01T00:00:00Z'))).toEqual([]);
    await database.pool.query('delete from events where event_time >= $1', ['2026-03-01']);
  });

  test('are created later if a lock prevents it, and receive the events that arrived meanwhile', async () => {
    const now = Date.parse('2026-03-10T00:00:00Z');
    const partitions = new Partitions(database.pool);
    const reader = await database.pool.connect();
    await reader.query('begin; select from events limit 1');
    await partitions.ensureEvents([Date.parse('2026-04-01T00:00:00Z')], now);
    await reader.query('rollback');
    reader.release();
    await insertEvent('2026-04-01T00:00:00Z');
    await partitions.ensureEvents([Date.parse('2026-04-01T00:00:00Z')], now + 500);
    expect(await partitionsOf('events')).not.toContain('events_2026_04');
    await partitions.ensureEvents([Date.parse('2026-04-01T00:00:00Z')], now + 60_000);
    const { rows } = await database.pool.query('select count(*) from events_2026_04');
    expect(rows).toEqual([{ count: 1 }]);
  });

  test('hold notifications by the month of their ID', async () => {
    const id = '019b5184-8d00-0000-0000-000000000000';
    await database.pool.query(
      `insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, due_at, retry_until,
         in_doubt_policy, created_at) values ('t', $1, 'email', 'u', 'N', now(), now(), 'resend', now())`,
      [id],
    );
    const { rows } = await database.pool.query('select tableoid::regclass::text as partition from deliveries');
    expect(rows).toEqual([{ partition: 'deliveries_2025_12' }]);
    await database.pool.query('delete from deliveries');
  });

  test('receive earlier deliveries as well', async () => {
    const id = '019f2e49-8d00-0000-0000-000000000000';
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
