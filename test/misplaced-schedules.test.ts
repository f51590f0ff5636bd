import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestTidings, testTidings } from './support/tidings.ts';

const HOUR = 3_600_000;

let tidings: TestTidings;
beforeAll(async () => {
  tidings = await testTidings(
    {},
    new Map([
      ['events.yaml', 'events: { seen: {} }'],
      ['notifications.yaml', 'notifications: { N: { category: SYSTEM, channels: [internal] } }'],
      [
        'rules.yaml',
        'rules: { HOURLY: { every: hour, for: true, notify: N }, WEEKLY: { every: monday 09:00, for: true, notify: N } }',
      ],
    ]),
  );
});
afterAll(() => tidings.close());

const schedules = async () => {
  const { rows } = await tidings.pool.query('select rule, next_at from schedules order by rule');
  return Object.fromEntries(rows.map(({ rule, next_at }) => [rule, new Date(next_at).toISOString()]));
};

test('a schedule further ahead than its own next occurrence is put right at start, and fires then', async () => {
  const right = { HOURLY: '2025-11-20T13:00:00.000Z', WEEKLY: '2025-11-24T09:00:00.000Z' };
  const first = await tidings.timers();
  await expect.poll(schedules).toEqual(right);
  await first.stop();
  await tidings.pool.query(`update schedules set next_at = next_at + interval '370 days'`);
  await tidings.timers();
  await expect.poll(schedules).toEqual(right);
  tidings.clock.now += HOUR;
  await expect.poll(schedules).toEqual({ ...right, HOURLY: '2025-11-20T14:00:00.000Z' });
});

test('a schedule that is overdue, or whose occurrence is under way, stays as it is', async () => {
  await tidings.stopWorkers();
  const { rows } = await tidings.pool.query(
    `update schedules set next_at = next_at + interval '400 days', cursor = 'u' where rule = 'WEEKLY' returning next_at`,
  );
  const other = tidings.startProcess();
  await other.timers();
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect((await schedules()).WEEKLY).toBe(new Date(rows[0].next_at).toISOString());
});
