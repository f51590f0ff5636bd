import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type ClaimedDelivery,
  claimDeliveries,
  loadNextDueDelivery,
  markSendStarted,
  releaseDeliveries,
  retryDelivery,
} from '../src/store/deliveries.ts';
import { renewLeases, rescueExpired } from '../src/store/leases.ts';
import { type Settlement, settleDeliveries } from '../src/store/settlements.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** Each change of a delivery's state, straight at its statement: which rows it changes, and which it must leave alone. */

const LEASE_MS = 30_000;
const HOUR = 3_600_000;
const FINAL = ['sent', 'undeliverable', 'dead', 'in_doubt', 'cancelled'];

const CATALOG = new Map([
  ['events.yaml', 'events: { mail: {}, held: {}, text: {} }'],
  [
    'notifications.yaml',
    `notifications:
  MAIL: { category: TRANSACTIONAL, channels: [email] }
  HELD: { category: TRANSACTIONAL, channels: [email], in_doubt: hold }
  TEXT: { category: TRANSACTIONAL, channels: [sms] }`,
  ],
  ['rules.yaml', 'rules: { MAIL: { on: mail }, HELD: { on: held }, TEXT: { on: text } }'],
  ['templates/MAIL/email.en.subject.txt', 'Mail'],
  ['templates/MAIL/email.en.txt', 'Mail'],
  ['templates/HELD/email.en.subject.txt', 'Held'],
  ['templates/HELD/email.en.txt', 'Held'],
  ['templates/TEXT/sms.en.txt', 'Text'],
]);

let tidings: TestTidings;
let start: number;
let posted = 0;

beforeAll(async () => {
  tidings = await testTidings({}, CATALOG);
  start = tidings.clock.now;
});
beforeEach(async () => {
  tidings.clock.now = start;
  const tables = ['deliveries', 'leases', 'attempts', 'messages', 'outbox_events'];
  await tidings.database.pool.query(tables.map((table) => `delete from ${table};`).join(' '));
});
afterAll(() => tidings.close());

describe('a claim', () => {
  test('takes a delivery from the moment it is due, and not before', async () => {
    await queue('mail');
    expect(await claim('w', { now: start - 1 })).toEqual([]);
    expect(await claim('w', { now: start })).toHaveLength(1);
  });

  test('counts an attempt, raises the fence and names the lease', async () => {
    const id = await queue('mail');
    const [first] = await claim('w');
    expect(first).toMatchObject({ notificationId: id, lease: 'w', attempt: 1, fence: 1 });
    expect(await rowOf(id)).toMatchObject({ status: 'sending', worker: 'w', attempts: 1, fence: 1 });
    await settle([retryOf(first!, start)]);
    expect(await claim('w')).toMatchObject([{ attempt: 2, fence: 2 }]);
  });

  test.each(FINAL)('skips a delivery that is %s', async (status) => {
    await force(await queue('mail'), status);
    expect(await claim('w')).toEqual([]);
    expect(await loadNextDueDelivery(tidings.database.pool, ['email'])).toBeNull();
  });

  test('skips a delivery that another worker holds', async () => {
    await queue('mail');
    await claim('w');
    expect(await claim('other')).toEqual([]);
    expect(await loadNextDueDelivery(tidings.database.pool, ['email'])).toBeNull();
  });

  test('takes as many of a channel as there is capacity for, those that are due longest', async () => {
    const text = await queue('text');
    const ids: string[] = [];
    for (const minutes of [1, 3, 2]) {
      tidings.clock.now = start + minutes * 60_000;
      ids.push(await queue('mail'));
    }
    const now = start + HOUR;
    expect(await loadNextDueDelivery(tidings.database.pool, ['email'])).toBe(start + 60_000);
    expect(await loadNextDueDelivery(tidings.database.pool, ['email', 'sms'])).toBe(start);
    const claimed = await claim('w', { now, count: 2 });
    expect(claimed.map(({ notificationId }) => notificationId).sort()).toEqual([ids[0], ids[2]].sort());
    expect((await rowOf(text, 'sms')).status).toBe('queued');
  });

  test('passes over a delivery that another claim is taking at this moment', async () => {
    const [taken, free] = [await queue('mail'), await queue('mail')];
    const connection = await tidings.database.pool.connect();
    try {
      await connection.query('begin');
      await connection.query('select from deliveries where notification_id = $1 for update', [taken]);
      expect(await claim('w')).toMatchObject([{ notificationId: free }]);
    } finally {
      await connection.query('rollback');
      connection.release();
    }
  });

  test('that takes nothing leaves no lease', async () => {
    await claim('w');
    expect(await leases()).toEqual([]);
    await queue('mail');
    await claim('w');
    expect(await leases()).toEqual(['w']);
  });

  test('notes at once that a message may have been sent, unless its type holds what is in doubt', async () => {
    const [mail, held] = [await queue('mail'), await queue('held')];
    await claim('w');
    expect((await rowOf(mail)).send_started).toBe(true);
    expect((await rowOf(held)).send_started).toBe(false);
  });
});

