import { expect } from 'vitest';
import { fakeProvider } from './providers.ts';
import { type TestEndpoint, type TestWebhooks, testWebhooks } from './webhooks.ts';

/** Endpoints of webhooks that subscribe to facts. */

const CATALOG = new Map([
  ['events.yaml', 'events: { signed_up: {}, promoted: {}, order.created: {}, order.paid: {}, posted: {} }'],
  [
    'notifications.yaml',
    `notifications:
  WELCOME: { category: TRANSACTIONAL, channels: [email] }
  PROMO: { category: MARKETING, variables: { postal_address: { default: 1 Main Street } }, channels: [email] }
  NEWS: { category: SYSTEM, channels: [webhook] }`,
  ],
  ['rules.yaml', 'rules: { WELCOME: { on: signed_up }, PROMO: { on: promoted }, NEWS: { on: posted } }'],
  ...['WELCOME', 'PROMO'].flatMap((type) => [
    [`templates/${type}/email.en.subject.txt`, 'Hello'] as const,
    [`templates/${type}/email.en.txt`, 'Hello'] as const,
  ]),
  ['templates/NEWS/webhook.en.txt', 'News'],
]);

export interface TestFacts extends TestWebhooks {
  /** Posts an event of a user with an address; returns the ids of the notifications that it sends. */
  post(type: string, more?: object): Promise<string[]>;
  /** Posts an event with these rules beside those of the catalog. */
  applyRules(rules: string): Promise<void>;
  /** Starts the workers of deliveries and timers. */
  startWorkers(): Promise<void>;
  /** Waits until an endpoint has received as many requests; returns their bodies, in order of their types. */
  // biome-ignore lint/suspicious/noExplicitAny: bodies of requests
  receive(endpoint: TestEndpoint, count: number): Promise<any[]>;
  /** Waits until no fact is on its way. */
  drain(): Promise<void>;
}

export async function testFacts(): Promise<TestFacts> {
  const hooks = await testWebhooks();
  const { tidings } = hooks;
  tidings.providers.set(
    'email',
    fakeProvider(({ notificationType }) =>
      notificationType === 'PROMO' ? { kind: 'rejected', reason: 'no', code: '550' } : { kind: 'sent' },
    ),
  );
  await tidings.apply(CATALOG);
  let events = 0;
  return {
    ...hooks,
    async post(type, more = {}) {
      const item = {
        event_id: `${type} ${events++}`,
        user_id: 'user 1',
        event_type: type,
        event_timestamp: new Date(tidings.clock.now).toISOString(),
        user_traits: { email: 'ana@example.com' },
        ...more,
      };
      const [result] = await tidings.ingest([item]);
      expect(result?.status).toBe('accepted');
      return (result?.decisions ?? []).flatMap(({ notification_id }) => notification_id ?? []);
    },
    async applyRules(rules) {
      await tidings.apply(
        new Map([...CATALOG, ['rules.yaml', `${CATALOG.get('rules.yaml')?.replace(/ }$/, '')}, ${rules} }`]]),
      );
    },
    async startWorkers() {
      await hooks.startWorker();
      await tidings.timers();
    },
    async receive({ standIn }, count) {
      await expect.poll(() => standIn.requests.length, { timeout: 15_000 }).toBe(count);
      return standIn.requests
        .map(({ body }) => JSON.parse(body))
        .sort((a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : 0));
    },
    async drain() {
      const count = async () =>
        (await tidings.database.pool.query('select from webhook_facts union all select from outbox_events')).rowCount;
      await expect.poll(count, { timeout: 15_000 }).toBe(0);
    },
  };
}
