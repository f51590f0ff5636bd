import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { Provider } from '../../src/channels/provider.ts';
import { CHANNELS, type Channel, type DeliveryStatus } from '../../src/model/delivery.ts';
import { systemActor } from '../../src/model/principal.ts';
import { claimDeliveries } from '../../src/store/deliveries/claim.ts';
import { type ClaimedDelivery, markSendStarted } from '../../src/store/deliveries/claimed-delivery.ts';
import { retryDelivery } from '../../src/store/deliveries/delivery-commands.ts';
import { loadDelivery, loadNotifications } from '../../src/store/deliveries/delivery-views.ts';
import { rescueExpired } from '../../src/store/deliveries/leases.ts';
import { type Settlement, settleDeliveries } from '../../src/store/deliveries/settlements.ts';
import { deadOf, sentOf } from './settlements.ts';
import { TENANT, type TestTidings, testTidings } from './tidings.ts';

/** From a queued delivery to its final state, with providers that answer as each test sets, in virtual time. */

export const EMAIL = 'maria@example.com';
export const LEASE_MS = 30_000;

export const DELIVERY_CATALOG = {
  'events.yaml': 'events: { mail: {}, held: {}, text: {}, alert: {}, listed: {} }',
  'notifications.yaml': `notifications:
  MAIL: { category: TRANSACTIONAL, channels: [email], give_up_after: 1h }
  HELD: { category: TRANSACTIONAL, channels: [email], in_doubt: hold }
  TEXT: { category: TRANSACTIONAL, channels: [sms] }
  ALERT: { category: SECURITY, channels: [internal] }
  LISTED: { category: TRANSACTIONAL, channels: [email] }`,
  'rules.yaml':
    'rules: { MAIL: { on: mail }, HELD: { on: held }, TEXT: { on: text }, ALERT: { on: alert }, LISTED: { on: listed } }',
  'templates/MAIL/email.en.subject.txt': 'Number {{event.n}}',
  'templates/MAIL/email.en.txt': 'This is number {{event.n}}.',
  'templates/MAIL/email.en.html': '<p>This is number {{event.n}}.</p>',
  'templates/HELD/email.en.subject.txt': 'Held',
  'templates/HELD/email.en.txt': 'Held {{event.n}}',
  'templates/TEXT/sms.en.txt': 'Text {{event.n}}',
  'templates/LISTED/email.en.subject.txt': 'A list',
  'templates/LISTED/email.en.txt': '{{#each event.items}}{{this}} {{/each}}',
};

const CHANNEL_BY_EVENT = { mail: 'email', held: 'email', listed: 'email', text: 'sms', alert: 'internal' } as const;

/** Tables that the tests write, without the catalogs. */
const TABLES = [
  'events',
  'event_ids',
  'users',
  'merged_users',
  'addresses',
  'notifications',
  'deliveries',
  'leases',
  'circuits',
  'rate_limits',
  'attempts',
  'messages',
  'receipts',
  'provider_messages',
  'held_receipts',
  'idempotency_keys',
  'email_counts',
  'email_standings',
  'suppressions',
  'outbox_events',
  'audit_log',
];

type EventDetails = { user?: string; traits?: { readonly [trait: string]: unknown }; [property: string]: unknown };
type Providers = { readonly [channel in Channel]?: Provider };

/** Tidings with what the tests of deliveries do and read. A delivery ID is `notification ID.channel`. */
export interface DeliveryTidings extends TestTidings {
  /** Posts one event; returns the ID of the one delivery it makes. */
  post(type: keyof typeof CHANNEL_BY_EVENT, details?: EventDetails): Promise<string>;
  delivery(id: string): ReturnType<typeof loadDelivery>;
  attempts(
    id: string,
  ): Promise<Awaited<ReturnType<typeof loadNotifications>>[number]['deliveries'][number]['attempts']>;
  /** Waits until the delivery has this status, and this number of attempts if given. */
  becomes(id: string, status: DeliveryStatus, attempts?: number): Promise<void>;
  /** Waits until an alert went out: the workers have looked at every channel since. */
  passOneRound(): Promise<void>;
  countDeliveries(status: DeliveryStatus): Promise<number>;
  /** Retries by hand; returns whether the delivery was queued. */
  retry(id: string): Promise<boolean>;
  /** Puts the only delivery into a status. */
  force(status: DeliveryStatus): Promise<void>;
  /** Claims the only email that is due, as a worker does. */
  claim(worker: string): Promise<ClaimedDelivery>;
  markSendStarted(claimed: ClaimedDelivery): Promise<boolean>;
  settle(worker: string, settlements: readonly Settlement[]): Promise<void>;
  /** Rescues deliveries with expired leases; returns how many. */
  rescueExpired(): Promise<number>;
  /** The end of the lease under which the delivery is being sent, in ms; undefined if it is not being sent. */
  leaseOf(id: string): Promise<number | undefined>;
  /** Lets the lease of this delivery expire, or all leases. */
  expireLeases(id?: string): Promise<void>;
}

