import { afterEach, expect, test } from 'vitest';
import { parseDeliveryId } from '../src/model/delivery-id.ts';
import { recordReceipts } from '../src/receipts/record-receipts.ts';
import { type RoutedTidings, routedTidings } from './support/routes.ts';
import { silent } from './support/tidings.ts';

/** Costs that receipts say. */

const open: RoutedTidings[] = [];
afterEach(() => Promise.all(open.splice(0).map((one) => one.close())));

async function start(): Promise<{
  routed: RoutedTidings;
  user: string;
  record: (...receipts: object[]) => Promise<void>;
}> {
  const routed = await routedTidings({
    accounts: [{ name: 'twilio', account: 'main' }],
    routes: 'prices: [{ provider: twilio, channel: sms, from: 2025-01-01, amount: 0.1, currency: EUR }]',
  });
  open.push(routed);
  await routed.worker();
  const [user] = (await routed.post('text')) as [string];
  const sent = await routed.becomes(user, 'sent');
  expect(sent.cost).toEqual({ amount: 0.1, currency: 'EUR' });
  const { tidings } = routed;
  const options = {
    pool: tidings.database.pool,
    catalogs: tidings.catalogs,
    seal: tidings.seal,
    clock: () => tidings.clock.now,
    log: silent,
  };
  const message = {
    ...parseDeliveryId(sent.delivery_id)!,
    tenantId: 'default',
    provider: 'main',
    account: 'main',
    messageKey: 'key',
    addressHash: null,
  };
  const record = (...receipts: object[]) => recordReceipts(options, message as never, receipts as never);
  return { routed, user, record };
}

test('what a receipt says replaces the computed cost, and the latest one counts in any order of arrival', async () => {
  const { routed, user, record } = await start();
  const { now } = routed.tidings.clock;
  await record({ id: 'late', kind: 'delivered', at: now, cost: { amount: 0.015, currency: 'USD' } });
  await record({ id: 'early', kind: 'accepted', at: now - 500, cost: { amount: 0.0075, currency: 'USD' } });
  const { cost, attempts } = await routed.becomes(user, 'sent');
  expect(cost).toEqual({ amount: 0.015, currency: 'USD' });
  expect(attempts[0]?.cost).toEqual(cost);
});

test('a receipt without a cost, or with one that is no cost, changes nothing', async () => {
  const { routed, user, record } = await start();
  const { now } = routed.tidings.clock;
  await record({ id: 'none', kind: 'accepted', at: now });
  await record({ id: 'huge', kind: 'delivered', at: now, cost: { amount: 1e12, currency: 'USD' } });
  await record({ id: 'odd', kind: 'delivered', at: now, cost: { amount: 1, currency: 'dollars' } });
  expect((await routed.becomes(user, 'sent')).cost).toEqual({ amount: 0.1, currency: 'EUR' });
});
