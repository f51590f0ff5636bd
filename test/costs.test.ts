import { afterEach, expect, test } from 'vitest';
import { summarizeCosts } from '../src/store/costs.ts';
import { type RoutedTidings, routedTidings } from './support/routes.ts';

/** Costs of messages, by the prices of the catalog and as providers say. */

const open: RoutedTidings[] = [];
afterEach(() => Promise.all(open.splice(0).map((one) => one.close())));

const PRICES = `prices:
  - { provider: twilio, channel: sms, from: 2025-01-01, amount: 0.1, currency: EUR }
  - { provider: twilio, channel: sms, calling_code: "351", from: 2025-01-01, amount: 0.03, currency: EUR }
  - { provider: twilio, channel: sms, calling_code: "351", from: 2025-11-20, amount: 0.05, currency: EUR }
  - { provider: twilio, channel: sms, calling_code: "351", from: 2030-01-01, amount: 9, currency: EUR }`;

async function start(routes?: string): Promise<RoutedTidings> {
  const routed = await routedTidings({
    accounts: [{ name: 'twilio', account: 'main' }],
    ...(routes === undefined ? {} : { routes }),
  });
  open.push(routed);
  await routed.worker();
  return routed;
}

async function sendText(routed: RoutedTidings, phone = '+351912345678') {
  const [user] = await routed.post('text', 1, { phone });
  return routed.becomes(user as string, 'sent');
}

test('a message costs what the price of its calling code was on its day, for each part', async () => {
  const routed = await start(PRICES);
  routed.answer('main', { kind: 'sent', parts: 3 });
  const delivery = await sendText(routed);
  expect(delivery).toMatchObject({ parts: 3, cost: { amount: 0.15, currency: 'EUR' } });
  expect(delivery.attempts[0]).toMatchObject({ parts: 3, cost: { amount: 0.15, currency: 'EUR' } });
});

test('a number of another calling code costs what any number does, and another channel nothing that is known', async () => {
  const routed = await start(PRICES);
  expect((await sendText(routed, '+4915112345678')).cost).toEqual({ amount: 0.1, currency: 'EUR' });
  const [user] = await routed.post('mail');
  expect((await routed.becomes(user as string, 'sent')).cost).toBeNull();
});

test('what the provider says comes before the prices', async () => {
  const routed = await start(PRICES);
  routed.answer('main', { kind: 'sent', cost: { amount: 0.042, currency: 'USD' } });
  expect((await sendText(routed)).cost).toEqual({ amount: 0.042, currency: 'USD' });
});

test('without prices the cost is not known', async () => {
  const routed = await start();
  expect((await sendText(routed)).cost).toBeNull();
});

test('costs are summed up by day, channel, provider and type, each currency apart', async () => {
  const routed = await start(PRICES);
  const { tidings } = routed;
  await sendText(routed);
  routed.answer('main', { kind: 'sent', cost: { amount: 0.5, currency: 'USD' } });
  await sendText(routed);
  const query = { tenantId: 'default', from: Date.parse('2025-11-20'), to: Date.parse('2025-11-21') };
  const { pool } = tidings.database;
  expect(await summarizeCosts(pool, { ...query, by: ['day', 'channel', 'provider', 'type'] })).toEqual([
    {
      day: '2025-11-20',
      channel: 'sms',
      provider: 'twilio',
      type: 'TEXT',
      currency: 'EUR',
      amount: 0.05,
      messages: 1,
      parts: 1,
    },
    {
      day: '2025-11-20',
      channel: 'sms',
      provider: 'twilio',
      type: 'TEXT',
      currency: 'USD',
      amount: 0.5,
      messages: 1,
      parts: 1,
    },
  ]);
  expect(await summarizeCosts(pool, { ...query, by: [] })).toHaveLength(2);
  expect(await summarizeCosts(pool, { ...query, tenantId: 'another', by: [] })).toEqual([]);
});
