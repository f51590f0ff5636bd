import { describe, expect, test } from 'vitest';
import { releaseDeliveries } from '../src/store/deliveries/claimed-delivery.ts';
import { type DeliveryTidings, LEASE_MS, settlementOf, useDeliveries } from './support/deliveries.ts';
import { retryOf } from './support/settlements.ts';

const start = useDeliveries();

/** Claims the only email; its worker stops, and another one claims it again. */
async function claimTwice(tidings: DeliveryTidings) {
  const old = await tidings.claim('ghost');
  tidings.clock.now += LEASE_MS + 1;
  await tidings.expireLeases();
  await tidings.rescueExpired();
  const fresh = await tidings.claim('other');
  expect(fresh.fence).toBe(old.fence + 1);
  return { old, fresh };
}

async function outcomesOf(tidings: DeliveryTidings, id: string) {
  return (await tidings.attempts(id)).map(({ attempt, outcome }) => [attempt, outcome]);
}

async function countDeadLetters({ database }: DeliveryTidings): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(
    'select count(*)::int as count from deliveries where dead_letter is not null',
  );
  return rows[0]?.count ?? 0;
}

describe('a late settlement', () => {
  test('of an attempt that failed changes no state after another worker claimed the delivery; the attempt is kept', async () => {
    const tidings = await start({});
    const id = await tidings.post('mail');
    const { old, fresh } = await claimTwice(tidings);
    await tidings.settle('ghost', [settlementOf(old, 'dead')]);
    expect((await tidings.delivery(id))?.status).toBe('sending');
    await tidings.settle('other', [settlementOf(fresh, 'sent')]);
    expect((await tidings.delivery(id))?.status).toBe('sent');
    expect(await outcomesOf(tidings, id)).toEqual([
      [1, 'rejected'],
      [2, 'sent'],
    ]);
  });

  test.each(['queued', 'in_doubt', 'dead', 'dropped', 'undeliverable', 'cancelled'] as const)(
    'of an earlier attempt that was sent ends a delivery that is %s by now',
    async (status) => {
      const tidings = await start({});
      const id = await tidings.post('mail');
      const { old } = await claimTwice(tidings);
      await tidings.force(status);
      await tidings.settle('ghost', [settlementOf(old, 'sent')]);
      expect(await tidings.delivery(id)).toMatchObject({ status: 'sent', reason_code: null, provider: 'fake' });
    },
  );

  test('of an earlier attempt that was sent ends a delivery that waits for a limit', async () => {
    const tidings = await start({});
    const id = await tidings.post('mail');
    const { old, fresh } = await claimTwice(tidings);
    const { database, clock } = tidings;
    await releaseDeliveries(database.pool, [fresh], clock.now, [clock.now + 60_000], ['rate_limited']);
    await tidings.settle('ghost', [settlementOf(old, 'sent')]);
    expect((await tidings.delivery(id))?.status).toBe('sent');
  });

  test('of an earlier attempt that was sent ends a dead letter', async () => {
    const tidings = await start({});
    await tidings.post('mail');
    const { old, fresh } = await claimTwice(tidings);
    await tidings.settle('other', [{ ...settlementOf(fresh, 'dead'), fault: 'message' }]);
    expect(await countDeadLetters(tidings)).toBe(1);
    await tidings.settle('ghost', [settlementOf(old, 'sent')]);
    expect(await countDeadLetters(tidings)).toBe(0);
  });

  test.each(['dead', 'sent', 'queued'] as const)(
    'of an earlier attempt that was sent ends a delivery that is sent again; the later one, %s, changes nothing',
    async (later) => {
      const tidings = await start({});
      const id = await tidings.post('mail');
      const { old, fresh } = await claimTwice(tidings);
      await tidings.settle('ghost', [settlementOf(old, 'sent')]);
      expect((await tidings.delivery(id))?.status).toBe('sent');
      // If the later worker dies, its attempt is one in doubt.
      expect(await outcomesOf(tidings, id)).toEqual([
        [1, 'sent'],
        [2, 'in_doubt'],
      ]);
      const settlement = later === 'queued' ? retryOf(fresh, tidings.clock.now) : settlementOf(fresh, later);
      await tidings.settle('other', [settlement]);
      expect((await tidings.delivery(id))?.status).toBe('sent');
      expect(await outcomesOf(tidings, id)).toEqual([
        [1, 'sent'],
        [2, settlement.attempt.outcome],
      ]);
    },
  );

  test('and a later one written at the same moment leave the delivery sent', async () => {
    const tidings = await start({});
    for (let round = 0; round < 10; round++) {
      const id = await tidings.post('mail', { n: round });
      const { old, fresh } = await claimTwice(tidings);
      const late = () => tidings.settle('ghost', [settlementOf(old, 'sent')]);
      const later = () => tidings.settle('other', [settlementOf(fresh, round % 3 === 0 ? 'sent' : 'dead')]);
      await Promise.all(round % 2 === 0 ? [late(), later()] : [later(), late()]);
      expect(await tidings.delivery(id)).toMatchObject({ status: 'sent', attempts_made: 2 });
      expect((await outcomesOf(tidings, id)).map(([attempt]) => attempt)).toEqual([1, 2]);
    }
  });

  test('that says sent keeps a later attempt that has not started from being sent', async () => {
    const tidings = await start({});
    const id = await tidings.post('held');
    const old = await tidings.claim('ghost');
    await tidings.markSendStarted(old);
    await tidings.expireLeases();
    await tidings.rescueExpired();
    await tidings.retry(id);
    const fresh = await tidings.claim('other');
    await tidings.settle('ghost', [settlementOf(old, 'sent')]);
    expect(await tidings.markSendStarted(fresh)).toBe(false);
    expect(await outcomesOf(tidings, id)).toEqual([
      [1, 'sent'],
      [2, 'retry'],
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

  test('of held and lost deliveries applies to both', async () => {
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
    expect((await tidings.delivery(lost))?.status).toBe('sent');
    expect(await outcomesOf(tidings, lost)).toEqual([
      [1, 'sent'],
      [2, 'in_doubt'],
    ]);
    expect((await tidings.delivery(kept))?.status).toBe('sent');
    expect(await outcomesOf(tidings, kept)).toEqual([[1, 'sent']]);
  });
});
