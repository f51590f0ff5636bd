import { expect, test } from 'vitest';
import { eventAbout, useReceipts } from './support/receipts.ts';

/** Signed requests with anything in them: what can be read counts, and nothing is answered with 5xx. */

const start = useReceipts();
const HOSTILE = ['\u0000', 'a\u0000b', '\ud800', 'b\udc00c', '\u202e', '__proto__', 'x'.repeat(2000), '{{1}}', "';--"];

const FIELDS = [
  'sg_event_id',
  'event',
  'reason',
  'type',
  'status',
  'bounce_classification',
  'response',
  'sg_message_id',
];

test('whatever stands in a field, the others of its request are recorded', async () => {
  const { tidings, send, sendgrid } = await start();
  for (const field of FIELDS) {
    const id = await send('mail', 'sent', `user of ${field}`.replaceAll(' ', '-'));
    const events = HOSTILE.map((text) => ({ ...eventAbout(id, 'bounce'), [field]: text }));
    const nested = [null, 0, true, [], {}, [[['a']]], { a: { b: 1 } }].map((value) => ({
      ...eventAbout(id, 'dropped'),
      [field]: value,
    }));
    const answer = await sendgrid([...events, ...nested, eventAbout(id, 'spamreport')]);
    expect([field, answer.status]).toEqual([field, 204]);
    expect([field, await tidings.delivery(id)]).toMatchObject([field, { receipt_state: 'complained' }]);
  }
});

test('a reference that is anything else is no delivery, and does not hold up the others', async () => {
  const { tidings, send, sendgrid } = await start();
  for (const text of HOSTILE) {
    const id = await send('mail');
    const events = [
      { ...eventAbout(id, 'delivered'), tidings_key: text },
      { ...eventAbout('01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e.email', 'delivered'), tidings_tenant: text },
      eventAbout(id, 'delivered'),
    ];
    expect([text, (await sendgrid(events)).status]).toEqual([text, 204]);
    expect([text, await tidings.delivery(id)]).toMatchObject([text, { receipt_state: 'delivered' }]);
  }
});

const TIMES = [0, -1, 1e15, 1e300, -1e300, '', 'yesterday', null, [], 4_000_000_000];

test('no time is a reason to reject a receipt: it is not later than now', async () => {
  const { tidings, send, sendgrid } = await start();
  for (const [place, timestamp] of TIMES.entries()) {
    const id = await send('mail');
    const events = [eventAbout(id, 'delivered', { timestamp }), eventAbout('x', 'open', { timestamp })];
    expect([timestamp, (await sendgrid(events)).status]).toEqual([timestamp, 204]);
    const { rows } = await tidings.database.pool.query('select at from receipts');
    expect(rows).toHaveLength(place + 1);
    for (const { at } of rows) expect(at).toBeLessThanOrEqual(tidings.clock.now);
  }
});

test('a callback of Twilio with anything in its fields is answered, and never with 5xx', async () => {
  const { send, twilio } = await start();
  await send('text');
  for (const text of HOSTILE) {
    const callbacks = [
      { MessageSid: text, MessageStatus: 'delivered' },
      { MessageSid: 'SM1', MessageStatus: text, ErrorCode: text },
      { MessageSid: text, From: '+15550100', To: text, Body: 'STOP' },
      { From: text, Body: text, OptOutType: text },
    ] as { [field: string]: string }[];
    const answers = await Promise.all(callbacks.map((fields) => twilio(fields)));
    for (const { status } of answers) expect(status).toBeLessThan(300);
  }
});
