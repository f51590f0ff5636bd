import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { eventOf, useDeliveries } from './support/deliveries.ts';
import { openPools } from './support/pools.ts';
import { DELIVERED, fakeProvider } from './support/providers.ts';

/** Deliveries within rate limits: they wait, and none is dropped or written meanwhile. */

const start = useDeliveries();
const pools = openPools(4);
afterAll(() => pools.close());

/** A provider that notes when it was called. */
function timedProvider(more: Parameters<typeof fakeProvider>[1] = {}) {
  const times: number[] = [];
  const provider = fakeProvider(() => {
    times.push(performance.now());
    return DELIVERED;
  }, more);
  return { provider, times };
}

/** Checks that no window has more calls than allowed; a token is good for a moment after it was taken. */
function expectWithin(times: readonly number[], burst: number, perSecond: number, slackMs: number): void {
  for (let first = 0; first < times.length; first++) {
    for (let last = first; last < times.length; last++) {
      const span = (times[last] as number) - (times[first] as number) + slackMs;
      expect(last - first + 1).toBeLessThanOrEqual(Math.floor(burst + (span / 1000) * perSecond) + 1);
    }
  }
}

/** Removes what a test that failed has left. */
beforeEach(async () => {
  await (await start({})).database.pool.query(`update tenants set settings = '{}'`);
});

async function setTenantLimits(tidings: Awaited<ReturnType<typeof start>>, limits: object): Promise<void> {
  await tidings.database.pool.query(`update tenants set settings = $1`, [{ limits }]);
}

describe('a rate limit', () => {
  test('of an account holds over four workers, drops nothing, and writes nothing of what waits', async () => {
    const { provider, times } = timedProvider({ limit: { per_second: 20, burst: 8 } });
    const tidings = await start({ email: provider });
    await tidings.ingest(Array.from({ length: 60 }, (_, n) => eventOf('mail', { n, user: `u${n % 7}` })));
    for (const pool of pools.open(tidings.database.url)) await tidings.worker({ pool });
    await expect.poll(() => tidings.countDeliveries('sent'), { timeout: 30_000 }).toBe(60);
    expectWithin(times, 8, 20, 250);
    const { rows } = await tidings.database.pool.query(
      'select max(fence) as fence, max(attempts) as attempts from deliveries',
    );
    expect(rows).toEqual([{ fence: 1, attempts: 1 }]);
  }, 60_000);

  test('of a tenant on a channel holds: what is beyond it stays queued', async () => {
    const { provider } = timedProvider();
    const tidings = await start({ email: provider });
    await setTenantLimits(tidings, { email: { tenant: { per_day: 10 } } });
    await tidings.ingest(Array.from({ length: 30 }, (_, n) => eventOf('mail', { n })));
    await tidings.worker();
    await tidings.worker();
    // Two of ten are kept for what is urgent.
    await expect.poll(() => tidings.countDeliveries('sent'), { timeout: 10_000 }).toBe(8);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await tidings.countDeliveries('sent')).toBe(8);
    expect(await tidings.countDeliveries('queued')).toBe(22);
    const { rows } = await tidings.database.pool.query(
      `select max(fence) as fence from deliveries where status = 'queued'`,
    );
    expect(rows).toEqual([{ fence: 0 }]);
  }, 30_000);

  test('of all tenants on a channel holds, and other channels go on', async () => {
    const { provider } = timedProvider();
    const tidings = await start({ email: provider, internal: fakeProvider() });
    await tidings.ingest(Array.from({ length: 9 }, (_, n) => eventOf('mail', { n })));
    await tidings.worker({ limits: { email: { global: { per_hour: 4 } } } });
    await expect.poll(() => provider.calls.length, { timeout: 10_000 }).toBe(3);
    await tidings.passOneRound();
    expect(provider.calls.length).toBe(3);
  });

  test('of each user delays the messages of that user only, says so, and costs no attempt', async () => {
    const { provider } = timedProvider();
    const tidings = await start({ email: provider });
    const worker = await tidings.worker({ limits: { email: { user: { per_hour: 1 } } } });
    await tidings.ingest(
      ['u1', 'u1', 'u1', 'u2'].map((user, n) => eventOf('mail', { n, user, traits: { email: `${user}@example.com` } })),
    );
    await expect.poll(() => tidings.countDeliveries('sent'), { timeout: 10_000 }).toBe(2);
    await expect.poll(() => worker.busy).toBe(0);
    const { rows } = await tidings.database.pool.query(
      `select user_id, hold_code, attempts, extract(epoch from due_at - $1)::int as wait, retry_until > due_at as may_retry
       from deliveries where status = 'queued' order by due_at`,
      [new Date(tidings.clock.now)],
    );
    expect(rows).toMatchObject([
      { user_id: 'u1', hold_code: 'rate_limited', attempts: 0, may_retry: true },
      { user_id: 'u1', hold_code: 'rate_limited', attempts: 0, may_retry: true },
    ]);
    // One turn each, an hour apart.
    expect(rows[0].wait).toBeGreaterThan(3500);
    expect(rows[1].wait - rows[0].wait).toBeGreaterThan(3500);
  });

  test('keeps tokens for urgent messages', async () => {
    const { provider } = timedProvider({ limit: { per_day: 16 } });
    const tidings = await start({ email: provider });
    await tidings.ingest(Array.from({ length: 20 }, (_, n) => eventOf('mail', { n })));
    await tidings.worker();
    await expect.poll(() => tidings.countDeliveries('sent'), { timeout: 10_000 }).toBe(14);
    const id = await tidings.post('mail', { n: 20 });
    await tidings.database.pool.query('update deliveries set priority = 0 where notification_id = $1', [
      id.split('.')[0],
    ]);
    await tidings.becomes(id, 'sent', 1);
    expect(await tidings.countDeliveries('queued')).toBe(6);
  });

  test('that a process holds when it stops in the middle is free again within seconds', async () => {
    const { provider } = timedProvider({ limit: { per_second: 100, burst: 10 } });
    const tidings = await start({ email: provider });
    const [pool] = pools.open(tidings.database.url);
    await tidings.ingest([eventOf('mail', { n: 0 })]);
    await tidings.worker();
    await expect.poll(() => tidings.countDeliveries('sent'), { timeout: 10_000 }).toBe(1);
    const frozen = await pool!.connect();
    frozen.on('error', () => {});
    await frozen.query('begin');
    await frozen.query(`set local idle_in_transaction_session_timeout = 2000`);
    await frozen.query('select from rate_limits for update');
    await tidings.ingest([eventOf('mail', { n: 1 })]);
    await expect.poll(() => tidings.countDeliveries('sent'), { timeout: 15_000 }).toBe(2);
    frozen.release(true);
  }, 30_000);
});
