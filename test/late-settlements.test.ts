import { describe, expect, test } from 'vitest';
import { LEASE_MS, settlementOf, useDeliveries } from './support/deliveries.ts';

const start = useDeliveries();

describe('a late settlement', () => {
  test('changes no state after another worker claimed the delivery; the attempt is kept', async () => {
    const tidings = await start({});
    const id = await tidings.post('mail');
    const old = await tidings.claim('ghost');
    tidings.clock.now += LEASE_MS + 1;
    await tidings.expireLeases();
    await tidings.rescueExpired();
    const fresh = await tidings.claim('other');
    expect(fresh.fence).toBe(old.fence + 1);
    await tidings.settle('ghost', [settlementOf(old, 'sent')]);
    expect((await tidings.delivery(id))?.status).toBe('sending');
    await tidings.settle('other', [settlementOf(fresh, 'dead')]);
    expect((await tidings.delivery(id))?.status).toBe('dead');
    await tidings.settle('ghost', [settlementOf(old, 'sent')]);
    expect((await tidings.delivery(id))?.status).toBe('dead');
    expect((await tidings.attempts(id)).map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'sent'],
      [2, 'rejected'],
    ]);
  });

  test.each([
    ['mail', 'queued'],
    ['held', 'in_doubt'],
  ] as const)('ends the doubt if the delivery is not claimed again (%s)', async (type, doubt) => {
    const tidings = await start({});
    const id = await tidings.post(type);
    const old = await tidings.claim('ghost');
    await tidings.markSendStarted(old);
    tidings.clock.now += LEASE_MS + 1;
    await tidings.expireLeases();
    await tidings.rescueExpired();
    expect((await tidings.delivery(id))?.status).toBe(doubt);
    await tidings.settle('ghost', [settlementOf(old, 'sent')]);
    expect(await tidings.delivery(id)).toMatchObject({ status: 'sent', reason_code: null });
    const settledAt = new Date(tidings.clock.now).toISOString().slice(0, 19).replace('T', ' ');
    expect(await tidings.attempts(id)).toMatchObject([
      { attempt: 1, outcome: 'sent', provider: 'fake', reason: `it was in doubt until ${settledAt} UTC` },
    ]);
  });

  test('written twice, because the response was lost, is recorded once', async () => {
    const tidings = await start({});
    const first = await tidings.post('mail');
    const sent = settlementOf(await tidings.claim('worker'), 'sent');
    const second = await tidings.post('mail', { n: 2 });
    const dead = settlementOf(await tidings.claim('worker'), 'dead');
    for (let times = 0; times < 2; times++) await tidings.settle('worker', [sent, dead]);
    expect((await tidings.attempts(first)).map(({ outcome }) => outcome)).toEqual(['sent']);
    expect((await tidings.attempts(second)).map(({ outcome }) => outcome)).toEqual(['rejected']);
  });

  test.each([
    ['dead', 'queued'],
    ['sent', 'sent'],
  ] as const)('written twice (%s), the second time after a retry by hand, leaves it %s', async (settled, status) => {
    const tidings = await start({});
    const id = await tidings.post('mail');
    const claimed = await tidings.claim('worker');
    await tidings.settle('worker', [settlementOf(claimed, 'dead')]);
    expect(await tidings.retry(id)).toBe(true);
    await tidings.settle('worker', [settlementOf(claimed, settled)]);
    expect(await tidings.delivery(id)).toMatchObject({
      status,
      reason_code: status === 'queued' ? 'retried' : null,
    });
  });

  test('of held and lost deliveries applies to those that are still held', async () => {
    const tidings = await start({});
    const lost = await tidings.post('mail');
    const old = await tidings.claim('worker');
    tidings.clock.now += LEASE_MS + 1;
    await tidings.expireLeases();
    await tidings.rescueExpired();
    await tidings.claim('other');
    const kept = await tidings.post('mail', { n: 2 });
    const held = await tidings.claim('worker');
    await tidings.settle('worker', [settlementOf(old, 'sent'), settlementOf(held, 'sent')]);
    expect((await tidings.delivery(lost))?.status).toBe('sending');
    expect((await tidings.attempts(lost)).map(({ attempt, outcome }) => [attempt, outcome])).toEqual([[1, 'sent']]);
    expect((await tidings.delivery(kept))?.status).toBe('sent');
    expect((await tidings.attempts(kept)).map(({ attempt, outcome }) => [attempt, outcome])).toEqual([[1, 'sent']]);
  });
});
