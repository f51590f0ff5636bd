import { describe, expect, test } from 'vitest';
import { eventOf, LEASE_MS, useDeliveries } from './support/deliveries.ts';
import { fakeProvider, gatedProvider } from './support/providers.ts';

const start = useDeliveries();

describe('a worker that dies while sending', () => {
  test('leaves an attempt in doubt, and the delivery is sent again', async () => {
    const provider = fakeProvider();
    const tidings = await start({ email: provider });
    const id = await tidings.post('mail');
    await tidings.claim('ghost');
    tidings.clock.now += LEASE_MS + 1;
    await tidings.expireLeases();
    await tidings.worker();
    await tidings.becomes(id, 'sent', 2);
    expect(await tidings.attempts(id)).toMatchObject([
      {
        attempt: 1,
        provider: 'unknown',
        outcome: 'in_doubt',
        duration_ms: LEASE_MS + 1,
        reason: 'the worker stopped before it could record the response of the provider',
      },
      { attempt: 2, provider: 'fake', outcome: 'sent' },
    ]);
    expect(provider.calls.map(({ idempotencyKey, attempt }) => [idempotencyKey, attempt])).toEqual([[id, 2]]);
  });

  test('leaves a delivery to be held in doubt until it is retried by hand, if the send had started', async () => {
    const provider = fakeProvider();
    const tidings = await start({ email: provider, internal: fakeProvider() });
    const id = await tidings.post('held');
    expect(await tidings.markSendStarted(await tidings.claim('ghost'))).toBe(true);
    tidings.clock.now += LEASE_MS + 1;
    await tidings.expireLeases();
    await tidings.worker();
    await tidings.becomes(id, 'in_doubt', 1);
    expect(await tidings.delivery(id)).toMatchObject({
      reason_code: 'in_doubt',
      reason:
        'A worker stopped while sending: the message may have been sent. It is held, as its notification type requires. Retry it by hand.',
      finished_at: new Date(tidings.clock.now).toISOString(),
    });
    await tidings.passOneRound();
    expect(provider.calls).toEqual([]);
    await tidings.retry(id);
    await tidings.becomes(id, 'sent', 2);
  });

  test('leaves a delivery to be held queued again without an attempt, if the send had not started', async () => {
    const tidings = await start({ email: fakeProvider() });
    const id = await tidings.post('held');
    const lost = await tidings.claim('ghost');
    tidings.clock.now += LEASE_MS + 1;
    await tidings.expireLeases();
    expect(await tidings.rescueExpired()).toBe(1);
    expect(await tidings.delivery(id)).toMatchObject({ status: 'queued', attempts_made: 0, reason_code: null });
    // If that worker is still alive, it may no longer start the send.
    expect(await tidings.markSendStarted(lost)).toBe(false);
    await tidings.worker();
    await tidings.becomes(id, 'sent', 1);
    expect((await tidings.attempts(id)).map(({ outcome }) => outcome)).toEqual(['sent']);
  });

  test('is not assumed before its lease expires, even if another clock is fast', async () => {
    const tidings = await start({});
    const id = await tidings.post('mail');
    await tidings.claim('slow');
    tidings.clock.now += 100 * LEASE_MS;
    expect(await tidings.rescueExpired()).toBe(0);
    expect((await tidings.delivery(id))?.status).toBe('sending');
  });
});

describe('leases', () => {
  test('a claim whose response was lost is not renewed by the worker that made it', async () => {
    const gate = gatedProvider();
    const tidings = await start({ email: gate.provider });
    const { pool } = tidings.database;
    const lost = await tidings.post('mail');
    // The claim is committed, and its response is an error.
    let failing = true;
    const broken = new Proxy(pool, {
      get: (target, name) =>
        name === 'query'
          ? async (query: { name?: string }) => {
              const result = await target.query(query as never);
              if (query.name !== 'claim-deliveries' || !failing) return result;
              failing = false;
              throw new Error('Connection terminated unexpectedly');
            }
          : Reflect.get(target, name, target),
    });
    const busy = await tidings.worker({ pool: broken, lease: 6000 });
    await expect.poll(() => failing).toBe(false);
    const next = await tidings.post('mail', { n: 2 });
    await expect.poll(() => gate.provider.calls.map((call) => call.idempotencyKey)).toEqual([next]);
    expect(busy.busy).toBe(1);
    const [kept, given] = [await tidings.leaseOf(next), await tidings.leaseOf(lost)];
    await expect.poll(() => tidings.leaseOf(next)).toBeGreaterThan(kept as number);
    expect(await tidings.leaseOf(lost)).toBe(given);
    await tidings.expireLeases(lost);
    await expect.poll(() => gate.provider.calls.map((call) => call.idempotencyKey)).toEqual([next, lost]);
    gate.open();
    await tidings.becomes(lost, 'sent', 2);
    await tidings.becomes(next, 'sent', 1);
  });

  test('the heartbeat renews the lease of a long send', async () => {
    const gate = gatedProvider();
    const tidings = await start({ email: gate.provider });
    await tidings.worker({ lease: 1500 });
    const id = await tidings.post('mail');
    await expect.poll(() => gate.provider.calls.length).toBe(1);
    for (let beat = 0; beat < 3; beat++) {
      const before = (await tidings.leaseOf(id)) as number;
      await expect.poll(() => tidings.leaseOf(id)).toBeGreaterThan(before);
    }
    gate.open();
    await tidings.becomes(id, 'sent', 1);
    expect(gate.provider.calls.length).toBe(1);
  });

  test('a worker whose clock is an hour fast does not rescue what another one is sending', async () => {
    const gate = gatedProvider();
    const tidings = await start({ email: gate.provider });
    await tidings.worker();
    const id = await tidings.post('mail');
    await expect.poll(() => gate.provider.calls.length).toBe(1);
    // It looks for expired leases when it starts.
    await tidings.worker({ clock: () => tidings.clock.now + 3_600_000 });
    expect((await tidings.delivery(id))?.status).toBe('sending');
    gate.open();
    await tidings.becomes(id, 'sent', 1);
    expect(gate.provider.calls.length).toBe(1);
  });

  test('shutdown finishes the send and releases what has not started', async () => {
    const gate = gatedProvider({ concurrency: 1 });
    const tidings = await start({ email: gate.provider });
    await tidings.ingest([0, 1, 2, 3, 4].map((n) => eventOf('mail', { n })));
    const stopping = await tidings.worker();
    await expect.poll(() => [gate.provider.calls.length, stopping.busy]).toEqual([1, 5]);
    const stopped = stopping.stop();
    await expect.poll(() => tidings.countDeliveries('queued')).toBe(4);
    const { rows } = await tidings.database.pool.query('select sum(attempts)::int as attempts from deliveries');
    expect(rows).toEqual([{ attempts: 1 }]);
    gate.open();
    await stopped;
    expect(await tidings.countDeliveries('sent')).toBe(1);
    expect(gate.provider.calls.length).toBe(1);
  });

  test('a send that does not end in time at shutdown is aborted, and recorded as in doubt', async () => {
    const provider = fakeProvider(
      (_outgoing, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve({ kind: 'in_doubt', reason: 'aborted' }));
        }),
    );
    const tidings = await start({ email: provider });
    const stopping = await tidings.worker();
    const id = await tidings.post('held');
    await expect.poll(() => provider.calls.length).toBe(1);
    await stopping.stop(0);
    expect(await tidings.delivery(id)).toMatchObject({ status: 'in_doubt', reason_code: 'in_doubt' });
  });
});
