import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DeadLetterGroup, formatGroupId, toStoredGroup } from '../src/model/dead-letter.ts';
import { documentRow, sealDocument } from '../src/privacy/documents.ts';
import { findRepeated, writeResults } from '../src/store/batches/recipients.ts';
import { retryDeadLetters, scanDeadLetters } from '../src/store/jobs/dead-letter-jobs.ts';
import { moveInbox } from '../src/store/merge/move-rows.ts';
import { SEAL } from './support/claimed-delivery.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { TENANT } from './support/tidings.ts';

/** A page of rows costs what its own rows do, however many there are beside them, before their table was ever analyzed. */

const BATCH = '01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e';
/** An earlier batch, in which each line names the same user, who is on one line of this one. */
const EARLIER = '01999f3e-5c1a-7c3e-8f52-000000000000';
const LINES = 20_000;
/** Rows of a user that a merge moves in one statement. */
const PAGE_ROWS = 50;
const GROUP: DeadLetterGroup = {
  fault: 'recipient',
  channel: 'email',
  provider: 'smtp',
  account: null,
  reasonCode: 'rejected',
  code: null,
};
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

/** Runs `work`; returns how many rows of a table it read. */
async function countRead(client: pg.PoolClient, table: string, work: () => Promise<unknown>): Promise<number> {
  const read = async () => {
    await client.query('select pg_stat_force_next_flush()');
    const { rows } = await client.query(
      `select sum(idx_tup_fetch + seq_tup_read)::int as count from pg_stat_user_tables where relname like $1`,
      [`${table}%`],
    );
    return rows[0].count as number;
  };
  const before = await read();
  await work();
  return (await read()) - before;
}

test('the last page of a large batch reads its own lines, before the table was ever analyzed', async () => {
  const page = Array.from({ length: 1000 }, (_, n) => LINES - 1000 + n);
  const users = page.map((line) => ({ line, userId: line % 1000 === 999 ? 'user 0' : `user ${line}` }));
  const client = await database.pool.connect();
  try {
    const found = await countRead(client, 'batch_recipients', async () => {
      expect([...(await findRepeated(client, TENANT, BATCH, users))]).toEqual([LINES - 1]);
    });
    expect(found).toBeLessThan(2 * page.length);
    const none = { notificationId: null, code: null, reason: null };
    const results = page.map((line) => ({ line, state: 'failed' as const, ...none }));
    const written = await countRead(client, 'batch_recipients', () => writeResults(client, TENANT, BATCH, results));
    expect(written).toBeLessThan(3 * page.length);
    const { rows } = await client.query(`select count(*)::int as count from batch_recipients where state = 'failed'`);
    expect(rows[0].count).toBe(page.length);
  } finally {
    client.release();
  }
});

test('a page of dead letters is queued again without a look at the rest of its group', async () => {
  const { pool } = database;
  await pool.query(
    `insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, status, due_at, retry_until,
                             in_doubt_policy, created_at, finished_at, dead_letter)
     select $1, gen_random_uuid(), 'email', 'u', 'NEWS', 'dead', now(), now(), 'resend', now(), now(), $2
     from generate_series(1, $3::int)`,
    [TENANT, toStoredGroup(GROUP), LINES],
  );
  const client = await pool.connect();
  try {
    const scope = { tenantId: TENANT, filter: { group: formatGroupId(GROUP) }, startedAt: Date.now() + 1000 };
    const letters = await scanDeadLetters(client, scope, null, 500);
    expect(letters).toHaveLength(500);
    const read = await countRead(client, 'deliveries', async () => {
      const times = letters.map(() => 1000);
      expect(await retryDeadLetters(client, scope, letters, times, Date.now())).toBe(500);
    });
    expect(read).toBeLessThan(3 * letters.length);
  } finally {
    client.release();
  }
});

test('a page of the inbox of a user who is merged looks at each message of the inbox at most once in each statement', async () => {
  const { pool } = database;
  const count = 3000;
  const ids = Array.from({ length: count }, () => randomUUID());
  const sealed = ids.map((id) => sealDocument(SEAL, '{}', documentRow('inbox_items', TENANT, 'from', id)));
  await pool.query(
    `insert into inbox_items (tenant_id, user_id, notification_id, sequence, change, notification_type, sealed, created_at)
     select $1, 'from', id, n, n, 'NEWS', sealed, now() from unnest($2::uuid[], $3::bytea[]) with ordinality as q(id, sealed, n)`,
    [TENANT, ids, sealed],
  );
  const client = await pool.connect();
  try {
    const read = await countRead(client, 'inbox_items', async () => {
      const move = { tenantId: TENANT, from: 'from', into: 'into', now: Date.now() };
      expect(await moveInbox(client, SEAL, move)).toBe(count);
    });
    // Two statements a page, of which the planner may have each look at all that is left: half of the inbox on average.
    const pages = count / PAGE_ROWS;
    expect(read).toBeLessThan(pages * count + 5 * count);
  } finally {
    client.release();
  }
});
