import { afterAll, describe, expect, test } from 'vitest';
import type { SendOutcome } from '../src/model/delivery.ts';
import { eventOf, useDeliveries } from './support/deliveries.ts';
import { openPools } from './support/pools.ts';
import { type Answer, DELIVERED, fakeProvider } from './support/providers.ts';

/** Circuits and pauses of accounts that all processes share. */

const start = useDeliveries();
const pools = openPools(3);
afterAll(() => pools.close());

const DOWN: SendOutcome = { kind: 'retry', reason: 'down' };

/** Three workers with pools and circuits of their own, by one provider. */
async function startThree(answer: Answer) {
  const provider = fakeProvider(answer, { concurrency: 1 });
  const tidings = await start({ email: provider });
  const [first, ...others] = pools.open(tidings.database.url);
  const one = await tidings.worker({ pool: first! });
  const workers = [one];
  return {
    tidings,
    provider,
    workers,
    async startOthers() {
      for (const pool of others) workers.push(await tidings.worker({ pool }));
    },
  };
}

/** Lets time pass until so many deliveries are sent: one may have come back for later just before. */
async function becomeSent(tidings: Awaited<ReturnType<typeof start>>, count: number): Promise<void> {
  const look = () => {
    tidings.clock.now += 20_000;
    return tidings.countDeliveries('sent');
  };
  await expect.poll(look, { timeout: 15_000, interval: 200 }).toBe(count);
}

describe('the circuit of an account', () => {
  test('opens in all processes within a second, also in those that start later', async () => {
    const { tidings, workers, startOthers } = await startThree(() => ({
      kind: 'misconfigured',
      reason: 'wrong password',
    }));
    const [one] = workers;
    await tidings.post('mail');
    await expect.poll(() => one?.unhealthyProviders()).toEqual(['fake']);
    await startOthers();
    for (const worker of workers) {
      await expect
        .poll(() => worker.openCircuits(), { timeout: 1000 })
        .toMatchObject([
          { provider: 'fake', account: null, domain: null, code: 'misconfigured', cause: 'wrong password' },
        ]);
    }
  });

  test('has one probe over all processes when it is half open, and closes in all of them', async () => {
    let answer: Answer = () => ({ kind: 'misconfigured', reason: 'wrong password' });
    const { tidings, provider, workers, startOthers } = await startThree((...call) => answer(...call));
    await startOthers();
    await tidings.post('mail', { n: 0 });
    for (const worker of workers) await expect.poll(() => worker.unhealthyProviders()).toEqual(['fake']);
    await tidings.ingest(Array.from({ length: 20 }, (_, n) => eventOf('mail', { n: n + 1 })));
    const before = provider.calls.length;
    let end = () => {};
    answer = () => {
      answer = () => DELIVERED;
      return new Promise((resolve) => {
        end = () => resolve(DELIVERED);
      });
    };
    tidings.clock.now += 2500;
    await expect.poll(() => provider.calls.length).toBe(before + 1);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(provider.calls.length).toBe(before + 1);
    end();
    for (const worker of workers) await expect.poll(() => worker.openCircuits()).toEqual([]);
    await becomeSent(tidings, 21);
  }, 30_000);

  test('whose prober died is probed by another after its time', async () => {
    let answer: Answer = () => ({ kind: 'misconfigured', reason: 'wrong password' });
    const { tidings, provider, workers } = await startThree((...call) => answer(...call));
    await tidings.post('mail');
    await expect.poll(() => workers[0]?.unhealthyProviders()).toEqual(['fake']);
    await expect.poll(() => workers[0]?.busy).toBe(0);
    const { pool } = tidings.database;
    await expect.poll(async () => (await pool.query('select from circuits')).rowCount).toBe(1);
    await pool.query(`update circuits set probe_by = 'dead', probe_until = clock_timestamp() + interval '1500 ms'`);
    answer = () => DELIVERED;
    tidings.clock.now += 2500;
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(provider.calls.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    tidings.clock.now += 120_000;
    await expect.poll(() => provider.calls.length).toBe(2);
    await expect.poll(() => workers[0]?.openCircuits()).toEqual([]);
  });

  test('is no longer stored once it is closed', async () => {
    let answer: Answer = () => DOWN;
    const { tidings, workers } = await startThree((...call) => answer(...call));
    await tidings.ingest(Array.from({ length: 20 }, (_, n) => eventOf('mail', { n })));
    await expect.poll(() => workers[0]?.unhealthyProviders()).toEqual(['fake']);
    answer = () => DELIVERED;
    tidings.clock.now += 120_000;
    await expect.poll(() => workers[0]?.openCircuits()).toEqual([]);
    await expect.poll(async () => (await tidings.database.pool.query('select from circuits')).rowCount).toBe(0);
  });
});

describe('a provider that asks for a pause (Retry-After)', () => {
  test('gets nothing from any process until then, then one probe, and all see why and until when', async () => {
    let answer: Answer = () => ({
      kind: 'retry',
      of: 'account',
      code: '429',
      reason: 'too many requests',
      after: 90_000,
    });
    const { tidings, provider, workers, startOthers } = await startThree((...call) => answer(...call));
    await startOthers();
    await tidings.post('mail', { n: 0 });
    for (const worker of workers) {
      await expect
        .poll(() => worker.openCircuits(), { timeout: 1000 })
        .toMatchObject([{ provider: 'fake', code: 'retry_after', cause: 'too many requests' }]);
    }
    const [circuit] = workers.at(-1)?.openCircuits() ?? [];
    const until = Date.parse(circuit?.next_probe_at ?? '') - tidings.clock.now;
    expect(until).toBeGreaterThan(80_000);
    expect(until).toBeLessThanOrEqual(91_000);
    await tidings.ingest(Array.from({ length: 5 }, (_, n) => eventOf('mail', { n: n + 1 })));
    tidings.clock.now += 60_000;
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(provider.calls.length).toBe(1);
    answer = () => DELIVERED;
    tidings.clock.now += 31_000;
    await expect.poll(() => workers[0]?.openCircuits()).toEqual([]);
    await becomeSent(tidings, 6);
  }, 30_000);

  test('is not undone by sends that were under way', async () => {
    let end = () => {};
    const provider = fakeProvider(({ message }) =>
      /\d+/.exec(message.text)?.[0] === '0'
        ? new Promise((resolve) => {
            end = () => resolve(DELIVERED);
          })
        : { kind: 'retry', of: 'account', reason: 'too many requests', after: 90_000 },
    );
    const tidings = await start({ email: provider });
    const worker = await tidings.worker();
    await tidings.post('mail', { n: 0 });
    await expect.poll(() => provider.calls.length).toBe(1);
    await tidings.post('mail', { n: 1 });
    await expect.poll(() => worker.openCircuits()).toMatchObject([{ code: 'retry_after' }]);
    end();
    await expect.poll(() => tidings.countDeliveries('sent')).toBe(1);
    expect(worker.openCircuits()).toMatchObject([{ code: 'retry_after' }]);
  });
});
