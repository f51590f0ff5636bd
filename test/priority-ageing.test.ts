import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChannelLanes, putFirst } from '../src/delivery/lanes.ts';
import { Semaphore } from '../src/lib/concurrency/semaphore.ts';
import { claimDeliveries } from '../src/store/deliveries/claim.ts';
import { useDatabase } from './support/database.ts';

/** Less urgent messages have their turn, however much that is more urgent comes: at the limits, and at the slots of a provider. */

const database = useDatabase();
const NOW = Date.parse('2026-01-10T12:00:00Z');
const [URGENT, HIGH, MEDIUM, LOW] = [0, 1, 2, 3];

/** Runs tasks in the slots of a provider, of which at most `size` end at a time; returns what was started, in order. */
function startSlots(size: number, reserved: number) {
  const semaphore = new Semaphore<string>(size, reserved, HIGH);
  const started: string[] = [];
  const running = new Map<string, () => void>();
  const run = (key: string, rank: number | undefined) =>
    semaphore.run(
      key,
      () => {
        started.push(key);
        return new Promise<void>((resolve) => running.set(key, resolve));
      },
      rank,
    );
  /** Ends the task that has run longest. */
  const endOne = async () => {
    const [key = '', end] = [...running][0] ?? [];
    running.delete(key);
    end?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { semaphore, started, running, run, endOne };
}

test.each([
  [1, 0],
  [2, 1],
  [8, 1],
])(
  'a task of a low priority is started behind a steady flood of a higher one (%i slots, %i reserved)',
  async (size, reserved) => {
    const { started, run, endOne } = startSlots(size, reserved);
    for (let n = 0; n < 20; n++) run(`high ${n}`, HIGH);
    run('low', LOW);
    for (let n = 20; n < 60 && !started.includes('low'); n++) {
      run(`high ${n}`, HIGH);
      await endOne();
    }
    expect(started).toContain('low');
  },
);

test('one of the lowest priority is started behind a steady flood of the one before it', async () => {
  const { started, run, endOne } = startSlots(2, 1);
  for (let n = 0; n < 20; n++) run(`medium ${n}`, MEDIUM);
  run('low', LOW);
  for (let n = 20; n < 300 && !started.includes('low'); n++) {
    run(`medium ${n}`, MEDIUM);
    await endOne();
  }
  expect(started).toContain('low');
});

test('tasks without places of their own never take more than is left beside these, in any order of arrival', () => {
  const step = fc.oneof(fc.record({ rank: fc.nat(3) }), fc.constant('end' as const));
  return fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
      const { started, running, run, endOne } = startSlots(4, 1);
      for (const [n, one] of steps.entries()) {
        if (one === 'end') await endOne();
        else run(`${one.rank} ${n}`, one.rank);
        const others = [...running.keys()].filter((key) => Number(key[0]) > HIGH);
        expect(others.length).toBeLessThanOrEqual(3);
        expect(running.size).toBeLessThanOrEqual(4);
      }
      for (let ends = 0; ends < steps.length; ends++) await endOne();
      const added = steps.filter((one) => one !== 'end').length;
      expect(started.length).toBe(added);
    }),
    { numRuns: 60 },
  );
});

test('in an eighth of the claims a less urgent priority comes first, each in its turn, and nothing is lost', () => {
  const lane = (priority = 0) => ({ lane: { priority, name: 't' }, count: 1 });
  const shares = [URGENT, HIGH, MEDIUM, LOW].map(lane);
  const first = Array.from({ length: 800 }, (_, n) => putFirst(shares, n / 800));
  for (const order of first) expect(new Set(order)).toEqual(new Set(shares));
  const count = (priority?: number) => first.filter((order) => order[0]?.lane.priority === priority).length;
  expect(count(URGENT)).toBe(700);
  for (const priority of [HIGH, MEDIUM, LOW]) expect(count(priority)).toBeGreaterThanOrEqual(33);
});

test('a limit that allows one message at a time is shared with what is less urgent, and among the tenants of a priority', async () => {
  const { pool } = database();
  for (const [tenant, priority] of [
    ['flood', HIGH],
    ['other', HIGH],
    ['flood', LOW],
  ] as const) {
    await pool.query(
      `with made as (
         insert into notifications (tenant_id, user_id, notification_id, notification_type, category, rule, decision_id,
           event_id, catalog_version, data, created_at)
         select $1, 'u', gen_random_uuid(), 'N', 'C', 'R', n::text, 'e', 1, '{}', now() from generate_series(1, 400) as n
         returning notification_id)
       insert into deliveries (tenant_id, notification_id, channel, priority, user_id, notification_type, due_at, retry_until,
         in_doubt_policy, created_at)
       select $1, notification_id, 'email', $2, 'u', 'N', $3::timestamptz, 'infinity', 'resend', now() from made`,
      [tenant, priority, new Date(NOW)],
    );
  }
  const lanes = new ChannelLanes(pool, 'email', () => NOW + 1);
  const claimed: string[] = [];
  for (let round = 0; round < 300; round++) {
    const [want] = await lanes.chooseWants(10);
    // The first in the order of the claim has the only token.
    const found = await claimDeliveries(pool, 'w', [{ ...want!, count: 1 }], NOW + 1, 60_000);
    claimed.push(...found.map(({ tenantId, priority }) => `${tenantId} ${priority}`));
  }
  const count = (lane: string) => claimed.filter((one) => one === lane).length;
  expect(claimed.length).toBe(300);
  expect(count('flood 3')).toBeGreaterThan(0);
  expect(count('flood 3')).toBeLessThan(120);
  expect(Math.abs(count('flood 1') - count('other 1'))).toBeLessThan(100);
});
