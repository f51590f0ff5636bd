import { expect, test } from 'vitest';
import type { SendOutcome } from '../src/model/delivery.ts';
import { ReceiptChecker } from '../src/receipts/receipt-checker.ts';
import { eventAbout, type ReceiptTidings, useReceipts } from './support/receipts.ts';
import { silent } from './support/tidings.ts';

/** Receipts of a message in doubt whose delivery has gone on meanwhile: it failed, was ended late, or is being sent again. */

const start = useReceipts();
const NO_ANSWER: SendOutcome = { kind: 'in_doubt', reason: 'no answer' };
const WRONG: SendOutcome = { kind: 'misconfigured', reason: 'the key is wrong' };
const SID = `SM${'7'.repeat(32)}`;

/** A provider that answers in this order, the last answer again and again. */
function inOrder(...answers: readonly (SendOutcome | Promise<SendOutcome>)[]) {
  let calls = 0;
  return () => answers[Math.min(calls++, answers.length - 1)]!;
}

async function doubt({ tidings, send }: ReceiptTidings): Promise<string> {
  const id = await send('text', 'queued');
  await tidings.becomes(id, 'queued', 1);
  return id;
}

const deadOf = async ({ tidings }: ReceiptTidings) =>
  (await tidings.database.pool.query('select from deliveries where dead_letter is not null')).rowCount;

test('a later attempt was rejected, and the first one arrived: the delivery is sent, and no dead letter', async () => {
  const all = await start({ sms: inOrder(NO_ANSWER, { kind: 'rejected', reason: 'seen before' }) });
  const { tidings, twilio } = all;
  const id = await doubt(all);
  tidings.clock.now += 3_600_000;
  await tidings.becomes(id, 'dead', 2);
  expect(await deadOf(all)).toBe(1);
  await twilio({ MessageSid: SID, MessageStatus: 'delivered' }, `?delivery=${id}`);
  expect(await tidings.delivery(id)).toMatchObject({ status: 'sent', reason_code: null, receipt_state: 'delivered' });
  expect(await deadOf(all)).toBe(0);
  expect(await tidings.attempts(id)).toMatchObject([{ outcome: 'sent' }, { outcome: 'rejected' }]);
});

test('its account failed until its time was over, and it had arrived before: it is sent, and no dead letter', async () => {
  const all = await start({ sms: inOrder(NO_ANSWER, WRONG) });
  const { tidings, twilio } = all;
  const id = await doubt(all);
  const look = async () => {
    tidings.clock.now += 7_200_000;
    return (await tidings.delivery(id))?.status;
  };
  await expect.poll(look, { timeout: 20_000, interval: 200 }).toBe('dead');
  await twilio({ MessageSid: SID, MessageStatus: 'delivered' }, `?delivery=${id}`);
  expect(await tidings.delivery(id)).toMatchObject({ status: 'sent', receipt_state: 'delivered' });
  expect(await deadOf(all)).toBe(0);
}, 30_000);

test('a failed message whose report says that it failed stays a dead letter, with its reason', async () => {
  const all = await start({ sms: inOrder(NO_ANSWER, { kind: 'rejected', reason: 'seen before' }) });
  const { tidings, twilio } = all;
  const id = await doubt(all);
  tidings.clock.now += 3_600_000;
  await tidings.becomes(id, 'dead', 2);
  await twilio({ MessageSid: SID, MessageStatus: 'failed', ErrorCode: '30003' }, `?delivery=${id}`);
  expect(await tidings.delivery(id)).toMatchObject({
    status: 'dead',
    reason_code: 'rejected',
    receipt_state: expect.stringMatching(/^(failed|bounced)$/),
  });
});

test('a receipt that comes while a message in doubt is sent again ends the doubt after that: there is no third attempt', async () => {
  let answer = (_: SendOutcome) => {};
  const second = new Promise<SendOutcome>((resolve) => {
    answer = resolve;
  });
  const all = await start({ sms: inOrder(NO_ANSWER, second, { kind: 'sent', providerMessageId: 'third' }) });
  const { tidings, twilio, sms, sendgrid, send } = all;
  const id = await doubt(all);
  tidings.clock.now += 60_000;
  await expect.poll(() => sms.calls.length).toBe(2);
  await twilio({ MessageSid: SID, MessageStatus: 'delivered' }, `?delivery=${id}`);
  answer({ kind: 'retry', reason: 'overloaded' });
  await tidings.becomes(id, 'queued', 2);
  const { catalogs, seal, database, clock } = tidings;
  const checker = new ReceiptChecker({
    pool: database.pool,
    catalogs,
    seal,
    clock: () => clock.now + 10_000,
    log: silent,
    findAccount: async () => undefined,
  });
  await checker.check();
  expect(await tidings.delivery(id)).toMatchObject({ status: 'sent', receipt_state: 'delivered' });
  tidings.clock.now += 3_600_000;
  const mail = await send('mail');
  await sendgrid([eventAbout(mail, 'delivered')]);
  expect(sms.calls).toHaveLength(2);
});