/**
 * Prepares the tests of a file: call it once, at its top. The tests share one database, which each `start` empties; the
 * workers of a test are stopped after it.
 */
export function useDeliveries(): (providers: Providers) => Promise<DeliveryTidings> {
  let shared: DeliveryTidings;
  beforeAll(async () => {
    shared = withDeliveries(await testTidings({}, deliveryCatalog()));
  });
  afterEach(() => shared.stopWorkers(0));
  afterAll(() => shared.close());
  return async (providers) => {
    await shared.database.pool.query(TABLES.map((table) => `delete from ${table};`).join(' '));
    await shared.apply(deliveryCatalog());
    shared.clock.now = Date.parse('2025-11-20T12:00:00Z');
    shared.providers.clear();
    for (const channel of CHANNELS) {
      const provider = providers[channel];
      if (provider) shared.providers.set(channel, provider);
    }
    return shared;
  };
}

/** The catalog of these tests, with other or more files. */
export function deliveryCatalog(changed: { readonly [file: string]: string } = {}): Map<string, string> {
  return new Map(Object.entries({ ...DELIVERY_CATALOG, ...changed }));
}

let eventsMade = 0;

/** An event with an ID of its own; what is not `user` or `traits` is a property. */
export function eventOf(type: string, { user = 'u1', traits = { email: EMAIL }, ...properties }: EventDetails = {}) {
  return {
    event_id: `event ${eventsMade++}`,
    user_id: user,
    event_type: type,
    event_timestamp: '2025-11-20T11:59:00Z',
    properties,
    user_traits: traits,
  };
}

/** The settlement of a claimed delivery that was delivered or rejected. */
export function settlementOf(claimed: ClaimedDelivery, status: 'sent' | 'dead'): Settlement {
  return status === 'sent' ? sentOf(claimed) : deadOf(claimed);
}

function withDeliveries(tidings: TestTidings): DeliveryTidings {
  const { clock } = tidings;
  const { pool } = tidings.database;
  const delivery = (id: string) => loadDelivery(pool, TENANT, parseId(id));
  const own: Omit<DeliveryTidings, keyof TestTidings> = {
    async post(type, details) {
      const [result] = await tidings.ingest([eventOf(type, details)]);
      return `${result?.decisions[0]?.notification_id}.${CHANNEL_BY_EVENT[type]}`;
    },
    delivery,
    async attempts(id) {
      const user = (await delivery(id))?.user_id ?? '';
      const [notification] = await loadNotifications(pool, TENANT, user, [parseId(id).notificationId]);
      return notification?.deliveries[0]?.attempts ?? [];
    },
    async becomes(id, status, attempts) {
      await expect
        .poll(() => delivery(id))
        .toMatchObject({ status, ...(attempts === undefined ? {} : { attempts_made: attempts }) });
    },
    async passOneRound() {
      await own.becomes(await own.post('alert'), 'sent');
    },
    async countDeliveries(status) {
      const { rows } = await pool.query<{ count: number }>(
        'select count(*) as count from deliveries where status = $1',
        [status],
      );
      return rows[0]?.count ?? 0;
    },
    retry: (id) => retryDelivery(pool, TENANT, parseId(id), systemActor('test'), clock.now, 3_600_000),
    async force(status) {
      await pool.query(
        `update deliveries set status = $1, worker = 'another', dead_letter = null, started_at = null, duration_ms = null,
           finished_at = case when $1 not in ('queued', 'sending') then now() end`,
        [status],
      );
    },
    async claim(worker) {
      const capacity = [{ channel: 'email', count: 10 }] as const;
      const claimed = await claimDeliveries(pool, worker, capacity, clock.now, LEASE_MS);
      expect(claimed.length).toBe(1);
      return claimed[0] as ClaimedDelivery;
    },
    markSendStarted: (claimed) => markSendStarted(pool, claimed, { name: 'fake' }),
    async settle(worker, settlements) {
      await settleDeliveries(pool, worker, settlements, clock.now);
    },
    rescueExpired: () => rescueExpired(pool, clock.now),
    async leaseOf(id) {
      const { notificationId, channel } = parseId(id);
      const { rows } = await pool.query<{ lease_until: number }>(
        `select lease_until from leases join deliveries using (worker)
         where notification_id = $1 and channel = $2 and status = 'sending'`,
        [notificationId, channel],
      );
      return rows[0]?.lease_until;
    },
    async expireLeases(id) {
      await pool.query(
        `update leases set lease_until = clock_timestamp() - interval '1 ms'
         where $1::uuid is null or worker in (select worker from deliveries where notification_id = $1)`,
        [id === undefined ? null : parseId(id).notificationId],
      );
    },
  };
  return Object.assign(tidings, own);
}

function parseId(id: string) {
  const [notificationId = '', channel = '', target = ''] = id.split('.');
  return { notificationId, channel, target };
}
