import { describe, expect, test } from 'vitest';
import { HOUR, LEASE_MS, START, useDeliveryRows } from './support/delivery-rows.ts';
import { retryOf, sentOf } from './support/settlements.ts';

/** The statement that rescues deliveries with expired leases: the rows it changes, and those it must leave alone. */

const rows = useDeliveryRows();

describe('a rescue', () => {
  test('leaves alone the leases of the worker that rescues, and takes those of others', async () => {
    const id = await rows.queue('mail');
    await rows.claim('own');
    await rows.expire('own');
    expect(await rows.rescue(START, ['own', 'own (2)'])).toBe(0);
    expect(await rows.row(id)).toMatchObject({ status: 'sending', worker: 'own' });
    expect(await rows.rescue(START, ['another'])).toBe(1);
  });

  test('queues deliveries of expired leases only', async () => {
    const expired = await rows.queue('mail');
    await rows.claim('expired');
    const held = await rows.queue('mail');
    await rows.claim('alive');
    await rows.expire('expired');
    expect(await rows.rescue()).toBe(1);
    expect((await rows.row(expired)).status).toBe('queued');
    expect(await rows.row(held)).toMatchObject({ status: 'sending', worker: 'alive' });
    expect(await rows.leases()).toEqual(['alive']);
  });

  test('skips a delivery whose lease was renewed', async () => {
    const id = await rows.queue('mail');
    await rows.claim('slow');
    await rows.expire('slow');
    await rows.renew('slow');
    expect(await rows.rescue()).toBe(0);
    expect((await rows.row(id)).status).toBe('sending');
  });

  test('skips what the worker has finished', async () => {
    const id = await rows.queue('mail');
    const [held] = await rows.claim('expired');
    await rows.settle([sentOf(held!)]);
    await rows.expire('expired');
    expect(await rows.rescue()).toBe(0);
    expect((await rows.row(id)).status).toBe('sent');
  });

  test('skips what is queued for a retry by the same worker', async () => {
    const id = await rows.queue('mail');
    const [held] = await rows.claim('expired');
    await rows.settle([retryOf(held!, START + HOUR)]);
    await rows.expire('expired');
    expect(await rows.rescue()).toBe(0);
    expect(await rows.row(id)).toMatchObject({ status: 'queued', due_at: START + HOUR, attempts: 1 });
  });

  test.each([
    ['mail', true, { status: 'queued', attempts: 1, reason_code: 'in_doubt', finished_at: null }, ['in_doubt']],
    ['held', true, { status: 'in_doubt', attempts: 1, reason_code: 'in_doubt', finished_at: 'now' }, ['in_doubt']],
    ['held', false, { status: 'queued', attempts: 0, reason_code: null, finished_at: null }, []],
  ] as const)('of %s (send started: %s) gives %o', async (type, started, expected, outcomes) => {
    const id = await rows.queue(type);
    const [held] = await rows.claim('expired');
    if (started) await rows.markSendStarted(held!);
    await rows.expire('expired');
    const now = START + LEASE_MS;
    await rows.rescue(now);
    const finished_at = expected.finished_at && now;
    expect(await rows.row(id)).toMatchObject({ ...expected, finished_at, due_at: now });
    expect((await rows.attempts(id)).map(({ outcome }) => outcome)).toEqual(outcomes);
  });
});
