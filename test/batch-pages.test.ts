import { afterAll, beforeAll, expect, test } from 'vitest';
import { findRepeated, writeResults } from '../src/store/batches/recipients.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { TENANT } from './support/tidings.ts';

/** A page of a batch costs what its own lines do, however many the batch has, and however often others name its users. */

const BATCH = '01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e';
/** An earlier batch, in which each line names the same user, who is on one line of this one. */
const EARLIER = '01999f3e-5c1a-7c3e-8f52-000000000000';
const LINES = 20_000;
let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
  await database.pool.query(
    `insert into batches (tenant_id, batch_id, operation_id, name, request, lines, actor, created_at)
     select $1, id, id, 'all', '{}', $4, '{}', now() from unnest(array[$2, $3]::uuid[]) as id`,
    [TENANT, EARLIER, BATCH, LINES],
  );
  await database.pool.query(
    `insert into batch_recipients (tenant_id, batch_id, line, user_id)
     select $1, $2, n, 'user ' || ($3::int - 2) from generate_series(0, $3::int - 1) as n`,
    [TENANT, EARLIER, LINES],
  );
  await database.pool.query(
    `insert into batch_recipients (tenant_id, batch_id, line, user_id)
     select $1, $2, n, case when n % 1000 = 999 then 'user 0' else 'user ' || n end from generate_series(0, $3::int - 1) as n`,
    [TENANT, BATCH, LINES],
  );
});
afterAll(() => database.drop());

test('the last page of a large batch reads its own lines, before the table was ever analyzed', async () => {
  const page = Array.from({ length: 1000 }, (_, n) => LINES - 1000 + n);
  const users = page.map((line) => ({ line, userId: line % 1000 === 999 ? 'user 0' : `user ${line}` }));
  const client = await database.pool.connect();
  try {
    const read = async () => {
      await client.query('select pg_stat_force_next_flush()');
      const { rows } = await client.query(
        `select idx_tup_fetch::int + seq_tup_read::int as count from pg_stat_user_tables where relname = 'batch_recipients'`,
      );
      return rows[0].count as number;
    };
    const before = await read();
    expect([...(await findRepeated(client, TENANT, BATCH, users))]).toEqual([LINES - 1]);
    const found = await read();
    expect(found - before).toBeLessThan(2 * page.length);
    const none = { notificationId: null, code: null, reason: null };
    await writeResults(
      client,
      TENANT,
      BATCH,
      page.map((line) => ({ line, state: 'failed' as const, ...none })),
    );
    expect((await read()) - found).toBeLessThan(3 * page.length);
    const { rows } = await client.query(`select count(*)::int as count from batch_recipients where state = 'failed'`);
    expect(rows[0].count).toBe(page.length);
  } finally {
    client.release();
  }
});
