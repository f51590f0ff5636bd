import { expect, test } from 'vitest';
import { eventAbout, useReceipts } from './support/receipts.ts';

/** Causes and ends of suppressions. */

const start = useReceipts();
const DEAD = { status: '5.1.1', reason: '550 5.1.1 unknown user', type: 'bounce' };

test('a hard bounce suppresses the address: the next message ends dropped, with the evidence', async () => {
  const { tidings, email, send, sendgrid, suppressions } = await start();
  const id = await send('mail');
  await sendgrid([eventAbout(id, 'bounce', DEAD)]);
  expect(await suppressions()).toMatchObject([
    {
      channel: 'email',
      address: expect.stringContaining('…'),
      scope: 'all',
      reason: 'hard_bounce',
      until: null,
      evidence: { source: 'receipt', delivery_id: id, provider: 'sendgrid', enhanced_code: '5.1.1' },
    },
  ]);
  const next = await send('code', 'dropped');
  expect(await tidings.delivery(next)).toMatchObject({
    reason_code: 'suppressed',
    reason: expect.stringMatching(
      /^The address is suppressed since 2025-.* UTC for all: hard_bounce\. Lift suppression /,
    ),
    attempts_made: 0,
  });
  expect(email.calls.length).toBe(1);
});

test('the address of another user, and another channel, still get messages', async () => {
  const { send, sendgrid } = await start();
  await sendgrid([eventAbout(await send('mail'), 'bounce', DEAD)]);
  await send('mail', 'sent', 'u2');
  await send('text');
});

test('a complaint suppresses the address at once', async () => {
  const { send, sendgrid, suppressions } = await start();
  await sendgrid([eventAbout(await send('promo'), 'spamreport')]);
  expect(await suppressions()).toMatchObject([{ scope: 'all', reason: 'complaint' }]);
  await send('promo', 'dropped');
});

test('an address that the provider calls dead as it is given the message is suppressed in the same transaction', async () => {
  const { send, suppressions } = await start({
    email: () => ({ kind: 'address_dead', as: 'invalid', code: '550', reason: 'no such user' }),
  });
  const id = await send('mail', 'dead');
  expect(await suppressions()).toMatchObject([
    { reason: 'hard_bounce', evidence: { source: 'attempt', delivery_id: id, attempt: 1, code: '550' } },
  ]);
  await send('mail', 'dropped');
});

test('an address whose owner opted out, as the provider knows, is suppressed for that reason', async () => {
  const { send, suppressions } = await start({
    email: () => ({ kind: 'address_dead', as: 'opted_out', code: '21610', reason: 'opted out' }),
  });
  await send('mail', 'dead');
  expect(await suppressions()).toMatchObject([{ reason: 'opted_out', scope: 'all', until: null }]);
});

test('STOP suppresses the number that it came from, and START lifts that', async () => {
  const { send, twilio, suppressions } = await start();
  const id = await send('text');
  await twilio({ MessageSid: 'SMstop', From: '+15550100', Body: ' stop ' });
  expect(await suppressions()).toMatchObject([
    { channel: 'sms', reason: 'opted_out', evidence: { delivery_id: id, detail: { keyword: 'stop' } } },
  ]);
  const suppressed = `${(await send('text', 'dropped')).split('.')[0]}.sms`;
  expect(suppressed).not.toBe(id);
  await twilio({ MessageSid: 'SMstart', From: '+15550100', Body: 'START' });
  expect(await suppressions()).toEqual([]);
  await send('text');
});

test('three soft bounces without a delivery between them suppress the address for 30 days', async () => {
  const { tidings, send, sendgrid, suppressions } = await start();
  const soft = { status: '4.2.2', reason: 'mailbox full', type: 'bounce' };
  const ids = [await send('mail'), await send('mail'), await send('mail')];
  await sendgrid([eventAbout(ids[0] as string, 'bounce', soft)]);
  await sendgrid([eventAbout(ids[1] as string, 'bounce', soft), eventAbout(ids[1] as string, 'bounce', soft)]);
  expect(await suppressions()).toEqual([]);
  await sendgrid([eventAbout(ids[2] as string, 'bounce', soft)]);
  const [one] = await suppressions();
  expect(one).toMatchObject({ reason: 'soft_bounces', scope: 'all', until: expect.any(String) });
  await send('mail', 'dropped');
  tidings.clock.now += 31 * 86_400_000;
  await send('mail');
});

test('a delivery between soft bounces begins the count anew', async () => {
  const { send, sendgrid, suppressions } = await start();
  const soft = { status: '4.2.2', type: 'bounce' };
  for (const event of ['bounce', 'bounce', 'delivered', 'bounce', 'bounce'])
    await sendgrid([eventAbout(await send('mail'), event, event === 'bounce' ? soft : {})]);
  expect(await suppressions()).toEqual([]);
});

