import { expect, test } from 'vitest';
import { ReceiptChecker } from '../src/receipts/receipt-checker.ts';
import { eventAbout, type ReceiptTidings, useReceipts } from './support/receipts.ts';
import { silent } from './support/tidings.ts';

/** Receipts that come before the attempt that they are about is settled. */

const start = useReceipts();

function checkerOf({ tidings }: ReceiptTidings): ReceiptChecker {
  const { catalogs, seal, database, clock } = tidings;
  const findAccount = async () => undefined;
  return new ReceiptChecker({ pool: database.pool, catalogs, seal, clock: () => clock.now, log: silent, findAccount });
}

async function countHeld({ tidings }: ReceiptTidings): Promise<number> {
  const { rows } = await tidings.database.pool.query('select count(*) as count from held_receipts');
  return rows[0]?.count;
}

/** Takes the record of the sent messages away, as if their settlement were still to come; returns how to bring it back. */
async function unsettle({ tidings }: ReceiptTidings): Promise<() => Promise<unknown>> {
  const { pool } = tidings.database;
  await pool.query('create table kept_messages as select * from provider_messages');
  await pool.query('create table kept_deliveries as select * from deliveries');
  await pool.query(`delete from provider_messages;
    update deliveries set status = 'sending', finished_at = null, started_at = null, duration_ms = null, provider = null`);
  return () =>
    pool.query(`insert into provider_messages select * from kept_messages; drop table kept_messages;
      update deliveries as d set status = k.status, finished_at = k.finished_at, started_at = k.started_at,
        duration_ms = k.duration_ms, provider = k.provider
      from kept_deliveries as k where k.notification_id = d.notification_id; drop table kept_deliveries`);
}

test('a receipt that comes long before its attempt is settled is recorded when it is', async () => {
  const all = await start();
  const { tidings, send, sendgrid } = all;
  const id = await send('mail');
  const settle = await unsettle(all);
  expect((await sendgrid([eventAbout(id, 'bounce', { status: '5.1.1', type: 'bounce' })])).status).toBe(204);
  const checker = checkerOf(all);
  tidings.clock.now += 60_000;
  await checker.check();
  expect(await tidings.delivery(id)).toMatchObject({ receipt_state: null });
  await settle();
  tidings.clock.now += 60_000;
  await checker.check();
  expect(await tidings.delivery(id)).toMatchObject({ receipt_state: 'bounced' });
  expect(await all.suppressions()).toMatchObject([{ reason: 'hard_bounce' }]);
  expect(await countHeld(all)).toBe(0);
});

test('a receipt whose message does not become known is dropped after a day, and not before', async () => {
  const all = await start();
  const { tidings, sendgrid } = all;
  await sendgrid([eventAbout('01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e.email', 'bounce')]);
  const checker = checkerOf(all);
  tidings.clock.now += 23 * 3_600_000;
  await checker.check();
  expect(await countHeld(all)).toBe(1);
  tidings.clock.now += 2 * 3_600_000;
  await checker.check();
  expect(await countHeld(all)).toBe(0);
});

test('one account holds at most 10,000 receipts: a request with more is answered 503, for the provider to repeat it', async () => {
  const all = await start();
  const { tidings, sendgrid } = all;
  await tidings.database.pool.query(
    `insert into held_receipts (provider, message_key, receipt, held_at, due_at)
     select 'sendgrid', 'key ' || n, '{}', now(), 'infinity' from generate_series(1, 9999) as n`,
  );
  const [one, two] = ['01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e.email', '01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9f.email'];
  const events = [eventAbout(one, 'bounce'), eventAbout(two, 'bounce')];
  const answer = await sendgrid(events);
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toBe('60');
  expect(await countHeld(all)).toBe(10_000);
  await tidings.database.pool.query(`delete from held_receipts where message_key = 'key 1'`);
  expect((await sendgrid(events)).status).toBe(204);
  expect(await countHeld(all)).toBe(10_000);
});

test('a receipt that is held twice is recorded once', async () => {
  const all = await start();
  const { tidings, send, sendgrid } = all;
  const id = await send('mail');
  const settle = await unsettle(all);
  const event = eventAbout(id, 'delivered');
  await sendgrid([event]);
  await sendgrid([event]);
  await settle();
  tidings.clock.now += 60_000;
  await Promise.all([checkerOf(all).check(), checkerOf(all).check()]);
  expect((await tidings.database.pool.query('select from receipts')).rowCount).toBe(1);
  expect(await countHeld(all)).toBe(0);
});
