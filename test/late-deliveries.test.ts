import { expect, test } from 'vitest';
import type { SendOutcome } from '../src/model/delivery.ts';
import { eventOf, useDeliveries } from './support/deliveries.ts';
import { type Answer, DELIVERED, fakeProvider } from './support/providers.ts';

/** Deliveries that wait behind a closed lane while their time runs out. */

const start = useDeliveries();
const WRONG: SendOutcome = { kind: 'misconfigured', reason: 'the key is wrong' };
const HOUR_MS = 3_600_000;

async function ingestMails(tidings: Awaited<ReturnType<typeof start>>, count: number): Promise<void> {
  for (let from = 0; from < count; from += 500) {
    const length = Math.min(500, count - from);
    await tidings.ingest(Array.from({ length }, (_, n) => eventOf('mail', { n, user: `u${from + n}` })));
  }
}

/** Looks again and again, 5 s later each time. */
const countEnded = async (tidings: Awaited<ReturnType<typeof start>>) => {
  tidings.clock.now += 5000;
  const { rows } = await tidings.database.pool.query(
    `select status, reason_code, split_part(dead_letter, E'\\x1f', 1) as fault, count(*)::int as n from deliveries group by 1, 2, 3 order by 1`,
  );
  return rows;
};

const accountOf = (answer: Answer) => fakeProvider(answer, { tenantId: 'default', account: 'main' });

test('deliveries past their retry time of an account of the installation that never recovers end dead, all at once, by its fault', async () => {
  const provider = fakeProvider(() => WRONG);
  const tidings = await start({ email: provider });
  await ingestMails(tidings, 1500);
  const worker = await tidings.worker();
  await expect.poll(() => worker.unhealthyProviders()).toEqual(['fake']);
  const before = provider.calls.length;
  tidings.clock.now += HOUR_MS + 60_000;
  await expect
    .poll(() => countEnded(tidings), { timeout: 20_000, interval: 200 })
    .toEqual([{ status: 'dead', reason_code: 'retries_exhausted', fault: 'account', n: 1500 }]);
  expect(provider.calls.length - before).toBeLessThanOrEqual(25);
  const { rows } = await tidings.database.pool.query('select distinct reason from deliveries');
  for (const { reason } of rows) expect(reason).toContain('the key is wrong');
}, 60_000);

test.each([
  { how: 'claimed and come back with account_paused', limits: {} },
  { how: 'not claimed, because their lane is closed', limits: { email: { tenant: { per_day: 100_000 } } } },
])(
  'so do those of an account of a tenant that are $how',
  async ({ limits }) => {
    const account = accountOf(() => WRONG);
    const tidings = await start({ email: fakeProvider(() => DELIVERED) });
    await ingestMails(tidings, 600);
    const worker = await tidings.worker({
      limits,
      accounts: { list: (_tenant, channel) => (channel === 'email' ? [account] : []) },
    });
    await expect.poll(() => worker.unhealthyProviders()).toEqual(['fake']);
    // Some were claimed before the circuit opened.
    await expect.poll(() => worker.busy).toBe(0);
    tidings.clock.now += HOUR_MS + 60_000;
    await expect
      .poll(() => countEnded(tidings), { timeout: 20_000, interval: 200 })
      .toEqual([{ status: 'dead', reason_code: 'retries_exhausted', fault: 'account', n: 600 }]);
    const { rows } = await tidings.database.pool.query('select reason from deliveries limit 1');
    expect(rows[0].reason).toContain('the key is wrong');
  },
  60_000,
);

test('what expires behind an open circuit is dropped as expired, and not when the circuit closes', async () => {
  const tidings = await start({ email: fakeProvider(() => WRONG) });
  await ingestMails(tidings, 20);
  await tidings.database.pool.query(
    `update deliveries set expires_at = '2025-11-20T12:10:00Z' where user_id in ('u18', 'u19')`,
  );
  const worker = await tidings.worker();
  await expect.poll(() => worker.unhealthyProviders()).toEqual(['fake']);
  await expect.poll(() => worker.busy).toBe(0);
  tidings.clock.now += 11 * 60_000;
  await expect.poll(() => tidings.countDeliveries('dropped')).toBe(2);
  expect(await tidings.countDeliveries('queued')).toBe(18);
});

test('what expires behind a limit is dropped as expired', async () => {
  const tidings = await start({ email: fakeProvider(() => DELIVERED, { limit: { per_day: 3 } }) });
  await ingestMails(tidings, 10);
  await tidings.database.pool.query(`update deliveries set expires_at = '2025-11-20T12:10:00Z'`);
  await tidings.worker();
  await expect.poll(() => tidings.countDeliveries('sent')).toBeGreaterThanOrEqual(2);
  const sent = await tidings.countDeliveries('sent');
  tidings.clock.now += 11 * 60_000;
  await expect.poll(() => tidings.countDeliveries('dropped')).toBe(10 - sent);
});

test('an outage that began after the retry time, and is short, leaves each delivery its last attempt', async () => {
  let answer: Answer = () => WRONG;
  const tidings = await start({ email: fakeProvider((...call) => answer(...call), { concurrency: 1 }) });
  await ingestMails(tidings, 50);
  tidings.clock.now += 2 * HOUR_MS;
  const worker = await tidings.worker();
  await expect.poll(() => worker.unhealthyProviders()).toEqual(['fake']);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  answer = () => DELIVERED;
  const look = () => {
    tidings.clock.now += 5000;
    return tidings.countDeliveries('queued');
  };
  await expect.poll(look, { timeout: 15_000, interval: 200 }).toBe(0);
  expect(await tidings.countDeliveries('sent')).toBeGreaterThan(0);
}, 30_000);
