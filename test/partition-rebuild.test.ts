import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { migrate } from '../src/store/pg/migrate.ts';
import { Partitions } from '../src/store/pg/partitions.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';

/** Months whose rows came before their partition: others keep writing and reading while the rows move. */

const NOW = Date.parse('2026-03-10T00:00:00Z');
const APRIL = [Date.parse('2026-04-01T00:00:00Z')];

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
beforeEach(async () => {
  await database.pool.query('drop schema public cascade; create schema public');
  await migrate(database.pool);
});
afterAll(() => database.drop());

const errors: unknown[] = [];
function openPartitions(maxLockedRows = 100): Partitions {
  const onRebuilt = (_: string, error: unknown) => error && errors.push(error);
  return new Partitions(database.pool, { maxLockedRows, onRebuilt });
}

async function insertEvents(count: number, time: string, user = 'u'): Promise<void> {
  await database.pool.query(
    `insert into events (tenant_id, user_id, event_time, key, event_type, received_at, properties, traits, catalog_version, decisions)
     select 't', $3, $2::timestamptz + n * interval '1 ms', gen_random_uuid(), 'seen', now(), '{}', '{}', 1, '[]'
     from generate_series(1, $1::int) as n`,
    [count, time, user],
  );
}

async function countByPartition(): Promise<{ [partition: string]: number }> {
  const { rows } = await database.pool.query(
    'select tableoid::regclass::text as partition, count(*) from events group by 1 order by 1',
  );
  return Object.fromEntries(rows.map((row) => [row.partition, row.count]));
}

describe('a default partition with many rows', () => {
  test('is emptied into months and years, and the month that was asked for is made', async () => {
    await insertEvents(3000, '2026-04-02T00:00:00Z');
    await insertEvents(2000, '2025-07-02T00:00:00Z');
    await insertEvents(500, '2012-02-01T00:00:00Z');
    await insertEvents(400, '2012-11-01T00:00:00Z');
    await insertEvents(2, '2001-11-01T00:00:00Z');
    const partitions = openPartitions();
    await partitions.ensureEvents(APRIL, NOW);
    await partitions.settle();
    expect(errors).toEqual([]);
    expect(await countByPartition()).toEqual({
      events_2012: 900,
      events_2025_07: 2000,
      events_2026_04: 3000,
      events_default: 2,
    });
    await insertEvents(1, '2012-05-01T00:00:00Z');
    await insertEvents(1, '2026-04-05T00:00:00Z');
    expect(await countByPartition()).toMatchObject({ events_2012: 901, events_2026_04: 3001, events_default: 2 });
    // The partitions have the indexes of the table.
    const { rows } = await database.pool.query(
      `select c.relname as name, count(*) from pg_class as c join pg_index as i on i.indrelid = c.oid
       where c.relname ~ '^events_(default|2012|2026_04)$' and i.indisvalid
         and exists (select from pg_inherits where inhrelid = i.indexrelid) group by 1 order by 1`,
    );
    expect(rows).toEqual(['events_2012', 'events_2026_04', 'events_default'].map((name) => ({ name, count: 4 })));
  });

  test('keeps what is written, changed and deleted meanwhile', async () => {
    await insertEvents(6000, '2026-04-02T00:00:00Z');
    const partitions = openPartitions();
    await partitions.ensureEvents(APRIL, NOW);
    let isDone = false;
    const done = partitions.settle().then(() => {
      isDone = true;
    });
    let rounds = 0;
    while (!isDone) {
      await insertEvents(20, '2026-04-03T00:00:00Z', `round ${rounds}`);
      await database.pool.query(
        `update events set event_type = 'changed' where tenant_id = 't' and user_id = 'u' and event_time < '2026-04-02T00:00:00.1Z'`,
      );
      await database.pool.query(
        `delete from events where tenant_id = 't' and user_id = $1 and event_time > '2026-04-03T00:00:00.010Z'`,
        [`round ${rounds++}`],
      );
    }
    await done;
    expect(errors).toEqual([]);
    expect(await countByPartition()).toEqual({ events_2026_04: 6000 + rounds * 10 });
    const { rows } = await database.pool.query(`select count(*) from events where event_type = 'changed'`);
    expect(rows[0].count).toBe(99);
    const { rows: left } = await database.pool.query(
      `select relname from pg_class where relname ~ '_(rebuild|old|changes)$' and relkind in ('r', 'p')`,
    );
    expect(left).toEqual([]);
  });

  test('is emptied by one of several processes, whatever the table', async () => {
    await database.pool.query(
      `insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, due_at, retry_until,
         in_doubt_policy, created_at)
       select 't', ('019d6c00-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'email', 'u', 'N', now(), now(), 'resend', now()
       from generate_series(1, 1000) as n`,
    );
    const processes = [1, 2].map(() => openPartitions());
    await Promise.all(processes.map((one) => one.ensureAhead(Date.parse('2026-04-08T00:00:00Z'))));
    await Promise.all(processes.map((one) => one.settle()));
    expect(errors).toEqual([]);
    const { rows } = await database.pool.query(
      `select d.tableoid::regclass::text as partition, count(*), min(array_to_string(c.reloptions, ',')) as storage
       from deliveries as d join pg_class as c on c.oid = d.tableoid group by 1`,
    );
    expect(rows).toEqual([{ partition: 'deliveries_2026_04', count: 1000, storage: 'fillfactor=40' }]);
  });

  test('starts anew after a process was killed in between', async () => {
    await insertEvents(3000, '2026-04-02T00:00:00Z');
    const first = openPartitions();
    await first.ensureEvents(APRIL, NOW);
    await first.stop();
    await insertEvents(10, '2026-04-04T00:00:00Z');
    const second = openPartitions();
    await second.ensureEvents(APRIL, NOW);
    await second.settle();
    expect(await countByPartition()).toEqual({ events_2026_04: 3010 });
  });
});

describe('while a reader is open', () => {
  test('a missing month stalls others for a moment only, and is made when the reader is gone', async () => {
    const reader = await database.pool.connect();
    await reader.query('begin isolation level repeatable read; select from events limit 1');
    const partitions = openPartitions();
    const started = performance.now();
    const made = partitions.ensureEvents(APRIL, NOW);
    await insertEvents(1, '2026-04-02T00:00:00Z');
    await made;
    // Far below the 2 s for which the lock was once waited for.
    expect(performance.now() - started).toBeLessThan(1500);
    await reader.query('rollback');
    reader.release();
    await partitions.ensureEvents(APRIL, NOW + 1000);
    expect(await countByPartition()).toEqual({ events_2026_04: 1 });
  });

  test('many rows move, and are swapped in when the reader is gone', async () => {
    await insertEvents(1000, '2026-04-02T00:00:00Z');
    const partitions = openPartitions();
    const reader = await database.pool.connect();
    await reader.query('begin isolation level repeatable read; select from events limit 1');
    await partitions.ensureEvents(APRIL, NOW);
    await insertEvents(5, '2026-04-03T00:00:00Z');
    expect(await countByPartition()).toEqual({ events_default: 1005 });
    await reader.query('rollback');
    reader.release();
    await partitions.settle();
    expect(errors).toEqual([]);
    expect(await countByPartition()).toEqual({ events_2026_04: 1005 });
  });
});