describe('the start of a send', () => {
  test('is noted by the worker that holds the delivery', async () => {
    const id = await queue('held');
    const [held] = await claim('w');
    expect(await markSendStarted(tidings.database.pool, held!)).toBe(true);
    expect((await rowOf(id)).send_started).toBe(true);
  });

  test('is denied to a worker with an older fence', async () => {
    const id = await queue('held');
    const [old] = await claimTwice();
    expect(await markSendStarted(tidings.database.pool, old)).toBe(false);
    expect((await rowOf(id)).send_started).toBe(false);
  });

  test('is denied when the delivery was given back', async () => {
    const id = await queue('held');
    const [held] = await claim('w');
    await releaseDeliveries(tidings.database.pool, [held!]);
    expect(await markSendStarted(tidings.database.pool, held!)).toBe(false);
    expect((await rowOf(id)).send_started).toBe(false);
  });
});

describe('a settlement', () => {
  test.each([
    ['a success', sentOf, { status: 'sent', finished_at: 'now' }],
    ['a rejection', deadOf, { status: 'dead', reason_code: 'rejected', finished_at: 'now' }],
    ['a retry', retryOf, { status: 'queued', reason_code: 'retrying', finished_at: null }],
  ] as const)('records %s', async (_what, toSettlement, expected) => {
    const id = await queue('mail');
    const [held] = await claim('w');
    tidings.clock.now += 1000;
    await settle([toSettlement(held!, start + HOUR)]);
    const finished_at = expected.finished_at && tidings.clock.now;
    const due_at = expected.status === 'queued' ? start + HOUR : start;
    expect(await rowOf(id)).toMatchObject({ ...expected, finished_at, due_at });
  });

  test.each([
    ['a success', sentOf],
    ['a rejection', deadOf],
    ['a retry', retryOf],
  ] as const)('with an older fence changes nothing but keeps its attempt: %s', async (_what, toSettlement) => {
    const id = await queue('mail');
    const [old] = await claimTwice();
    const before = await rowOf(id);
    await settle([toSettlement(old, start + HOUR)]);
    expect(await rowOf(id)).toEqual(before);
    expect((await attempts(id)).map(({ attempt }) => attempt)).toEqual([1]);
  });

  test('with an older fence changes nothing, even if it names where the row stands now', async () => {
    const id = await queue('mail');
    const [old] = await claimTwice();
    const { handle, ...before } = await rowOf(id);
    await settle([{ ...sentOf(old), handle }]);
    expect(await rowOf(id)).toMatchObject(before);
  });

  test.each([
    ['another delivery', async () => ({ id: await queue('mail'), channel: 'email' })],
    ['another channel of it', async (id: string) => ({ id: await addChannel(id), channel: 'sms' })],
  ])('changes its own delivery only, though it names the place of %s', async (_what, make) => {
    const id = await queue('mail');
    const other = await make(id);
    const held = await claim('w');
    const own = held.find((one) => one.notificationId === id && one.channel === 'email')!;
    const { handle } = await rowOf(other.id, other.channel);
    await settle([{ ...sentOf(own), handle }]);
    expect((await rowOf(other.id, other.channel)).status).toBe('sending');
    expect((await rowOf(id)).status).toBe('sent');
  });

  test.each(FINAL.filter((status) => status !== 'in_doubt'))(
    'of one that is %s by now changes nothing',
    async (status) => {
      const id = await queue('mail');
      const [held] = await claim('w');
      await force(id, status);
      const { handle, ...before } = await rowOf(id);
      await settle([{ ...sentOf(held!), handle }, deadOf(held!)]);
      expect(await rowOf(id)).toMatchObject(before);
    },
  );

  test('ends the doubt about a delivery that nobody claimed since', async () => {
    const id = await queue('held');
    const [held] = await claim('w');
    await force(id, 'in_doubt');
    await settle([sentOf(held!)]);
    expect(await rowOf(id)).toMatchObject({ status: 'sent', finished_at: start });
  });

  test('said again after a retry by command does not stop the delivery', async () => {
    const id = await queue('mail');
    const [held] = await claim('w');
    await settle([deadOf(held!)]);
    await retry(id);
    await settle([deadOf(held!)]);
    expect(await rowOf(id)).toMatchObject({ status: 'queued', reason_code: 'retried' });
    await settle([sentOf(held!)]);
    expect((await rowOf(id)).status).toBe('sent');
  });

  test('said again makes no second attempt', async () => {
    const id = await queue('mail');
    const [held] = await claim('w');
    for (const _time of [1, 2]) await settle([sentOf(held!)]);
    expect(await attempts(id)).toMatchObject([{ attempt: 1, outcome: 'delivered' }]);
  });

  test('announces only what took effect', async () => {
    await queue('mail');
    const [old] = await claimTwice();
    const [other] = await claimOf(await queue('mail'));
    const settlements = [sentOf(old), sentOf(other!)];
    const events = settlements.map((settlement) => ({
      settlement,
      event: { tenantId: TENANT, userId: 'u', eventId: `about ${settlement.notificationId}`, event: {} },
    }));
    await settleDeliveries(tidings.database.pool, 'w', settlements, start, events);
    const { rows } = await tidings.database.pool.query('select event_id from outbox_events');
    expect(rows).toEqual([{ event_id: `about ${other!.notificationId}` }]);
  });

  test('announces nothing under an older fence, though the delivery came to the same end', async () => {
    const id = await queue('mail');
    const [old, current] = await claimTwice();
    await settle([sentOf(current)]);
    const settlement = sentOf(old);
    const event = { tenantId: TENANT, userId: 'u', eventId: 'about it', event: {} };
    await settleDeliveries(tidings.database.pool, 'w', [settlement], start, [{ settlement, event }]);
    expect((await rowOf(id)).status).toBe('sent');
    expect((await tidings.database.pool.query('select from outbox_events')).rowCount).toBe(0);
  });

  test('announces nothing that came to another end', async () => {
    const id = await queue('mail');
    const [held] = await claim('w');
    await settle([deadOf(held!)]);
    const settlement = sentOf(held!);
    const event = { tenantId: TENANT, userId: 'u', eventId: 'about it', event: {} };
    await settleDeliveries(tidings.database.pool, 'w', [settlement], start, [{ settlement, event }]);
    expect((await rowOf(id)).status).toBe('dead');
    expect((await tidings.database.pool.query('select from outbox_events')).rowCount).toBe(0);
  });
});

