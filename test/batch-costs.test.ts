import { expect, test } from 'vitest';
import { batchesOf } from './support/batches.ts';
import { useNotifications } from './support/notifications.ts';

/** The estimate of a batch says what it would cost, by channel and currency, or that it is unknown. */

const at = useNotifications({
  'routes.yaml': `prices:
  - { provider: twilio, channel: sms, from: 2025-01-01, amount: 0.05, currency: USD }
  - { provider: twilio, channel: sms, calling_code: "49", from: 2025-01-01, amount: 0.07, currency: EUR }
  - { provider: twilio, channel: sms, calling_code: "49", from: 2100-01-01, amount: 9, currency: EUR }`,
});

const costsOf = async (id: string) => (await at().server.get(`/api/v1/batches/${id}/estimate`)).body.costs;

test('text messages cost their segments by the price of their calling code, and an email without a price is unknown', async () => {
  const { user } = at();
  const { create, add } = batchesOf(at());
  await user('german', { phone: '+4915112345678', email: 'g@example.com' });
  await user('american', { phone: '+13055550123' });
  await user('silent', {});
  const id = await create({ type: 'ORDER', channels: ['email', 'sms'] });
  await add(id, [
    { user_id: 'german', variables: { order_id: 'x'.repeat(200) } },
    { user_id: 'american', variables: { order_id: '1' } },
    { user_id: 'silent', variables: { order_id: '1' } },
    { phone: '+4915100000000', variables: { order_id: '1' } },
  ]);
  expect(await costsOf(id)).toEqual([
    { channel: 'email', messages: 1, parts: null, basis: 'unknown', amount: null, currency: null },
    { channel: 'sms', messages: 2, parts: 3, basis: 'prices', amount: 0.21, currency: 'EUR' },
    { channel: 'sms', messages: 1, parts: 1, basis: 'prices', amount: 0.05, currency: 'USD' },
  ]);
});

test('without a price, what messages of the type cost lately counts', async () => {
  const { user, tidings, send, becomes } = at();
  const { create, add } = batchesOf(at());
  await user('u1', { email: 'maria@example.com' });
  const { body } = await send({ channels: ['email'] });
  await tidings.worker();
  await becomes(body.results[0].notification_id, 'sent');
  await tidings.database.pool.query(`update deliveries set cost = 0.002, currency = 'USD'`);
  const id = await create({ channels: ['email'] });
  await add(id, [{ user_id: 'u1' }, { email: 'new@example.com' }]);
  tidings.clock.now += 60_000;
  expect(await costsOf(id)).toEqual([
    { channel: 'email', messages: 2, parts: null, basis: 'history', amount: 0.004, currency: 'USD' },
  ]);
});

test('what a sample costs is scaled up to all recipients, and who gets no message costs nothing', async () => {
  const { user } = at();
  const { create, add } = batchesOf(at());
  await user('u1', { email: 'maria@example.com' });
  const id = await create({ channels: ['sms'] });
  await add(
    id,
    Array.from({ length: 1500 }, (_, n) => ({ phone: `+13055${String(n).padStart(6, '0')}` })),
  );
  const [cost] = await costsOf(id);
  expect(cost).toMatchObject({ channel: 'sms', messages: 1500, parts: 1500, basis: 'prices', currency: 'USD' });
  expect(cost.amount).toBeCloseTo(75, 5);
  const none = await create({ channels: ['sms'] });
  await add(none, [{ user_id: 'u1' }]);
  expect(await costsOf(none)).toEqual([]);
});
