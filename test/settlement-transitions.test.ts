import { describe, expect, test } from 'vitest';
import { FINAL_STATUSES, HOUR, START, useDeliveryRows } from './support/delivery-rows.ts';
import { deadOf, retryOf, sentOf } from './support/settlements.ts';
import { TENANT } from './support/tidings.ts';

/** The statement that settles deliveries: the rows it changes, and those it must leave alone. */

const rows = useDeliveryRows();

describe('a settlement', () => {
  test.each([
    ['a success', sentOf, { status: 'sent', finished_at: 'now' }],
    ['a rejection', deadOf, { status: 'dead', reason_code: 'rejected', finished_at: 'now' }],
    ['a retry', retryOf, { status: 'queued', reason_code: 'retrying', finished_at: null }],
  ] as const)('records %s', async (_what, toSettlement, expected) => {
    const id = await rows.queue('mail');
    const [held] = await rows.claim('w');
    rows.clock.now += 1000;
    await rows.settle([toSettlement(held!, START + HOUR)]);
    const finished_at = expected.finished_at && rows.clock.now;
    const due_at = expected.status === 'queued' ? START + HOUR : START;
    expect(await rows.row(id)).toMatchObject({ ...expected, finished_at, due_at });
  });

  test.each([
    ['a rejection', deadOf],
    ['a retry', retryOf],
  ] as const)('with an older fence changes nothing but keeps its attempt: %s', async (_what, toSettlement) => {
    const id = await rows.queue('mail');
    const [old] = await rows.claimTwice();
    const before = await rows.row(id);
    await rows.settle([toSettlement(old, START + HOUR)]);
    expect(await rows.row(id)).toEqual(before);
    expect((await rows.attempts(id)).map(({ attempt }) => attempt)).toEqual([1]);
  });

  test('with an older fence that says sent ends the delivery, also with the current place of the row', async () => {
    for (const isCurrent of [false, true]) {
      const id = await rows.queue('mail');
      const [old] = await rows.claimTwice();
      const { handle } = await rows.row(id);
      await rows.settle([isCurrent ? { ...sentOf(old), handle } : sentOf(old)]);
      expect(await rows.row(id)).toMatchObject({ status: 'sent', finished_at: rows.clock.now });
      expect((await rows.attempts(id)).map(({ attempt }) => attempt)).toEqual([1, 2]);
    }
  });

  test.each([
    ['another delivery', async () => ({ id: await rows.queue('mail'), channel: 'email' })],
    ['another channel of it', async (id: string) => ({ id: await rows.addChannel(id), channel: 'sms' })],
  ])('changes only its own delivery, even with the place of %s', async (_what, make) => {
    const id = await rows.queue('mail');
    const other = await make(id);
    const held = await rows.claim('w');
    const own = held.find((one) => one.notificationId === id && one.channel === 'email')!;
    const { handle } = await rows.row(other.id, other.channel);
    await rows.settle([{ ...sentOf(own), handle }]);
    expect((await rows.row(other.id, other.channel)).status).toBe('sending');
    expect((await rows.row(id)).status).toBe('sent');
  });

  test.each(FINAL_STATUSES.filter((status) => status !== 'in_doubt' && status !== 'cancelled'))(
    'of a delivery that is already %s changes nothing',
    async (status) => {
      const id = await rows.queue('mail');
      const [held] = await rows.claim('w');
      await rows.force(id, status);
      const { handle, ...before } = await rows.row(id);
      await rows.settle([{ ...sentOf(held!), handle }, deadOf(held!)]);
      expect(await rows.row(id)).toMatchObject(before);
    },
  );

  test('of a delivery that was cancelled since says that it was sent; a failure changes nothing', async () => {
    const id = await rows.queue('mail');
    const [held] = await rows.claim('w');
    await rows.force(id, 'cancelled');
    await rows.settle([deadOf(held!)]);
    expect(await rows.row(id)).toMatchObject({ status: 'cancelled' });
    await rows.settle([sentOf(held!)]);
    expect(await rows.row(id)).toMatchObject({ status: 'sent', reason_code: null });
  });

  test('ends the doubt about a delivery that was not claimed since', async () => {
    const id = await rows.queue('held');
    const [held] = await rows.claim('w');
    await rows.force(id, 'in_doubt');
    await rows.settle([sentOf(held!)]);
    expect(await rows.row(id)).toMatchObject({ status: 'sent', finished_at: START });
  });

  test('written again after a retry by hand does not stop the delivery', async () => {
    const id = await rows.queue('mail');
    const [held] = await rows.claim('w');
    await rows.settle([deadOf(held!)]);
    await rows.retry(id);
    await rows.settle([deadOf(held!)]);
    expect(await rows.row(id)).toMatchObject({ status: 'queued', reason_code: 'retried' });
    await rows.settle([sentOf(held!)]);
    expect((await rows.row(id)).status).toBe('sent');
  });

  test('written again adds no second attempt', async () => {
    const id = await rows.queue('mail');
    const [held] = await rows.claim('w');
    for (const _time of [1, 2]) await rows.settle([sentOf(held!)]);
    expect(await rows.attempts(id)).toMatchObject([{ attempt: 1, outcome: 'sent' }]);
  });

  test('writes outbox events only for what took effect', async () => {
    await rows.queue('mail');
    const [old] = await rows.claimTwice();
    const [other] = await rows.claimOf(await rows.queue('mail'));
    const settlements = [deadOf(old), sentOf(other!)];
    const events = settlements.map((settlement) => toEvent(settlement, `about ${settlement.notificationId}`));
    await rows.settle(settlements, events);
    const { rows: written } = await rows.pool.query('select event_id from outbox_events');
    expect(written).toEqual([{ event_id: `about ${other!.notificationId}` }]);
  });

  test('writes no outbox event of a failure under an older fence, even if the status is the same', async () => {
    const id = await rows.queue('mail');
    const [old, current] = await rows.claimTwice();
    await rows.settle([deadOf(current)]);
    const settlement = deadOf(old);
    await rows.settle([settlement], [toEvent(settlement, 'about it')]);
    expect((await rows.row(id)).status).toBe('dead');
    expect((await rows.pool.query('select from outbox_events')).rowCount).toBe(0);
  });

  test('writes no outbox event if the status is another one', async () => {
    const id = await rows.queue('mail');
    const [held] = await rows.claim('w');
    await rows.settle([deadOf(held!)]);
    const settlement = sentOf(held!);
    await rows.settle([settlement], [toEvent(settlement, 'about it')]);
    expect((await rows.row(id)).status).toBe('dead');
    expect((await rows.pool.query('select from outbox_events')).rowCount).toBe(0);
  });
});

/** The event of a settlement, which a rule listens to. */
function toEvent(settlement: ReturnType<typeof sentOf>, eventId: string) {
  const fact = { tenantId: TENANT, userId: 'u', eventId, type: 'notification.delivered', at: 0, event: {} };
  return {
    settlement,
    fact: { ...fact, about: 'MAIL', channel: 'email' as const },
    isHeard: { byRules: true, byEndpoints: false },
  };
}