describe('a release', () => {
  test('queues the delivery again as if it had not been claimed', async () => {
    const id = await queue('mail');
    const [held] = await claim('w');
    await releaseDeliveries(tidings.database.pool, [held!]);
    expect(await rowOf(id)).toMatchObject({ status: 'queued', attempts: 0, due_at: start, finished_at: null });
  });

  test('with an older fence changes nothing', async () => {
    const id = await queue('mail');
    const [old] = await claimTwice();
    const before = await rowOf(id);
    await releaseDeliveries(tidings.database.pool, [old]);
    expect(await rowOf(id)).toEqual(before);
  });

  test('of a delivery that is queued already counts no attempt twice', async () => {
    const id = await queue('mail');
    const [held] = await claim('w');
    for (const _time of [1, 2]) await releaseDeliveries(tidings.database.pool, [held!]);
    expect(await rowOf(id)).toMatchObject({ status: 'queued', attempts: 0 });
  });
});

describe('a rescue', () => {
  test('takes deliveries of expired leases only', async () => {
    const expired = await queue('mail');
    await claim('silent');
    const held = await queue('mail');
    await claim('alive');
    await expire('silent');
    expect(await rescueExpired(tidings.database.pool, start)).toBe(1);
    expect((await rowOf(expired)).status).toBe('queued');
    expect(await rowOf(held)).toMatchObject({ status: 'sending', worker: 'alive' });
    expect(await leases()).toEqual(['alive']);
  });

  test('does not take a delivery whose lease was renewed', async () => {
    const id = await queue('mail');
    await claim('slow');
    await expire('slow');
    await renewLeases(tidings.database.pool, ['slow'], LEASE_MS);
    expect(await rescueExpired(tidings.database.pool, start)).toBe(0);
    expect((await rowOf(id)).status).toBe('sending');
  });

  test('leaves alone what the worker has finished', async () => {
    const id = await queue('mail');
    const [held] = await claim('silent');
    await settle([sentOf(held!)]);
    await expire('silent');
    expect(await rescueExpired(tidings.database.pool, start)).toBe(0);
    expect((await rowOf(id)).status).toBe('sent');
  });

  test('leaves alone what is queued for a retry by the same worker', async () => {
    const id = await queue('mail');
    const [held] = await claim('silent');
    await settle([retryOf(held!, start + HOUR)]);
    await expire('silent');
    expect(await rescueExpired(tidings.database.pool, start)).toBe(0);
    expect(await rowOf(id)).toMatchObject({ status: 'queued', due_at: start + HOUR, attempts: 1 });
  });

  test.each([
    ['mail', true, { status: 'queued', attempts: 1, reason_code: 'in_doubt', finished_at: null }, ['in_doubt']],
    ['held', true, { status: 'in_doubt', attempts: 1, reason_code: 'in_doubt', finished_at: 'now' }, ['in_doubt']],
    ['held', false, { status: 'queued', attempts: 0, reason_code: null, finished_at: null }, []],
  ] as const)('of %s (send started: %s) gives %o', async (type, started, expected, outcomes) => {
    const id = await queue(type);
    const [held] = await claim('silent');
    if (started) await markSendStarted(tidings.database.pool, held!);
    await expire('silent');
    const now = start + LEASE_MS;
    await rescueExpired(tidings.database.pool, now);
    const finished_at = expected.finished_at && now;
    expect(await rowOf(id)).toMatchObject({ ...expected, finished_at, due_at: now });
    expect((await attempts(id)).map(({ outcome }) => outcome)).toEqual(outcomes);
  });
});

