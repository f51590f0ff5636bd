import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listDeadLetterGroups, MAX_COUNTED_LETTERS } from '../src/store/deliveries/dead-letters.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';

/** Pages of dead letters cost the same, however many there are. */

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

/** Stores dead letters: 100 groups have one each, all others are of one group. */
async function insert(count: number): Promise<void> {
  await database.pool.query(
    `insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, status, due_at, retry_until,
                             in_doubt_policy, reason_code, provider, dead_letter, created_at, finished_at)
     select 'default', gen_random_uuid(), 'email', 'u' || i, 'MAIL', 'dead', now(), now(), 'hold', 'rejected', 'ses',
            dead_letter_group('message', 'email', 'ses', null, 'rejected', case when i <= 100 then 'c' || i else 'many' end),
            now(), now() - i * interval '1 ms'
     from generate_series(1, $1) as i`,
    [count],
  );
}

test('a group of more than the bound is counted up to it, and the plan made for few rows reads one index only', async () => {
  const client = await database.pool.connect();
  try {
    const list = () => listDeadLetterGroups(client as unknown as pg.Pool, 'default', null, 200, null);
    expect(await list()).toEqual([]);
    await insert(MAX_COUNTED_LETTERS + 200);
    const groups = await list();
    expect(groups.length).toBe(101);
    const many = groups.find(({ group }) => group.code === 'many');
    expect(many).toMatchObject({ count: MAX_COUNTED_LETTERS, isAtLeast: true });
    expect(many?.sample.length).toBe(3);
    expect(groups[0]).toMatchObject({ count: 1, isAtLeast: false });
    const { rows } = await client.query(`explain execute "dead-letter-groups" ('default', '', '~', 200)`);
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).not.toContain('Seq Scan on deliveries');
    const indexes = new Set([...plan.matchAll(/Scan(?: Backward)? using (\w+)/g)].map(([, name = '']) => name));
    expect([...indexes].filter((name) => !/dead_letter/.test(name))).toEqual([]);
  } finally {
    client.release();
  }
});
