import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Seal } from '../src/privacy/seal.ts';
import { ERASURE_STEPS } from '../src/store/erasure/erase-rows.ts';
import { moveWaits } from '../src/store/merge/move-rows.ts';
import { listSuppressions } from '../src/store/suppressions.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { TENANT } from './support/tidings.ts';

/** Statements for some rows of a user or of a tenant cost what these rows do, however many others there are. */

const OTHERS = 20_000;
const SOME = 100;
const seal = new Seal(randomBytes(32));
let database: TestDatabase;
let client: pg.PoolClient;

beforeAll(async () => {
  database = await testDatabase();
  client = await database.pool.connect();
  await client.query(
    `insert into waits (tenant_id, user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at, began_at,
                        ended_at, state)
     select $1, 'hot', gen_random_uuid(), 'R', '', 'delay', 1, case when n <= $3 then 'waiting' else 'fired' end, now(), now(),
            now(), case when n > $3 then now() end, '{}' from generate_series(1, $2::int) as n`,
    [TENANT, OTHERS, SOME],
  );
  await client.query(
    `insert into suppressions (tenant_id, channel, address_hash, scope, suppression_id, reason, since, evidence)
     select $1, 'email', 'h' || n, 'all', ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
            case when n = 1 then 'complaint' else 'hard_bounce' end, now(), '{}' from generate_series(1, $2::int) as n`,
    [TENANT, OTHERS],
  );
  await client.query('analyze waits; analyze suppressions');
});
afterAll(async () => {
  client.release();
  await database.drop();
});

async function rowsRead(table: string, work: () => Promise<unknown>): Promise<number> {
  const read = async () => {
    await client.query('select pg_stat_force_next_flush()');
    const { rows } = await client.query(
      'select idx_tup_fetch::int + seq_tup_read::int as count from pg_stat_user_tables where relname = $1',
      [table],
    );
    return rows[0].count as number;
  };
  const before = await read();
  await work();
  return (await read()) - before;
}

test('a list of suppressions of a rare reason, a channel or an address', async () => {
  const none = { channel: null, reason: null, addressHash: null };
  for (const [filter, count] of [
    [{ ...none, reason: 'complaint' }, 1],
    [{ ...none, channel: 'sms' }, 0],
    [{ ...none, channel: 'email', addressHash: 'h7' }, 1],
    [none, SOME],
  ] as const) {
    const work = async () => expect(await listSuppressions(client, TENANT, filter, SOME, null)).toHaveLength(count);
    expect([filter, (await rowsRead('suppressions', work)) <= 2 * SOME]).toEqual([filter, true]);
  }
});

test('a merge of a user with many waits that have ended', async () => {
  const move = { tenantId: TENANT, from: 'hot', into: 'other', now: Date.now() };
  const work = async () => expect(await moveWaits(client, seal, move)).toBe(SOME);
  expect(await rowsRead('waits', work)).toBeLessThan(10 * SOME);
});

test('a chunk of an erasure', async () => {
  const step = ERASURE_STEPS.find(({ table }) => table === 'waits');
  const erasure = {
    ...{
      tenantId: TENANT,
      userId: 'hot',
      erasedAt: Date.now() + 60_000,
      until: 'ffffffff-ffff-7fff-8fff-ffffffffffff',
    },
    ...{ addressHashes: [], waitUntil: null, rejectedHash: '', userHash: '' },
  };
  const work = async () => expect((await step?.erase(client, seal, erasure, null, SOME))?.rows).toBe(SOME);
  expect(await rowsRead('waits', work)).toBeLessThan(10 * SOME);
});
