import { expect, test } from 'vitest';
import { eventAbout, useReceipts } from './support/receipts.ts';

/** Receipts of providers: over signed bytes, in any order, however often. */

const start = useReceipts();

test('a receipt over the bytes as signed moves the state of its delivery', async () => {
  const { tidings, send, sendgrid } = await start();
  const id = await send('mail');
  expect(await tidings.delivery(id)).toMatchObject({ receipt_state: null, receipt_flags: [] });
  expect((await sendgrid([eventAbout(id, 'delivered')])).status).toBe(204);
  expect(await tidings.delivery(id)).toMatchObject({ status: 'sent', receipt_state: 'delivered' });
});

test('a request whose signature does not match is rejected with 401, and changes nothing', async () => {
  const { tidings, send, sendgrid, server } = await start();
  const id = await send('mail');
  for (const signature of ['garbage', 'AAAA', '']) {
    const answer = await sendgrid([eventAbout(id, 'delivered')], {
      'x-twilio-email-event-webhook-signature': signature,
    });
    expect(answer).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
  }
  expect((await server.post('/api/v1/receipts/sendgrid', '{{{')).status).toBe(401);
  expect(await tidings.delivery(id)).toMatchObject({ receipt_state: null });
});

test('an account that gets no receipts is not found', async () => {
  const { server } = await start();
  for (const path of ['smtp', 'nobody', 'sendgrid/other', '__proto__'])
    expect((await server.post(`/api/v1/receipts/${path}`, '')).status).toBe(404);
});

test('any media type is accepted, up to 1 MiB', async () => {
  const { send, sendgrid } = await start();
  const id = await send('mail');
  const answer = await sendgrid([eventAbout(id, 'delivered')], { 'content-type': 'text/plain' });
  expect(answer.status).toBe(204);
  const large = await sendgrid([eventAbout(id, 'delivered', { padding: 'x'.repeat(1_100_000) })]);
  expect(large).toMatchObject({ status: 413, body: { code: 'payload_too_large' } });
});

test('an event that is not known is stored and accepted', async () => {
  const { tidings, send, sendgrid } = await start();
  const id = await send('mail');
  expect((await sendgrid([eventAbout(id, 'tomorrow')])).status).toBe(204);
  const { rows } = await tidings.database.pool.query('select kind, code from receipts');
  expect(rows).toEqual([{ kind: 'unknown', code: 'tomorrow' }]);
  expect(await tidings.delivery(id)).toMatchObject({ receipt_state: null });
});

test('receipts of messages that are not ours are accepted and ignored', async () => {
  const { tidings, sendgrid } = await start();
  const answer = await sendgrid([eventAbout('01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e.email', 'bounce')]);
  expect(answer.status).toBe(204);
  expect((await tidings.database.pool.query('select from receipts')).rowCount).toBe(0);
});

test('the same batch sent again, also at the same time, stores each receipt once', async () => {
  const { tidings, send, sendgrid } = await start();
  const id = await send('mail');
  const batch = [eventAbout(id, 'delivered'), eventAbout(id, 'open'), eventAbout(id, 'click')];
  const answers = await Promise.all([batch, batch, batch.toReversed(), batch].map((one) => sendgrid(one)));
  expect(answers.map(({ status }) => status)).toEqual([204, 204, 204, 204]);
  expect((await tidings.database.pool.query('select from receipts')).rowCount).toBe(3);
  expect(await tidings.delivery(id)).toMatchObject({
    receipt_state: 'delivered',
    receipt_flags: ['opened', 'clicked'],
  });
});

test('Twilio reports by the id of its message, and an answer that it reads is sent', async () => {
  const { tidings, send, twilio } = await start();
  const id = await send('text');
  const sid = (await tidings.delivery(id))?.provider_message_id as string;
  await twilio({ MessageSid: sid, MessageStatus: 'delivered' });
  expect(await tidings.delivery(id)).toMatchObject({ receipt_state: 'delivered' });
  await twilio({ MessageSid: sid, MessageStatus: 'undelivered', ErrorCode: '30008' });
  expect(await tidings.delivery(id)).toMatchObject({ receipt_state: 'partly_delivered' });
  const answer = await twilio({ MessageSid: 'SMin', From: '+15550199', Body: 'hello' });
  expect(answer.body).toBe('<Response></Response>');
});

test('a provider learns where to report', async () => {
  const { send, email } = await start();
  await send('mail');
  expect(email.calls[0]?.receiptUrl).toBe('https://tidings.example/api/v1/receipts/sendgrid');
});
