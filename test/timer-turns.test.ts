import { beforeEach, expect, test } from 'vitest';
import { useDatabase } from './support/database.ts';
import { useTenants } from './support/tenants.ts';
import { addUsers, applyFirstCatalog, useTimerWorkers } from './support/timer-workers.ts';
import { DAY, HOUR, WaitStore } from './support/waits.ts';

/** Timers while more is due than they may fire: tenants, and kinds of timers, take turns. */

const MINUTE = 60_000;
const CLAIM = 500;
const database = useDatabase();
const setUp = useTimerWorkers(database);
const api = useTenants(
  new Map([
    ['events.yaml', 'events: { came: {} }\ntraits: { email: string }\n'],
    ['notifications.yaml', 'notifications: { MAIL: { category: TRANSACTIONAL, channels: [email] } }\n'],
    ['rules.yaml', 'rules: { MAIL: { on: came, delay: 10m } }\n'],
    ['templates/MAIL/email.en.subject.txt', 'Hello'],
    ['templates/MAIL/email.en.html', '<p>Hello</p>'],
  ]),
);

beforeEach(async () => {
  await database().pool.query('truncate waits, schedules, users, active_catalogs, catalogs, audit_log cascade');
});

test('the wait of a tenant fires with the first ones of a tenant that has 20,000 due before it', async () => {
  await api.create('many');
  await api.create('one');
  await api.post('many', ['first']);
  await api.rows(
    `insert into waits (tenant_id, user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at, began_at, state)
     select tenant_id, 'user ' || n, gen_random_uuid(), rule, key, kind, catalog_version, status, trigger_time, due_at, began_at, state
     from waits cross join generate_series(1, 20000) as n where tenant_id = 'many'`,
  );
  api.tidings.clock.now += MINUTE;
  await api.post('one', ['quick']);
  api.tidings.clock.now += HOUR;
  const { pipeline } = api.tidings;
  const fired: string[] = [];
  const timers = await api.tidings.timers({
    pipeline: {
      listSchedules: (tenantId) => pipeline.listSchedules(tenantId),
      runSchedule: (occurrence, userIds, save) => pipeline.runSchedule(occurrence, userIds, save),
      ingest: (tenantId, items) => pipeline.ingest(tenantId, items),
      async fireDueWaits(tenantId, userIds) {
        const count = await pipeline.fireDueWaits(tenantId, userIds);
        fired.push(...userIds.map(() => tenantId));
        return count;
      },
    },
  });
  try {
    await expect.poll(() => fired.includes('one'), { timeout: 60_000 }).toBe(true);
  } finally {
    await timers.stop();
  }
  expect(fired.indexOf('one')).toBeLessThanOrEqual(3 * CLAIM);
  const [wait] = await api.rows(`select status from waits where tenant_id = 'one'`);
  expect(wait).toEqual({ status: 'fired' });
}, 120_000);

test('a backlog of waits, fired as fast as the pace allows, leaves scheduled rules their turns', async () => {
  const pace = { now: 0 };
  const { pipeline, run } = setUp({ rate: 10, elapsed: () => pace.now });
  await new WaitStore(() => database().pool).fill(1000, 1000, -DAY);
  await addUsers(database().pool, ['a', null], ['b', null]);
  await applyFirstCatalog(database().pool);
  pipeline.rules = [{ name: 'REPORT', cron: '0 * * * *', zone: 'UTC' }];
  await run();
  await expect.poll(() => pipeline.fired.length).toBe(10);
  await database().pool.query(`update schedules set next_at = $1`, [new Date(Date.parse('2025-11-20T12:00:00Z'))]);
  for (let second = 0; second < 10 && pipeline.occurrences.length === 0; second++) {
    pace.now += 1000;
    await pipeline.polls(4);
  }
  expect(pipeline.occurrences.map(({ userId }) => userId)).toEqual(['a', 'b']);
  expect(pipeline.fired.length).toBeLessThan(1000);
});
