import { describe, expect, test } from 'vitest';
import { FINAL_STATUSES, HOUR, START, useDeliveryRows } from './support/delivery-rows.ts';
import { retryOf } from './support/settlements.ts';

/** Each statement that claims, starts, releases or retries a delivery: the rows it changes, and those it must leave alone. */

const rows = useDeliveryRows();

describe('a claim', () => {
  test('returns a delivery from the moment it is due, and not before', async () => {
    await rows.queue('mail');
    expect(await rows.claim('w', { now: START - 1 })).toEqual([]);
    expect(await rows.claim('w', { now: START })).toHaveLength(1);
  });

  test('counts an attempt, raises the fence and names the lease', async () => {
    const id = await rows.queue('mail');
    const [first] = await rows.claim('w');
    expect(first).toMatchObject({ notificationId: id, lease: 'w', attempt: 1, fence: 1 });
    expect(await rows.row(id)).toMatchObject({ status: 'sending', worker: 'w', attempts: 1, fence: 1 });
    await rows.settle([retryOf(first!, START)]);
    expect(await rows.claim('w')).toMatchObject([{ attempt: 2, fence: 2 }]);
  });

  test.each(FINAL_STATUSES)('skips a delivery that is %s', async (status) => {
    await rows.force(await rows.queue('mail'), status);
    expect(await rows.claim('w')).toEqual([]);
    expect(await rows.nextDue(['email'])).toBeNull();
  });

  test('settles a delivery whose notification is gone as dead, without an attempt', async () => {
    const id = await rows.queue('mail');
    await rows.pool.query('delete from notifications');
    expect(await rows.claim('w')).toEqual([]);
    expect(await rows.row(id)).toMatchObject({ status: 'dead', reason_code: 'notification_gone', attempts: 0 });
    expect((await rows.row(id)).finished_at).not.toBeNull();
  });

  test('for a probe returns a delivery without an attempt before those that are due longer', async () => {
    const failed = await rows.queue('mail');
    await rows.settle([retryOf((await rows.claim('w'))[0]!, START - HOUR)]);
    const fresh = await rows.queue('mail');
    const probe = async () => (await rows.claimProbe('w')).map(({ notificationId }) => notificationId);
    expect(await probe()).toEqual([fresh]);
    expect(await probe()).toEqual([failed]);
    expect(await probe()).toEqual([]);
  });

  test('skips a delivery that another worker holds', async () => {
    await rows.queue('mail');
    await rows.claim('w');
    expect(await rows.claim('other')).toEqual([]);
    expect(await rows.nextDue(['email'])).toBeNull();
  });

  test('returns the deliveries due longest, as many of a channel as there is capacity for', async () => {
    const text = await rows.queue('text');
    const ids: string[] = [];
    for (const minutes of [1, 3, 2]) {
      rows.clock.now = START + minutes * 60_000;
      ids.push(await rows.queue('mail'));
    }
    const now = START + HOUR;
    expect(await rows.nextDue(['email'])).toBe(START + 60_000);
    expect(await rows.nextDue(['email', 'sms'])).toBe(START);
    const claimed = await rows.claim('w', { now, count: 2 });
    expect(claimed.map(({ notificationId }) => notificationId).sort()).toEqual([ids[0], ids[2]].sort());
    expect((await rows.row(text, 'sms')).status).toBe('queued');
  });

  test('skips a delivery that another claim has locked', async () => {
    const [locked, free] = [await rows.queue('mail'), await rows.queue('mail')];
    const connection = await rows.pool.connect();
    try {
      await connection.query('begin');
      await connection.query('select from deliveries where notification_id = $1 for update', [locked]);
      expect(await rows.claim('w')).toMatchObject([{ notificationId: free }]);
    } finally {
      await connection.query('rollback');
      connection.release();
    }
  });

  test('without deliveries leaves no lease', async () => {
    await rows.claim('w');
    expect(await rows.leases()).toEqual([]);
    await rows.queue('mail');
    await rows.claim('w');
    expect(await rows.leases()).toEqual(['w']);
  });

  test('marks the send as started at once, unless the type holds what is in doubt', async () => {
    const [mail, held] = [await rows.queue('mail'), await rows.queue('held')];
    await rows.claim('w');
    expect((await rows.row(mail)).send_started).toBe(true);
    expect((await rows.row(held)).send_started).toBe(false);
  });
});

describe('the start of a send', () => {
  test('is recorded by the worker that holds the delivery', async () => {
    const id = await rows.queue('held');
    const [held] = await rows.claim('w');
    expect(await rows.markSendStarted(held!)).toBe(true);
    expect((await rows.row(id)).send_started).toBe(true);
  });

  test('is denied to a worker with an older fence', async () => {
    const id = await rows.queue('held');
    const [old] = await rows.claimTwice();
    expect(await rows.markSendStarted(old)).toBe(false);
    expect((await rows.row(id)).send_started).toBe(false);
  });

  test('is denied after the delivery was released', async () => {
    const id = await rows.queue('held');
    const [held] = await rows.claim('w');
    await rows.release(held!);
    expect(await rows.markSendStarted(held!)).toBe(false);
    expect((await rows.row(id)).send_started).toBe(false);
  });
});

describe('a release', () => {
  test('queues the delivery again as if it had not been claimed', async () => {
    const id = await rows.queue('mail');
    const [held] = await rows.claim('w');
    await rows.release(held!);
    expect(await rows.row(id)).toMatchObject({ status: 'queued', attempts: 0, due_at: START, finished_at: null });
  });

  test('with an older fence changes nothing', async () => {
    const id = await rows.queue('mail');
    const [old] = await rows.claimTwice();
    const before = await rows.row(id);
    await rows.release(old);
    expect(await rows.row(id)).toEqual(before);
  });

  test('of a delivery that is queued already subtracts no second attempt', async () => {
    const id = await rows.queue('mail');
    const [held] = await rows.claim('w');
    for (const _time of [1, 2]) await rows.release(held!);
    expect(await rows.row(id)).toMatchObject({ status: 'queued', attempts: 0 });
  });
});

describe('a retry by hand', () => {
  test.each(['undeliverable', 'dead', 'in_doubt'])('queues a delivery that is %s', async (status) => {
    const id = await rows.queue('mail');
    await rows.force(id, status);
    rows.clock.now += HOUR;
    expect(await rows.retry(id)).toBe(true);
    expect(await rows.row(id)).toMatchObject({
      status: 'queued',
      due_at: rows.clock.now,
      retry_until: rows.clock.now + HOUR,
      finished_at: null,
    });
  });

  test.each(['queued', 'sending', 'sent', 'cancelled'])('leaves alone a delivery that is %s', async (status) => {
    const id = await rows.queue('mail');
    await rows.force(id, status);
    const before = await rows.row(id);
    expect(await rows.retry(id)).toBe(false);
    expect(await rows.row(id)).toEqual(before);
  });
});