describe('a retry by command', () => {
  test.each(['undeliverable', 'dead', 'in_doubt'])('queues a delivery that is %s', async (status) => {
    const id = await queue('mail');
    await force(id, status);
    tidings.clock.now += HOUR;
    expect(await retry(id)).toBe(true);
    expect(await rowOf(id)).toMatchObject({
      status: 'queued',
      due_at: tidings.clock.now,
      retry_until: tidings.clock.now + HOUR,
      finished_at: null,
    });
  });

  test.each(['queued', 'sending', 'sent', 'cancelled'])('leaves alone a delivery that is %s', async (status) => {
    const id = await queue('mail');
    await force(id, status);
    const before = await rowOf(id);
    expect(await retry(id)).toBe(false);
    expect(await rowOf(id)).toEqual(before);
  });
});

// ---------------------------------------------------------------------------------------------------------------------

/** Posts an event that makes one delivery, due now; returns the id of its notification. */
async function queue(type: 'mail' | 'held' | 'text'): Promise<string> {
  const event = {
    event_id: `event ${posted++}`,
    user_id: 'u',
    event_type: type,
    event_timestamp: '2025-11-20T11:59:00Z',
    properties: {},
    user_traits: {},
  };
  const [result] = await tidings.pipeline.ingest(TENANT, [event]);
  return result!.decisions[0]!.notification_id!;
}

function claim(lease: string, { now = tidings.clock.now, count = 10 } = {}): Promise<ClaimedDelivery[]> {
  const capacity = [
    { channel: 'email', count },
    { channel: 'sms', count: 0 },
  ] as const;
  return claimDeliveries(tidings.database.pool, lease, capacity, now, LEASE_MS);
}

