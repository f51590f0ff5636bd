import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { useDatabase } from './support/database.ts';
import { TENANT_QUEUES, TenantQueueUnderTest } from './support/tenant-queues.ts';

/** Turns of tenants cost nothing as long as claims take all that is due, and little beyond. */

const database = useDatabase();
const START = Date.parse('2026-01-10T12:00:00Z');
const HOUR = 3_600_000;
const TENANTS = Array.from({ length: 1000 }, (_, n) => `tenant-${n}`);

let queue: TenantQueueUnderTest;
beforeEach(async ({ skip }) => {
  const { rows } = await database().pool.query(`select current_setting('server_version_num')::int as version`);
  skip(rows[0].version < 150_000, 'the counters can be flushed since PostgreSQL 15');
});
afterEach(async () => {
  if (!queue?.isOpen) return;
  await queue.run('truncate waits, schedules, outbox_events');
  await queue.run(`delete from tenants where tenant_id <> 'default'`);
  await queue.close();
});

describe.each(Object.keys(TENANT_QUEUES))('the queue of %s', (name) => {
  const open = () => {
    queue = new TenantQueueUnderTest(database(), name);
    return queue;
  };

  test('reads next to nothing when nothing is due, however many tenants have something later', async () => {
    open();
    await queue.add(TENANTS, 5, START + HOUR);
    await queue.claim(START, 100);
    const { ordered, lanes } = await queue.countRead(() => queue.claim(START, 100));
    expect(ordered + lanes).toBeLessThan(5);
  });

  test('never looks for lanes while claims take all that is due', async () => {
    open();
    await queue.add(TENANTS, 5, START + HOUR);
    await queue.add(TENANTS.slice(0, 20), 1, START);
    const { lanes } = await queue.countRead(async () => {
      // A worker takes one schedule at a time: of several that are due, it is one of a lane.
      if (name === 'schedules') return;
      expect(await queue.claim(START, 100)).toHaveLength(20);
      expect(await queue.claim(START, 100)).toHaveLength(0);
    });
    expect(lanes).toBe(0);
  });

  test('looks at the lanes only once in a while if one tenant alone has a backlog', async () => {
    open();
    await queue.add(['alone'], 1000, START);
    await queue.claim(START, 10);
    const startedAt = performance.now();
    const { laneScans } = await queue.countRead(async () => {
      for (let claim = 0; claim < 50; claim++) expect(await queue.claim(START, 10)).toHaveLength(10);
    });
    // A look at each of two tenants, every 200 ms at most.
    expect(laneScans).toBeLessThanOrEqual(2 * Math.ceil((performance.now() - startedAt) / 200));
  });

  test('reads what is due, not what is done, of each tenant under a long snapshot', async ({ skip }) => {
    skip(name === 'schedules', 'a claim takes one schedule, and there are never that many');
    open();
    const snapshot = new pg.Client({ connectionString: database().url });
    await snapshot.connect();
    await snapshot.query('begin isolation level repeatable read; select count(*) from users');
    try {
      for (let second = 0; second < 20; second++) await queue.add(['a', 'b'], 150, START + second * 1000);
      const claim = async () => {
        expect(await queue.claim(START + HOUR, 100)).toHaveLength(100);
        await queue.finish();
      };
      for (let claims = 0; claims < 50; claims++) await claim();
      const read: number[] = [];
      for (let claims = 0; claims < 5; claims++) read.push((await queue.countRead(claim)).lanes);
      expect(Math.min(...read)).toBeLessThan(1000);
      // Without the floors it reads them all: the snapshot is real.
      queue.lanesOf().reset();
      expect((await queue.countRead(claim)).lanes).toBeGreaterThan(3000);
    } finally {
      await snapshot.end();
    }
  });
});
