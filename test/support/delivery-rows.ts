import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { systemActor } from '../../src/model/principal.ts';
import { claimDeliveries } from '../../src/store/deliveries/claim.ts';
import {
  type ClaimedDelivery,
  markSendStarted,
  releaseDeliveries,
} from '../../src/store/deliveries/claimed-delivery.ts';
import { retryDelivery } from '../../src/store/deliveries/delivery-commands.ts';
import { loadNextDueDelivery } from '../../src/store/deliveries/delivery-queue.ts';
import { renewLeases, rescueExpired } from '../../src/store/deliveries/leases.ts';
import { type Settlement, settleDeliveries } from '../../src/store/deliveries/settlements.ts';
import { TENANT, type TestTidings, testTidings } from './tidings.ts';

/** The statements that change the state of a delivery, one by one, and the rows that they leave. */

export const LEASE_MS = 30_000;
export const HOUR = 3_600_000;
export const START = Date.parse('2025-11-20T12:00:00Z');
export const FINAL_STATUSES = ['sent', 'sandboxed', 'undeliverable', 'dropped', 'dead', 'in_doubt', 'cancelled'];

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

/** Prepares the tests of a file: call it once, at its top. Each test starts at START, without deliveries. */
export function useDeliveryRows(): DeliveryRows {
  const rows = new DeliveryRows();
  beforeAll(() => rows.open());
  beforeEach(() => rows.reset());
  afterAll(() => rows.close());
  return rows;
}

export class DeliveryRows {
  #tidings: TestTidings | undefined;
  #posted = 0;

  async open(): Promise<void> {
    this.#tidings = await testTidings({}, CATALOG);
  }

  async reset(): Promise<void> {
    this.clock.now = START;
    const tables = ['deliveries', 'leases', 'attempts', 'messages', 'outbox_events'];
    await this.pool.query(tables.map((table) => `delete from ${table};`).join(' '));
  }

  async close(): Promise<void> {
    await this.#tidings?.close();
  }

  get pool(): pg.Pool {
    return this.#tidings!.pool;
  }

  get clock(): { now: number } {
    return this.#tidings!.clock;
  }

  /** Posts an event that makes one delivery, due now; returns the ID of its notification. */
  async queue(type: 'mail' | 'held' | 'text'): Promise<string> {
    const event = {
      event_id: `event ${this.#posted++}`,
      user_id: 'u',
      event_type: type,
      event_timestamp: '2025-11-20T11:59:00Z',
      properties: {},
      user_traits: {},
    };
    const [result] = await this.#tidings!.ingest([event]);
    return result!.decisions[0]!.notification_id!;
  }

  /** Claims due deliveries of the email channel. */
  claim(lease: string, { now = this.clock.now, count = 10 } = {}): Promise<ClaimedDelivery[]> {
    const capacity = [
      { channel: 'email', count },
      { channel: 'sms', count: 0 },
    ] as const;
    return claimDeliveries(this.pool, lease, capacity, now, LEASE_MS);
  }

  /** Claims one delivery of the email channel, as the probe of its provider. */
  claimProbe(lease: string): Promise<ClaimedDelivery[]> {
    return claimDeliveries(this.pool, lease, [{ channel: 'email', count: 1, isProbe: true }], START, LEASE_MS);
  }

  async claimOf(id: string): Promise<ClaimedDelivery[]> {
    return (await this.claim('w')).filter(({ notificationId }) => notificationId === id);
  }

  /** Claims the only delivery, lets the lease expire, and claims it again; returns both claims. */
  async claimTwice(): Promise<[old: ClaimedDelivery, current: ClaimedDelivery]> {
    const [old] = await this.claim('expired');
    await this.expire('expired');
    await rescueExpired(this.pool, START);
    // These tests are not about the attempt in doubt.
    await this.pool.query('delete from attempts');
    const [current] = await this.claim('other');
    expect(current!.fence).toBe(old!.fence + 1);
    return [old!, current!];
  }

  nextDue(channels: Parameters<typeof loadNextDueDelivery>[1]): Promise<number | null> {
    return loadNextDueDelivery(this.pool, channels);
  }

  markSendStarted(held: ClaimedDelivery): Promise<boolean> {
    return markSendStarted(this.pool, held, { name: 'fake' });
  }

  /** @param dueAt when it is due again; absent: as before */
  release(held: ClaimedDelivery, dueAt?: number): Promise<void> {
    return releaseDeliveries(this.pool, [held], this.clock.now, dueAt === undefined ? undefined : [dueAt]);
  }

  /** Settles as worker `w`, now. */
  async settle(settlements: readonly Settlement[], events?: Parameters<typeof settleDeliveries>[4]): Promise<void> {
    await settleDeliveries(this.pool, 'w', settlements, this.clock.now, events);
  }

  /** @param except leases of the worker that rescues */
  rescue(now = START, except: readonly string[] = []): Promise<number> {
    return rescueExpired(this.pool, now, except);
  }

  renew(lease: string): ReturnType<typeof renewLeases> {
    return renewLeases(this.pool, [lease], LEASE_MS);
  }

  retry(notificationId: string): Promise<boolean> {
    const id = { notificationId, channel: 'email', target: '' };
    return retryDelivery(this.pool, TENANT, id, systemActor('test'), this.clock.now, HOUR);
  }

  /** Puts a delivery into a status, as if it had reached it in another way. */
  async force(id: string, status: string): Promise<void> {
    await this.pool.query(
      `update deliveries set status = $2, worker = 'x', finished_at = case when $2 not in ('queued', 'sending') then $3 end::timestamptz
       where notification_id = $1`,
      [id, status, new Date(START)],
    );
  }

  /** Adds a second delivery of the notification, by SMS and held by the worker that claims next. */
  async addChannel(id: string): Promise<string> {
    await this.pool.query(
      `insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, due_at, retry_until,
                               in_doubt_policy, created_at, status, worker, fence)
       select tenant_id, notification_id, 'sms', user_id, notification_type, due_at, retry_until, in_doubt_policy, created_at,
              'sending', 'w', 1
       from deliveries where notification_id = $1`,
      [id],
    );
    return id;
  }

  async row(id: string, channel = 'email') {
    const { rows } = await this.pool.query(
      'select *, ctid as handle from deliveries where notification_id = $1 and channel = $2',
      [id, channel],
    );
    expect(rows).toHaveLength(1);
    return rows[0];
  }

  async attempts(id: string): Promise<{ attempt: number; outcome: string }[]> {
    const { rows } = await this.pool.query(
      'select attempt, outcome from all_attempts() where notification_id = $1 order by attempt',
      [id],
    );
    return rows;
  }

  async leases(): Promise<string[]> {
    const { rows } = await this.pool.query<{ worker: string }>('select worker from leases order by worker');
    return rows.map(({ worker }) => worker);
  }

  /** Lets a lease expire, as if it had not been renewed in time. */
  async expire(lease: string): Promise<void> {
    await this.pool.query(`update leases set lease_until = clock_timestamp() - interval '1 ms' where worker = $1`, [
      lease,
    ]);
  }
}
