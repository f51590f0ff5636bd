import { beforeAll, describe, expect, test } from 'vitest';
import { readHistories } from '../src/store/replay.ts';
import { useDatabase } from './support/database.ts';
import { BASE } from './support/random-catalog.ts';
import { readAllHistories } from './support/replay-in-database.ts';

describe('reading stored histories', () => {
  const database = useDatabase();
  beforeAll(async () => {
    // More than a page of one user, between two others.
    await database().pool.query(
      `insert into events
         (tenant_id, user_id, event_time, key, event_type, received_at, properties, traits, catalog_version, decisions)
       select 't', case when n = 1 then 'a' when n = 7000 then 'c' else 'b' end, $1::timestamptz + n * interval '1 minute',
              gen_random_uuid(), 'a', $1::timestamptz + n * interval '1 minute', '{}', '{}', 0, '[]'
       from generate_series(1, 7000) as n`,
      [new Date(BASE).toISOString()],
    );
  });
  const minutes = (count: number) => BASE + count * 60_000;

  test('returns the whole history of each user, however the pages fall', async () => {
    const read: [string, number][] = [];
    const query = { tenantId: 't', since: BASE, until: minutes(9000), includeIdle: false };
    for (const { userId, events } of await readAllHistories(database().pool, query)) read.push([userId, events.length]);
    expect(read).toEqual([
      ['a', 1],
      ['b', 6998],
      ['c', 1],
    ]);
  });

  test('leaves out users without events in the period unless asked for, and events after the period', async () => {
    const read = async (includeIdle: boolean, userId?: string) => {
      const query = { tenantId: 't', since: minutes(3000), until: minutes(7000), includeIdle };
      const histories = await readAllHistories(database().pool, {
        ...query,
        ...(userId === undefined ? {} : { userId }),
      });
      return histories.map((history) => [history.userId, history.events.length]);
    };
    expect(await read(false)).toEqual([['b', 6998]]);
    expect(await read(true)).toEqual([
      ['a', 1],
      ['b', 6998],
    ]);
    expect(await read(true, 'a')).toEqual([['a', 1]]);
  });

  test('leaves no transaction open when the reader stops early', async () => {
    const query = { tenantId: 't', since: BASE, until: minutes(9000), includeIdle: false };
    for await (const _ of readHistories(database().pool, query)) break;
    const { rows } = await database().pool.query(
      `select count(*) as open from pg_stat_activity
       where datname = current_database() and state like 'idle in transaction%'`,
    );
    expect(rows[0]?.open).toBe(0);
  });
});