test('a bounce for policy, or of one message, suppresses nothing', async () => {
  const { send, sendgrid, suppressions } = await start();
  await sendgrid([
    eventAbout(await send('mail'), 'bounce', { status: '5.7.1', type: 'bounce' }),
    eventAbout(await send('mail'), 'bounce', { status: '5.3.4', type: 'bounce' }),
  ]);
  expect(await suppressions()).toEqual([]);
});

test('who unsubscribes at the provider gets no more marketing, and still what the service needs', async () => {
  const { send, sendgrid, suppressions } = await start();
  await sendgrid([eventAbout(await send('promo'), 'unsubscribe')]);
  expect(await suppressions()).toMatchObject([{ scope: 'category:MARKETING', reason: 'unsubscribed' }]);
  await send('promo', 'dropped');
  await send('mail');
});

test('a receipt that comes again after its suppression was lifted does not suppress again', async () => {
  const { send, sendgrid, server, suppressions } = await start();
  const event = eventAbout(await send('mail'), 'bounce', DEAD);
  await sendgrid([event]);
  const [one] = await suppressions();
  const lifted = await server.post(`/api/v1/suppressions/${one?.suppression_id}/lift`, { note: 'the mailbox is back' });
  expect(lifted).toMatchObject({ status: 200, body: { reason: 'hard_bounce' } });
  await sendgrid([event]);
  expect(await suppressions()).toEqual([]);
  await send('mail');
});

test('a keyword of a number without a message that comes again changes nothing, whatever was written since', async () => {
  const { twilio, suppressions } = await start();
  const count = async (text: string, n: number) => {
    const MessageSid = `SM${String(n).padStart(32, '0')}`;
    await twilio({ MessageSid, SmsStatus: 'received', From: '+15550199', To: '+15550000', Body: text });
    return (await suppressions()).length;
  };
  const counts: number[] = [];
  for (const [text, n] of [
    ['STOP', 1],
    ['START', 2],
    ['STOP', 1],
    ['STOP', 3],
    ['START', 2],
    ['START', 4],
  ] as const)
    counts.push(await count(text, n));
  expect(counts).toEqual([1, 0, 0, 1, 1, 0]);
});

test('a keyword of a number with messages that comes again changes nothing, also after a newer message', async () => {
  const { tidings, send, twilio, suppressions } = await start();
  const write = async (text: string, n: number) => {
    await twilio({ MessageSid: `SM${String(n).padStart(32, '0')}`, From: '+15550100', To: '+15550000', Body: text });
    return (await suppressions()).length;
  };
  const sendLater = async () => {
    tidings.clock.now += 60_000;
    await send('text');
    tidings.clock.now += 60_000;
  };
  await sendLater();
  expect([await write('STOP', 101), await write('START', 102)]).toEqual([1, 0]);
  await sendLater();
  expect([await write('STOP', 101), await write('STOP', 103), await write('START', 102)]).toEqual([0, 1, 1]);
  expect(await write('START', 104)).toBe(0);
});

test('a STOP suppresses however many were stored of the same message', async () => {
  const { send, twilio, suppressions } = await start();
  await send('text');
  const write = (text: string, n: number) =>
    twilio({ MessageSid: `SM${String(n).padStart(32, '0')}`, From: '+15550100', To: '+15550000', Body: text });
  for (let n = 1000; n < 1200; n++) await write('STOP', n);
  await write('START', 1200);
  expect(await suppressions()).toEqual([]);
  await write('STOP', 1201);
  expect(await suppressions()).toMatchObject([{ reason: 'opted_out', scope: 'sender:+15550000' }]);
  await write('START', 1202);
  await write('STOP', 1201);
  expect(await suppressions()).toEqual([]);
});

test('who opted in again gets messages, in whatever order the provider reports it', async () => {
  const { send, sendgrid, suppressions } = await start();
  const id = await send('promo');
  const left = eventAbout(id, 'group_unsubscribe', { timestamp: 1_763_600_000 });
  const back = eventAbout(id, 'group_resubscribe', { timestamp: 1_763_600_100 });
  await sendgrid([back]);
  await sendgrid([left]);
  expect(await suppressions()).toEqual([]);
  await sendgrid([eventAbout(id, 'group_unsubscribe', { timestamp: 1_763_600_200 })]);
  expect(await suppressions()).toMatchObject([{ reason: 'unsubscribed' }]);
});

test.each([
  ['first', 1_763_600_000, 'group_unsubscribe', 'group_resubscribe'],
  ['last', 1_763_600_000, 'group_resubscribe', 'group_unsubscribe'],
])('who opts in to one category again stays away from another that they left (%s)', async (_, timestamp, ...order) => {
  const { send, sendgrid, suppressions } = await start();
  const [promo, news] = [await send('promo'), await send('news')];
  const events = {
    group_unsubscribe: eventAbout(promo, 'group_unsubscribe', { timestamp }),
    group_resubscribe: eventAbout(news, 'group_resubscribe', { timestamp: timestamp + 100 }),
  };
  for (const event of order) await sendgrid([events[event as keyof typeof events]]);
  expect(await suppressions()).toMatchObject([{ scope: 'category:MARKETING', reason: 'unsubscribed' }]);
});
