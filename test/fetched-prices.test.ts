import { expect, test } from 'vitest';
import type { Provider } from '../src/channels/provider.ts';
import { parseDeliveryId } from '../src/model/delivery-id.ts';
import { ReceiptChecker } from '../src/receipts/receipt-checker.ts';
import { loadNotifications } from '../src/store/deliveries/delivery-views.ts';
import { type ReceiptTidings, useReceipts } from './support/receipts.ts';
import { silent, TENANT } from './support/tidings.ts';

/** Prices that a provider knows some time after it has sent: asked for once, where the receipts do not bring them. */

const start = useReceipts();
const HOUR = 3_600_000;
const PRICE = { cost: { amount: 0.015, currency: 'USD' }, parts: 2 };
const PRICES = {
  'routes.yaml': 'prices: [{ provider: twilio, channel: sms, from: 2025-01-01, amount: 0.1, currency: EUR }]',
};

/** A checker whose account answers so when it is asked for prices; `asked` has the ids. */
function checkerOf(all: ReceiptTidings, fetchCost: NonNullable<Provider['fetchCost']>) {
  const { catalogs, seal, database, clock } = all.tidings;
  const asked: string[] = [];
  const account: Provider = {
    ...all.sms,
    poll: async () => null,
    fetchCost: async (id, signal) => {
      asked.push(id);
      return fetchCost(id, signal);
    },
  };
  const options = { pool: database.pool, catalogs, seal, clock: () => clock.now, log: silent };
  const checker = new ReceiptChecker({ ...options, findAccount: async () => account });
  return { asked, check: () => checker.check() };
}

/** Sends a text, and reports that it was delivered. */
async function deliver(all: ReceiptTidings): Promise<{ id: string; sid: string }> {
  const id = await all.send('text');
  const sid = (await all.tidings.delivery(id))?.provider_message_id as string;
  expect((await all.twilio({ MessageSid: sid, MessageStatus: 'delivered' })).status).toBe(204);
  return { id, sid };
}

async function load({ tidings }: ReceiptTidings, id: string) {
  const { notificationId } = parseDeliveryId(id)!;
  const [notification] = await loadNotifications(tidings.pool, TENANT, 'u1', [notificationId]);
  return notification!.deliveries[0]!;
}

test('the price replaces the computed cost, with its parts, an hour after the receipt; the provider is asked once', async () => {
  const all = await start({ files: PRICES });
  const { asked, check } = checkerOf(all, async () => PRICE);
  const { id, sid } = await deliver(all);
  expect(await load(all, id)).toMatchObject({ cost: { amount: 0.1, currency: 'EUR' } });
  await check();
  expect(asked).toEqual([]);
  all.tidings.clock.now += HOUR;
  await check();
  expect(asked).toEqual([sid]);
  const delivery = await load(all, id);
  expect(delivery).toMatchObject({ status: 'sent', receipt_state: 'delivered', cost: PRICE.cost });
  expect(delivery.attempts).toMatchObject([{ cost: PRICE.cost, parts: 2 }]);
  await all.twilio({ MessageSid: sid, MessageStatus: 'read' });
  all.tidings.clock.now += 30 * HOUR;
  await check();
  expect(asked).toEqual([sid]);
});

test('a price that is not known then, or an account that does not respond, leaves the computed cost', async () => {
  const all = await start({ files: PRICES });
  const answers = [async () => null, async () => Promise.reject(new Error('reset'))];
  for (const answer of answers) {
    const { asked, check } = checkerOf(all, answer);
    const { id } = await deliver(all);
    all.tidings.clock.now += HOUR;
    await check();
    await check();
    expect(asked.length).toBe(1);
    expect(await load(all, id)).toMatchObject({ cost: { amount: 0.1, currency: 'EUR' } });
  }
});

test('a message without a receipt is asked for its price as well', async () => {
  const all = await start({ files: PRICES });
  const { asked, check } = checkerOf(all, async () => PRICE);
  const id = await all.send('text');
  all.tidings.clock.now += 2 * HOUR;
  await check();
  expect(await load(all, id)).toMatchObject({ receipt_state: 'unconfirmed' });
  all.tidings.clock.now += HOUR;
  await check();
  expect(asked.length).toBe(1);
  expect(await load(all, id)).toMatchObject({ receipt_state: 'unconfirmed', cost: PRICE.cost });
});

test('a price that could not be asked for within a day is no longer asked for', async () => {
  const all = await start({ files: PRICES });
  const { asked, check } = checkerOf(all, async () => PRICE);
  await deliver(all);
  all.tidings.clock.now += 26 * HOUR;
  await check();
  all.tidings.clock.now += HOUR;
  await check();
  expect(asked).toEqual([]);
});

test('a check that was interrupted is made again', async () => {
  const all = await start({ files: PRICES });
  const { sid } = await deliver(all);
  all.tidings.clock.now += HOUR;
  // As a process does that dies before it asks.
  await all.tidings.pool.query(
    `update provider_messages set check_at = check_at + interval '20 min' where message_key = $1`,
    [sid],
  );
  const { asked, check } = checkerOf(all, async () => PRICE);
  await check();
  expect(asked).toEqual([]);
  all.tidings.clock.now += HOUR;
  await check();
  expect(asked).toEqual([sid]);
});
