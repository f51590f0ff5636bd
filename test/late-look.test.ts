import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { findLateDeliveries, MAX_LOOKED_AT, type QueuePlace } from '../src/store/deliveries/late-deliveries.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';

/** The look through a queue for deliveries whose time is over: page by page, each as cheap as the first. */

let database: TestDatabase;
const NOW = Date.parse('2025-11-20T12:00:00Z');

beforeAll(async () => {
  database = await testDatabase();
});
beforeEach(async () => {
  await database.pool.query('truncate deliveries');
});
afterAll(() => database.drop());

/** @param spread ms between the due times of two deliveries; each tenth is past its retry time. */
async function insert(count: number, spread: number): Promise<void> {
  await database.pool.query(
    `insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, status, due_at, retry_until,
                             in_doubt_policy, created_at)
     select 'default', gen_random_uuid(), 'email', 'u', 'MAIL', 'queued', $2::timestamptz - (i * $3) * interval '1 ms',
            $2::timestamptz + (case when i % 10 = 0 then -1 else 1 end) * interval '1 s', 'hold', now()
     from generate_series(1, $1::int) as i`,
    [count, new Date(NOW).toISOString(), spread],
  );
}

/** Looks through the whole queue; returns the late deliveries that were seen, and the number of looks. */
async function lookThrough(pool: pg.Pool): Promise<{ seen: string[]; looks: number }> {
  const seen: string[] = [];
  let after: QueuePlace | null = null;
  for (let looks = 1; ; looks++) {
    const { late, last } = await findLateDeliveries(pool, 'email', after, NOW);
    seen.push(...late.map(({ notificationId }) => notificationId));
    if (last === null) return { seen, looks };
    after = last;
  }
}

test.each([
  ['each at a time of its own', 1],
  ['all at the same time', 0],
])('finds each late delivery once, however many are due (%s)', async (_how, spread) => {
  await insert(3 * MAX_LOOKED_AT + 10, spread);
  const { seen, looks } = await lookThrough(database.pool);
  expect(seen.length).toBe((3 * MAX_LOOKED_AT + 10) / 10);
  expect(new Set(seen).size).toBe(seen.length);
  expect(looks).toBe(4);
});

test('a full page at the end of the queue is followed by an empty one', async () => {
  await insert(MAX_LOOKED_AT, 0);
  expect(await lookThrough(database.pool)).toMatchObject({ looks: 2 });
});

test('a page reads its part of the index of the queue and sorts nothing, with a plan made for an empty table', async () => {
  const client = await database.pool.connect();
  try {
    const pool = client as unknown as pg.Pool;
    await findLateDeliveries(pool, 'email', null, NOW);
    await insert(60_000, 1);
    const read = async (after: QueuePlace) => {
      const { rows } = await client.query(
        `explain (analyze, buffers, timing off, costs off) execute "find-late-deliveries" ('email', '${new Date(NOW).toISOString()}',
           '${new Date(after.dueAt).toISOString()}', ${after.passed})`,
      );
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(plan).not.toMatch(/-> {2}(Incremental )?Sort|Seq Scan on deliveries|Bitmap/);
      return Math.max(
        ...[...plan.matchAll(/Index Scan using deliveries_\w+due_at_idx.*actual rows=(\d+)/g)].map(([, n]) =>
          Number(n),
        ),
      );
    };
    const { last } = await findLateDeliveries(pool, 'email', null, NOW);
    for (const after of [{ dueAt: NOW - 70_000, passed: 0 }, last!, { dueAt: NOW - 10_000, passed: 0 }])
      expect(await read(after)).toBeLessThanOrEqual(MAX_LOOKED_AT + 1);
  } finally {
    client.release();
  }
}, 60_000);
