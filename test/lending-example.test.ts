import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadExample } from './support/catalog.ts';
import { type TestServer, testServer } from './support/http.ts';
import { codeBlocks } from './support/markdown.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** The requests of docs/lending.md, in their order, with the example catalog `lending`. */

const CUSTOMER = '5f0c7a52-8d0e-4b60-9a53-0b8f6f1f2a11';
let tidings: TestTidings;
let server: TestServer;

beforeAll(async () => {
  tidings = await testTidings({});
  tidings.clock.now = Date.parse('2026-11-02T09:31:01Z');
  await tidings.apply(await loadExample('lending'));
  server = await testServer(tidings);
}, 180_000);

afterAll(async () => {
  await server?.close();
  await tidings?.close();
});

const post = (type: string, properties: object, traits: object = {}) =>
  server.post('/api/v1/events', {
    user_id: CUSTOMER,
    event_type: type,
    event_timestamp: new Date(tidings.clock.now).toISOString(),
    properties,
    user_traits: traits,
  });

test('devices, a product, a purchase and a switch, as the page has them', async () => {
  const page = await readFile(new URL('../docs/lending.md', import.meta.url), 'utf8');
  const requests = codeBlocks(page).filter(({ language }) => language === 'http');
  const answers: Awaited<ReturnType<TestServer['get']>>[] = [];
  for (const { text } of requests) {
    const [, method = '', path = ''] = /^(\w+) (\S+)/.exec(text) ?? [];
    const [, body] = text.split('\n\n');
    // The id of the toggle is that of the list.
    const toggle = answers.at(-1)?.body?.find?.((one: { category: string }) => one.category === 'CARD_HIGH_PURCHASE');
    const url = method === 'PATCH' ? path.replace(/[^/]+$/, toggle.id) : path;
    answers.push(await server.send(method, url, body === undefined ? undefined : JSON.parse(body)));
  }
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 202, 202, 200, 200]);
  const [listed, changed] = answers.slice(4).map(({ body }) => body);
  const listOf = (product: string) =>
    listed
      .filter((one: { product: string }) => one.product === product)
      .map((one: { category: string }) => one.category);
  expect(listOf('LOAN')).toEqual([]);
  expect(listOf('CREDIT').sort()).toEqual([
    'CARD_DECLINED',
    'CARD_HIGH_PURCHASE',
    'CARD_PAYMENT_REMINDER',
    'STATEMENT_READY',
  ]);
  expect(listOf('GENERIC')).toContain('PAYMENT_RECEIVED');
  expect(changed).toMatchObject({ category: 'CARD_HIGH_PURCHASE', selected_delivery_method: 'sms', enabled: true });
  const { devices } = (await server.get(`/api/v1/users/${CUSTOMER}/devices`)).body;
  expect(devices.map(({ platform }: { platform: string }) => platform).sort()).toEqual(['android', 'ios']);
  const [approved, purchase] = answers.slice(2, 4).map(({ body }) => body.results[0].decisions);
  expect(approved).toMatchObject([{ notification_type: 'ACCOUNT_APPROVED', outcome: 'send' }]);
  expect(purchase).toMatchObject([{ notification_type: 'CARD_HIGH_PURCHASE', outcome: 'send' }]);
  // At half past three in Chicago: the purchase does not wait for the morning, the approval does.
  const { deliveries } = (await server.get(`/api/v1/deliveries?limit=50`)).body;
  const held = deliveries.map((one: { notification_type: string; channel: string; hold_code: string | null }) => [
    one.notification_type,
    one.channel,
    one.hold_code,
  ]);
  expect(held.sort()).toEqual([
    ['ACCOUNT_APPROVED', 'email', 'quiet_hours'],
    ['ACCOUNT_APPROVED', 'push', 'quiet_hours'],
    ['CARD_HIGH_PURCHASE', 'push', null],
  ]);
});

test('the switch holds from then on, and the customer sees only those of their products as theirs', async () => {
  const second = await post('card_purchase', { purchase_id: '78', amount: 700, currency: 'USD' });
  expect(second.body.results[0].decisions).toMatchObject([{ outcome: 'send' }]);
  const { types } = (await server.get(`/api/v1/users/${CUSTOMER}/preferences`)).body;
  const cell = (type: string, channel: string) =>
    types.find((one: { type: string }) => one.type === type).channels[channel];
  expect([cell('CARD_HIGH_PURCHASE', 'sms').on, cell('CARD_HIGH_PURCHASE', 'push').on]).toEqual([true, false]);
  expect(cell('PAYMENT_REMINDER', 'push')).toMatchObject({ on: false, decided_by: { code: 'not_for_user' } });
  await post('payment_due', { payment_id: 'p1', product: 'LOAN', amount: 1, due_on: '2026-11-20', autopay: false });
  const both = await post('statement_ready', { statement_id: 's1' }, { products: ['LOAN', 'CREDIT'] });
  expect(both.body.results[0].decisions).toMatchObject([{ notification_type: 'STATEMENT_READY', outcome: 'send' }]);
});
