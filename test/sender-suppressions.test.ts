import { expect, test } from 'vitest';
import { useReceipts } from './support/receipts.ts';

/** Scope sender:SENDER: STOP to one of our numbers stops what that number sends. */

const start = useReceipts();
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
  const service = `MG${'0'.repeat(32)}`;
  const { send, twilio } = await start({ sender: service });
  await send('text');
  await twilio({ ...FROM_READER, MessageSid: 'SM1', Body: 'STOP', To: '+15550111', MessagingServiceSid: service });
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
