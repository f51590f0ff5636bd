import { afterEach, beforeEach, expect } from 'vitest';
import { type Answer, type TestServer, testServer } from './http.ts';
import { type FakeProvider, fakeProvider } from './providers.ts';
import { TENANT, type TestTidings, testTidings } from './tidings.ts';

/** Direct sends over HTTP, with fake providers and virtual time, which begins on 20 November 2025 at 12:00 UTC. */

const CATALOG = {
  'events.yaml': 'events: { signed_up: {} }\ntraits: { email: string, phone: string, time_zone: string, plan: string }',
  'notifications.yaml': `notifications:
  ORDER: { category: TRANSACTIONAL, channels: [email, sms] }
  PROMO: { category: MARKETING, variables: { postal_address: { default: 1 Main Street } }, channels: [email] }
  STEPS: { category: TRANSACTIONAL, channels: { first_of: [sms, email], wait: 1h, until: delivered } }
  DECLARED: { category: TRANSACTIONAL, channels: [email], variables: { name: { type: string, required: true }, count: number } }
  BARE: { category: TRANSACTIONAL, channels: [email, sms] }`,
  'rules.yaml': 'rules: { ORDER: { on: signed_up } }',
  'templates/ORDER/email.en.subject.txt': 'Order {{event.order_id}}',
  'templates/ORDER/email.en.txt': 'Your order {{event.order_id}} of {{context.source}}.',
  'templates/ORDER/sms.en.txt': 'Order {{event.order_id}}',
  'templates/PROMO/email.en.subject.txt': 'Promo',
  'templates/PROMO/email.en.txt': 'A promo for {{event.name}}.',
  'templates/STEPS/email.en.subject.txt': 'Steps',
  'templates/STEPS/email.en.txt': 'Steps',
  'templates/STEPS/sms.en.txt': 'Steps',
  'templates/DECLARED/email.en.subject.txt': 'Declared',
  'templates/DECLARED/email.en.txt': '{{name}} has {{count}}, {{event.name}} has {{event.count}}.',
  'templates/BARE/sms.en.txt': 'Bare',
  'templates/BARE/email.en.subject.txt': 'Bare',
  'templates/BARE/email.en.txt': 'Bare',
};

export interface TestNotifications {
  readonly tidings: TestTidings;
  readonly server: TestServer;
  readonly email: FakeProvider;
  readonly sms: FakeProvider;
  /** Makes a user known, with these traits. */
  user(userId: string, traits: { readonly [trait: string]: unknown }): Promise<void>;
  /** Sends ORDER unless the body says otherwise. */
  send(body?: object, headers?: Record<string, string>, query?: string): Promise<Answer>;
  get(id: string): Promise<Answer>;
  cancel(id: string): Promise<Answer>;
  reschedule(id: string, scheduledAt: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Waits until the notification has this state. */
  becomes(id: string, state: string): Promise<void>;
  count(table: string): Promise<number>;
  /** Lets time pass in ms, and fires what is due of these users. */
  pass(ms: number, ...userIds: string[]): Promise<void>;
}

/** Prepares the tests of a file: call it once, at its top. */
export function useNotifications(files: { readonly [file: string]: string } = {}): () => TestNotifications {
  let current: TestNotifications;
  beforeEach(async () => {
    const email = fakeProvider(undefined, { name: 'smtp' });
    const sms = fakeProvider(undefined, { name: 'twilio' });
    const tidings = await testTidings({ email, sms }, new Map(Object.entries({ ...CATALOG, ...files })));
    const server = await testServer(tidings);
    const send: TestNotifications['send'] = (body = {}, headers = {}, query = '') =>
      server.post(
        `/api/v1/notifications${query}`,
        { type: 'ORDER', recipients: [{ user_id: 'u1' }], ...body },
        headers,
      );
    const get = (id: string) => server.get(`/api/v1/notifications/${id}`);
    current = {
      tidings,
      server,
      email,
      sms,
      send,
      get,
      async user(userId, traits) {
        const at = new Date(tidings.clock.now).toISOString();
        await tidings.ingest([{ user_id: userId, event_type: 'known', event_timestamp: at, user_traits: traits }]);
        tidings.clock.now += 1000;
      },
      cancel: (id) => server.post(`/api/v1/notifications/${id}/cancel`),
      reschedule: (id, scheduledAt, headers) =>
        server.post(`/api/v1/notifications/${id}/reschedule`, { scheduled_at: scheduledAt }, headers),
      async becomes(id, state) {
        await expect.poll(async () => (await get(id)).body.state, { timeout: 10_000 }).toBe(state);
      },
      async count(table) {
        const { rows } = await tidings.database.pool.query(
          `select count(*)::int as n from ${table} where tenant_id = $1`,
          [TENANT],
        );
        return rows[0].n;
      },
      async pass(ms, ...userIds) {
        tidings.clock.now += ms;
        if (userIds.length > 0) await tidings.fireDueWaits(userIds);
      },
    };
  });
  afterEach(async () => {
    await current.server.close();
    await current.tidings.close();
  });
  return () => current;
}
