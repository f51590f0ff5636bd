import { expect, test } from 'vitest';
import { eventOf } from './support/deliveries.ts';
import { eventAbout, type ReceiptTidings, useReceipts } from './support/receipts.ts';

/** Receipts of messages whose provider gave no answer: they are found by the reference that went out with the message. */

const start = useReceipts();
const NO_ANSWER = () => ({ kind: 'in_doubt', reason: 'no answer' }) as const;

/** Sends a message that the provider does not answer; returns the id of its delivery once it is in doubt. */
async function doubt({ tidings, send }: ReceiptTidings, event: 'text' | 'mail'): Promise<string> {
  const id = await send(event, 'queued');
  await tidings.becomes(id, 'queued', 1);
  return id;
}

const SID = `SM${'7'.repeat(32)}`;

test('a status callback names its delivery: one in doubt is sent, and is not sent again', async () => {
  const all = await start({ sms: NO_ANSWER });
  const { tidings, send, sms, twilio } = all;
  const id = await doubt(all, 'text');
  const callback = { MessageSid: SID, MessageStatus: 'sent' };
  expect((await twilio(callback, `?delivery=${id}`)).status).toBe(204);
  expect(await tidings.delivery(id)).toMatchObject({
    status: 'sent',
    reason_code: null,
    receipt_state: null,
    provider_message_id: SID,
  });
  expect(await tidings.attempts(id)).toMatchObject([{ outcome: 'sent', reason: expect.stringContaining('in doubt') }]);
  tidings.clock.now += 3_600_000;
  await send('mail');
  expect(sms.calls).toHaveLength(1);
  // From now on its own id is known.
  await twilio({ MessageSid: SID, MessageStatus: 'delivered' });
  expect(await tidings.delivery(id)).toMatchObject({ receipt_state: 'delivered' });
});

test('a delivery that was sent stays as it is, whatever reference a callback has', async () => {
  const { tidings, send, twilio } = await start();
  const [id, other] = [await send('text'), await send('text')];
  const sid = (await tidings.delivery(id))?.provider_message_id as string;
  await twilio({ MessageSid: sid, MessageStatus: 'delivered' }, `?delivery=${other}`);
  expect(await tidings.delivery(id)).toMatchObject({ receipt_state: 'delivered' });
  expect(await tidings.delivery(other)).toMatchObject({ receipt_state: null });
});

test.each(['garbage', '', '01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e.sms', 'a%20b', `x`.repeat(5000)])(
  'a callback with the reference %j of no delivery is held, and nothing is changed',
  async (reference) => {
    const all = await start({ sms: NO_ANSWER });
    const { tidings, twilio } = all;
    const id = await doubt(all, 'text');
    expect((await twilio({ MessageSid: SID, MessageStatus: 'sent' }, `?delivery=${reference}`)).status).toBe(204);
    expect(await tidings.delivery(id)).toMatchObject({ status: 'queued' });
    expect((await tidings.database.pool.query('select from held_receipts')).rowCount).toBe(1);
  },
);

test('a report that only says what Tidings does not know leaves the doubt', async () => {
  const all = await start({ sms: NO_ANSWER });
  const { tidings, twilio } = all;
  const id = await doubt(all, 'text');
  await twilio({ MessageSid: SID, MessageStatus: 'tomorrow' }, `?delivery=${id}`);
  expect(await tidings.delivery(id)).toMatchObject({ status: 'queued' });
});

test('a bounce of a message in doubt suppresses no address that came in the place of its own', async () => {
  const all = await start({ sms: NO_ANSWER });
  const { tidings, twilio, suppressions } = all;
  const first = await doubt(all, 'text');
  const gone = { MessageStatus: 'undelivered', ErrorCode: '30006' };
  tidings.clock.now += 60_000;
  const moved = eventOf('mail', { user: 'u1', traits: { phone: '+15550177', email: 'u1@example.com' } });
  await tidings.ingest([{ ...moved, event_timestamp: '2025-11-20T12:00:30Z' }]);
  await twilio({ MessageSid: SID, ...gone }, `?delivery=${first}`);
  expect(await tidings.delivery(first)).toMatchObject({ status: 'sent', receipt_state: 'bounced' });
  expect(await suppressions()).toEqual([]);
});

test('a bounce of a message in doubt suppresses the address that it went to', async () => {
  const all = await start({ sms: NO_ANSWER });
  const { twilio, suppressions } = all;
  const id = await doubt(all, 'text');
  await twilio({ MessageSid: SID, MessageStatus: 'undelivered', ErrorCode: '30006' }, `?delivery=${id}`);
  expect(await suppressions()).toMatchObject([{ channel: 'sms', scope: 'all', reason: 'hard_bounce' }]);
});

test('mail in doubt that is reported is sent', async () => {
  const all = await start({ email: NO_ANSWER });
  const { tidings, sendgrid } = all;
  const id = await doubt(all, 'mail');
  await sendgrid([eventAbout(id, 'bounce', { status: '5.1.1', type: 'bounce' })]);
  expect(await tidings.delivery(id)).toMatchObject({ status: 'sent', receipt_state: 'bounced' });
});
