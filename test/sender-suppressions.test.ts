import { expect, test } from 'vitest';
import { useReceipts } from './support/receipts.ts';

/** Scope sender:SENDER: STOP to one of our numbers stops what that number sends. */

const start = useReceipts();
const SERVICE = `MG${'0'.repeat(32)}`;
const FROM_READER = { From: '+15550100', SmsStatus: 'received' };

test('STOP to a number suppresses that sender, START to it lifts that', async () => {
  const { tidings, send, twilio, suppressions } = await start({ sender: '+15550199' });
  await send('text');
  await twilio({ ...FROM_READER, MessageSid: 'SM1', Body: 'Stop', To: '+15550199' });
  expect(await suppressions()).toMatchObject([{ scope: 'sender:+15550199', reason: 'opted_out', until: null }]);
  const id = await send('text', 'dropped');
  const { rows } = await tidings.database.pool.query(
    'select count(*)::int as n from deliveries where dead_letter is not null',
  );
  expect(rows, 'what its reader does not want is no dead letter').toEqual([{ n: 0 }]);
  expect(await tidings.delivery(id)).toMatchObject({
    reason_code: 'suppressed',
    reason: expect.stringContaining('sender:+15550199'),
  });
  await twilio({ ...FROM_READER, MessageSid: 'SM2', Body: 'START', To: '+15550199' });
  expect(await suppressions()).toEqual([]);
  await send('text');
});

test('STOP to another number leaves this sender alone, and START to this one does not lift that', async () => {
  const { send, twilio, suppressions } = await start({ sender: '+15550199' });
  await send('text');
  await twilio({ ...FROM_READER, MessageSid: 'SM1', Body: 'STOP', To: '+15550111' });
  await send('text');
  await twilio({ ...FROM_READER, MessageSid: 'SM2', Body: 'START', To: '+15550199' });
  expect(await suppressions()).toMatchObject([{ scope: 'sender:+15550111' }]);
});

test('STOP to a number of a messaging service stops the service', async () => {
  const { send, twilio } = await start({ sender: SERVICE });
  await send('text');
  await twilio({ ...FROM_READER, MessageSid: 'SM1', Body: 'STOP', To: '+15550111', MessagingServiceSid: SERVICE });
  await send('text', 'dropped');
});

test('an account whose sender is not known sends nothing to a number that stopped any', async () => {
  const { send, twilio } = await start();
  await send('text');
  await twilio({ ...FROM_READER, MessageSid: 'SM1', Body: 'STOP', To: '+15550199' });
  await send('text', 'dropped');
});

test('a sender can be suppressed over the API', async () => {
  const { send, server } = await start({ sender: '+15550199' });
  const body = { channel: 'sms', address: '+15550100', scope: 'sender:+15550199' };
  expect((await server.post('/api/v1/suppressions', body)).status).toBe(201);
  await send('text', 'dropped');
  expect((await server.post('/api/v1/suppressions', { ...body, scope: 'sender:a b' })).status).toBe(400);
});

test('code 21610 in a status callback suppresses the sender of the message, and START to it lifts that', async () => {
  const { tidings, send, twilio, suppressions } = await start({ sender: '+15550199' });
  const sid = (await tidings.delivery(await send('text')))?.provider_message_id as string;
  const blocked = { MessageSid: sid, MessageStatus: 'undelivered', ErrorCode: '21610', To: '+15550100' };
  await twilio({ ...blocked, From: '+15550199' });
  expect(await suppressions()).toMatchObject([{ scope: 'sender:+15550199', reason: 'opted_out' }]);
  await send('text', 'dropped');
  await twilio({ ...FROM_READER, MessageSid: 'SM2', Body: 'START', To: '+15550199' });
  expect(await suppressions()).toEqual([]);
  await twilio({ ...blocked, MessageStatus: 'failed', From: '+15550111', MessagingServiceSid: SERVICE });
  expect((await suppressions()).map(({ scope }) => scope).toSorted()).toEqual([
    'sender:+15550111',
    `sender:${SERVICE}`,
  ]);
  await send('text');
});

test('code 21610 of a message whose sender is not known suppresses all', async () => {
  const { tidings, send, twilio, suppressions } = await start();
  const sid = (await tidings.delivery(await send('text')))?.provider_message_id as string;
  await twilio({ MessageSid: sid, MessageStatus: 'undelivered', ErrorCode: '21610', From: 'My Bank' });
  expect(await suppressions()).toMatchObject([{ scope: 'all', reason: 'opted_out' }]);
});

test('a sender is a scope of SMS alone: with an email address it is rejected, added or imported', async () => {
  const { server, suppressions } = await start();
  const wrong = { channel: 'email', address: 'maria@example.com', scope: 'sender:+15550199' };
  const one = await server.post('/api/v1/suppressions', wrong);
  expect(one).toMatchObject({ status: 400, body: { code: 'invalid_request', errors: [{ pointer: '/scope' }] } });
  expect(one.body.errors[0].message).toContain('write all, category:CATEGORY or type:NOTIFICATION_TYPE');
  const right = { channel: 'sms', address: '+15550100', scope: 'sender:+15550199' };
  const many = await server.post('/api/v1/suppressions/import', { suppressions: [right, wrong] });
  expect(many).toMatchObject({ status: 400, body: { errors: [{ pointer: '/suppressions/1/scope' }] } });
  expect(await suppressions()).toEqual([]);
});

test('STOP and START of a number to which no message is known count all the same, in every spelling of the number', async () => {
  const { send, twilio, suppressions } = await start({ sender: '+15550199' });
  await twilio({ ...FROM_READER, From: '+1 555 0100', MessageSid: 'SM1', Body: 'STOP', To: '+15550199' });
  expect(await suppressions()).toMatchObject([{ scope: 'sender:+15550199', reason: 'opted_out', channel: 'sms' }]);
  expect(JSON.stringify(await suppressions())).not.toContain('5550100');
  await send('text', 'dropped');
  await twilio({ ...FROM_READER, MessageSid: 'SM2', Body: 'hello', To: '+15550199' });
  expect(await suppressions()).toHaveLength(1);
  await twilio({ ...FROM_READER, MessageSid: 'SM3', Body: 'START', To: '+15550199' });
  expect(await suppressions()).toEqual([]);
  await send('text');
});
