import type pg from 'pg';
import { beforeEach, expect, test } from 'vitest';
import { ChannelLanes } from '../src/delivery/lanes.ts';
import { claimDeliveries } from '../src/store/deliveries/claim.ts';
import { useDatabase } from './support/database.ts';

/** Urgent deliveries that are found at once beside a long queue of others: by time, and by what the statements read. */

const database = useDatabase();
const NOW = Date.parse('2026-01-10T12:00:00Z');
const TENANTS = 50;
const URGENT = 0;
const LOW = 3;
/** Longest time in ms from a queued message to a claim that asks for its lane. */
const MAX_FOUND_MS = 600;

beforeEach(() => database().pool.query('truncate deliveries, notifications, leases'));

/** Queues so many deliveries, by turns to the tenants. */
async function queue(priority: number, count: number): Promise<void> {
  await database().pool.query(
    `with made as (
       insert into notifications (tenant_id, user_id, notification_id, notification_type, category, rule, decision_id,
         event_id, catalog_version, data, created_at)
       select 't' || n % ${TENANTS}, 'u', gen_random_uuid(), 'N', 'C', 'R', n::text, 'e', 1, '{}', now() from generate_series(1, $2::int) as n
       returning tenant_id, notification_id
     )
     insert into deliveries (tenant_id, notification_id, channel, priority, user_id, notification_type, due_at, retry_until,
       in_doubt_policy, created_at)
     select tenant_id, notification_id, 'email', $1, 'u', 'N', $3::timestamptz, 'infinity', 'resend', now() from made`,
    [priority, count, new Date(NOW)],
  );
}

type Query = { readonly name?: string; readonly text: string; readonly values: unknown[] };

/** The pool, with something that happens before each query. */
function intercept(before: (query: Query) => Promise<void>): pg.Pool {
  const { pool } = database();
  const query = async (one: Query) => {
    await before(one);
    return pool.query(one);
  };
  return { query } as unknown as pg.Pool;
}

test('an urgent lane is found in time, however long the search for all others takes', async () => {
  await queue(LOW, TENANTS);
  const slow = intercept(async ({ values }) => {
    // The less urgent lanes: a search that takes 100 ms is made every two seconds.
    if (values[3] === LOW) await new Promise((resolve) => setTimeout(resolve, 100));
  });
  const lanes = new ChannelLanes(
    slow,
    'email',
    () => NOW + 1,
    () => 0.5,
  );
  expect((await lanes.chooseWants(1000)).length).toBe(TENANTS);
  await queue(URGENT, 1);
  const queuedAt = performance.now();
  while (!(await lanes.chooseWants(1000)).some(({ lane }) => lane?.priority === URGENT)) {
    expect(performance.now() - queuedAt).toBeLessThan(MAX_FOUND_MS);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  // The others are still known, and come after it.
  const priorities = (await lanes.chooseWants(1000)).map(({ lane }) => lane?.priority);
  expect([priorities[0], priorities.length]).toEqual([URGENT, TENANTS + 1]);
});

interface Plan {
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly Plan[];
}

/** Returns the deliveries that the scans of a plan looked at. */
function countRead(plan: Plan): number {
  const own = plan['Relation Name']?.startsWith('deliveries')
    ? (plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0)) * plan['Actual Loops']
    : 0;
  return (plan.Plans ?? []).reduce((sum, part) => sum + countRead(part), own);
}

test('searches and claims by lane look at a few deliveries of each lane, however many are queued', async () => {
  await queue(LOW, 20_000);
  await queue(URGENT, 3);
  await database().pool.query('analyze deliveries');
  const read: { [name: string]: number } = {};
  const explaining = intercept(async ({ name = '', text, values }) => {
    const connection = await database().pool.connect();
    try {
      await connection.query('begin');
      const { rows } = await connection.query(`explain (analyze, timing off, format json) ${text}`, values);
      read[name] = Math.max(read[name] ?? 0, countRead(rows[0]['QUERY PLAN'][0].Plan));
    } finally {
      await connection.query('rollback');
      connection.release();
    }
  });
  const wants = await new ChannelLanes(explaining, 'email', () => NOW + 1).chooseWants(500);
  expect(wants.filter(({ lane }) => lane?.priority === URGENT).length).toBe(3);
  const claimed = await claimDeliveries(explaining, 'w', wants, NOW + 1, 60_000);
  expect(claimed.filter(({ priority }) => priority === URGENT).length).toBe(3);
  const { 'find-due-lanes': found = 0, 'claim-lanes': taken = 0 } = read;
  expect(found).toBeGreaterThan(TENANTS);
  expect(found).toBeLessThan(10 * TENANTS);
  expect(taken).toBeGreaterThan(50);
  expect(taken).toBeLessThan(4 * 500);
});