async function claimOf(id: string): Promise<ClaimedDelivery[]> {
  return (await claim('w')).filter(({ notificationId }) => notificationId === id);
}

/** Claims the only delivery, lets the lease expire, and claims it again; returns both claims. */
async function claimTwice(): Promise<[old: ClaimedDelivery, current: ClaimedDelivery]> {
  const [old] = await claim('silent');
  await expire('silent');
  await rescueExpired(tidings.database.pool, start);
  // The doubt is not what these tests are about.
  await tidings.database.pool.query('delete from attempts');
  const [current] = await claim('other');
  expect(current!.fence).toBe(old!.fence + 1);
  return [old!, current!];
}

function settle(settlements: readonly Settlement[]): Promise<void> {
  return settleDeliveries(tidings.database.pool, 'w', settlements, tidings.clock.now);
}

function retry(notificationId: string): Promise<boolean> {
  const id = { notificationId, channel: 'email' };
  return retryDelivery(tidings.database.pool, TENANT, id, 'test', tidings.clock.now, HOUR);
}

function sentOf(held: ClaimedDelivery): Settlement {
  return settlementOf(held, { status: 'sent' }, 'delivered');
}

function deadOf(held: ClaimedDelivery): Settlement {
  return settlementOf(held, { status: 'dead', reasonCode: 'rejected' }, 'rejected');
}

function retryOf(held: ClaimedDelivery, dueAt: number): Settlement {
  return settlementOf(held, { status: 'queued', reasonCode: 'retrying', dueAt }, 'retry');
}

function settlementOf(
  { handle, tenantId, notificationId, channel, fence, attempt }: ClaimedDelivery,
  state: Pick<Settlement, 'status'> & Partial<Settlement>,
  outcome: Settlement['attempt']['outcome'],
): Settlement {
  const said = { reason: null, response: null, providerMessageId: null };
  return {
    handle,
    tenantId,
    notificationId,
    channel,
    fence,
    dueAt: null,
    reasonCode: null,
    reason: null,
    attempt: { n: attempt, provider: 'fake', startedAt: start, durationMs: 1, outcome, ...said },
    message: null,
    ...state,
  };
}

/** Puts a delivery into a state, as if that had come to pass otherwise. */
async function force(id: string, status: string): Promise<void> {
  await tidings.database.pool.query(
    `update deliveries set status = $2, worker = 'x', finished_at = case when $2 not in ('queued', 'sending') then $3 end::timestamptz
     where notification_id = $1`,
    [id, status, new Date(start)],
  );
}

/** A second delivery of the notification, by SMS and held by the worker that claims next. */
async function addChannel(id: string): Promise<string> {
  await tidings.database.pool.query(
    `insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, due_at, retry_until,
                             in_doubt_policy, created_at, status, worker, fence)
     select tenant_id, notification_id, 'sms', user_id, notification_type, due_at, retry_until, in_doubt_policy, created_at,
            'sending', 'w', 1
     from deliveries where notification_id = $1`,
    [id],
  );
  return id;
}

async function rowOf(id: string, channel = 'email') {
  const { rows } = await tidings.database.pool.query(
    'select *, ctid as handle from deliveries where notification_id = $1 and channel = $2',
    [id, channel],
  );
  expect(rows).toHaveLength(1);
  return rows[0];
}

async function attempts(id: string): Promise<{ attempt: number; outcome: string }[]> {
  const { rows } = await tidings.database.pool.query(
    'select attempt, outcome from all_attempts where notification_id = $1 order by attempt',
    [id],
  );
  return rows;
}

async function leases(): Promise<string[]> {
  const { rows } = await tidings.database.pool.query<{ worker: string }>('select worker from leases order by worker');
  return rows.map(({ worker }) => worker);
}

/** The lease as it is when it was not renewed in time. */
async function expire(lease: string): Promise<void> {
  await tidings.database.pool.query(
    `update leases set lease_until = clock_timestamp() - interval '1 ms' where worker = $1`,
    [lease],
  );
}
