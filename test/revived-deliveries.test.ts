import { expect, test } from 'vitest';
import { type DeliveryTidings, eventOf, useDeliveries } from './support/deliveries.ts';
import { testServer } from './support/http.ts';
import { fakeProvider } from './support/providers.ts';
import { missingOf } from './support/settlements.ts';

const start = useDeliveries();
const HOUR = 3_600_000;

test('an address that becomes known within the retry time revives what was undeliverable for want of it, and says so', async () => {
  const email = fakeProvider();
  const tidings = await start({ email, sms: fakeProvider() });
  const mail = await undeliverable(tidings, 'mail');
  const text = await undeliverable(tidings, 'text');
  await tidings.stopWorkers();
  await learn(tidings, { email: 'late@example.com' });
  expect(await tidings.delivery(mail)).toMatchObject({
    status: 'queued',
    reason_code: 'address_known',
    reason: 'Queued again: an email address became known.',
    finished_at: null,
  });
  expect((await tidings.delivery(text))?.status).toBe('undeliverable');
  await tidings.worker();
  await tidings.becomes(mail, 'sent', 2);
  expect(email.calls.map(({ target }) => target)).toEqual([{ kind: 'email', address: 'late@example.com' }]);
  const [first] = await tidings.attempts(mail);
  expect(first?.reason).toMatch(/; an email address became known on 2025-11-20 12:00:00 UTC, so it was queued again$/);
  const server = await testServer(tidings);
  const { paragraph } = (await server.get('/api/v1/explain/u1/MAIL')).body;
  await server.close();
  expect(paragraph).toContain('An earlier attempt was undeliverable: No email address is known for this user');
  expect(paragraph).toContain('an email address became known on 2025-11-20 12:00:00 UTC, so it was queued again.');
});

test('a phone number revives text messages only', async () => {
  const tidings = await start({ email: fakeProvider(), sms: fakeProvider() });
  const mail = await undeliverable(tidings, 'mail');
  const text = await undeliverable(tidings, 'text');
  await learn(tidings, { phone: '+4915112345678' });
  await tidings.becomes(text, 'sent', 2);
  expect((await tidings.delivery(mail))?.status).toBe('undeliverable');
});

test('after its retry time a delivery is revived by command only', async () => {
  const tidings = await start({ email: fakeProvider() });
  const mail = await undeliverable(tidings, 'mail');
  tidings.clock.now += HOUR + 1;
  await learn(tidings, { email: 'late@example.com' });
  expect((await tidings.delivery(mail))?.status).toBe('undeliverable');
  expect(await tidings.retry(mail)).toBe(true);
  await tidings.becomes(mail, 'sent', 2);
});

test.each(['dead', 'dropped', 'cancelled', 'in_doubt'] as const)(
  'what is %s stays so when an address becomes known',
  async (status) => {
    const tidings = await start({});
    const mail = await tidings.post('mail', { traits: {} });
    await tidings.force(status);
    await learn(tidings, { email: 'late@example.com' });
    expect((await tidings.delivery(mail))?.status).toBe(status);
  },
);

test('what is undeliverable for another reason stays so', async () => {
  const tidings = await start({});
  const mail = await tidings.post('mail', { traits: {} });
  await tidings.force('undeliverable');
  await tidings.pool.query(`update deliveries set reason_code = 'missing_phone'`);
  await learn(tidings, { email: 'late@example.com' });
  expect((await tidings.delivery(mail))?.status).toBe('undeliverable');
});

test('another address instead of a known one revives nothing', async () => {
  const tidings = await start({});
  const mail = await tidings.post('mail');
  await tidings.force('undeliverable');
  await tidings.pool.query(`update deliveries set reason_code = 'missing_email'`);
  await learn(tidings, { email: 'other@example.com' });
  expect((await tidings.delivery(mail))?.status).toBe('undeliverable');
});

test('a delivery is revived once: an address that comes and goes does not send it round', async () => {
  const tidings = await start({ email: fakeProvider() });
  const mail = await undeliverable(tidings, 'mail');
  await tidings.stopWorkers();
  await learn(tidings, { email: 'late@example.com' });
  await learn(tidings, { email: null });
  await tidings.worker();
  await tidings.becomes(mail, 'undeliverable', 2);
  await learn(tidings, { email: 'late@example.com' });
  await tidings.stopWorkers();
  expect(await tidings.delivery(mail)).toMatchObject({ status: 'undeliverable', attempts_made: 2 });
});

test('an address that becomes known while an attempt without it is under way queues the delivery at its end', async () => {
  const tidings = await start({});
  const mail = await tidings.post('mail', { traits: {} });
  const claimed = await tidings.claim('worker');
  await learn(tidings, { email: 'late@example.com' });
  expect(await tidings.delivery(mail)).toMatchObject({ status: 'sending', reason_code: 'address_added' });
  const settlement = missingOf(claimed, 'missing_email');
  await tidings.settle('worker', [settlement]);
  expect(await tidings.delivery(mail)).toMatchObject({
    status: 'queued',
    reason_code: 'address_known',
    finished_at: null,
  });
  // The answer was lost, and the settlement is written again.
  await tidings.settle('worker', [settlement]);
  expect((await tidings.delivery(mail))?.status).toBe('queued');
  expect((await tidings.claim('worker')).address).not.toBeNull();
});

test('a claim that is under way when the address is stored is waited for, and its delivery is queued at its end', async () => {
  const tidings = await start({});
  const mail = await tidings.post('mail', { traits: {} });
  const connection = await tidings.pool.connect();
  await connection.query('begin');
  await connection.query(
    `update deliveries set status = 'sending', worker = 'worker', fence = fence + 1, attempts = 1, claimed_at = now()`,
  );
  const learning = learn(tidings, { email: 'late@example.com' });
  await expect.poll(() => countRowLockWaits(tidings)).toBe(1);
  await connection.query('commit');
  connection.release();
  await learning;
  expect(await tidings.delivery(mail)).toMatchObject({ status: 'sending', reason_code: 'address_added' });
});

test('the last 200 notifications of a user are revived, in one statement', async () => {
  const tidings = await start({});
  const events = Array.from({ length: 230 }, () => eventOf('mail', { traits: {} }));
  await tidings.ingest(events);
  await tidings.force('undeliverable');
  await tidings.pool.query(`update deliveries set reason_code = 'missing_email'`);
  await learn(tidings, { email: 'late@example.com' });
  expect([await tidings.countDeliveries('queued'), await tidings.countDeliveries('undeliverable')]).toEqual([200, 30]);
});

let learned = 0;

async function learn(tidings: DeliveryTidings, traits: { readonly [trait: string]: unknown }): Promise<void> {
  const time = new Date(tidings.clock.now + ++learned).toISOString();
  await tidings.ingest([{ ...eventOf('profile_changed', { traits }), event_timestamp: time }]);
}

async function countRowLockWaits({ pool }: DeliveryTidings): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(
    `select count(*) as n from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock' and wait_event in ('transactionid', 'tuple')`,
  );
  return rows[0]?.n ?? 0;
}

async function undeliverable(tidings: DeliveryTidings, type: 'mail' | 'text'): Promise<string> {
  const id = await tidings.post(type, { traits: {} });
  await tidings.worker();
  await tidings.becomes(id, 'undeliverable');
  return id;
}
