import { expect, test } from 'vitest';
import { eventAbout, useReceipts } from './support/receipts.ts';

/** Signed requests with anything in them: what can be read counts, and nothing is answered with 5xx. */

const start = useReceipts();
const HOSTILE = ['\u0000', 'a\u0000b', '\ud800', 'b\udc00c', '\u202e', '__proto__', 'x'.repeat(2000), '{{1}}', "';--"];

test.each(['sg_event_id', 'event', 'reason', 'type', 'status', 'bounce_classification', 'response', 'sg_message_id'])(
  'whatever stands in %s, the others of its request are recorded',
  async (field) => {
    const { tidings, send, sendgrid } = await start();
    const id = await send('mail');
    const events = HOSTILE.map((text) => ({ ...eventAbout(id, 'bounce'), [field]: text }));
    const nested = [null, 0, true, [], {}, [[['a']]], { a: { b: 1 } }].map((value) => ({
      ...eventAbout(id, 'dropped'),
      [field]: value,
    }));
    const answer = await sendgrid([...events, ...nested, eventAbout(id, 'spamreport')]);
    expect(answer.status).toBe(204);
    expect(await tidings.delivery(id)).toMatchObject({ receipt_state: 'complained' });
  },
);

test.each(HOSTILE)('a reference %j is no delivery, and does not hold up the others', async (text) => {
  const { tidings, send, sendgrid } = await start();
  const id = await send('mail');
  const events = [
    { ...eventAbout(id, 'delivered'), tidings_key: text },
    { ...eventAbout('01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e.email', 'delivered'), tidings_tenant: text },
    eventAbout(id, 'delivered'),
  ];
  expect((await sendgrid(events)).status).toBe(204);
  expect(await tidings.delivery(id)).toMatchObject({ receipt_state: 'delivered' });
});

test.each([0, -1, 1e15, 1e300, -1e300, '', 'yesterday', null, [], 4_000_000_000])(
  'a time %j is no reason to reject a receipt: it is not later than now',
  async (timestamp) => {
    const { tidings, send, sendgrid } = await start();
    const id = await send('mail');
    const events = [eventAbout(id, 'delivered', { timestamp }), eventAbout('x', 'open', { timestamp })];
    expect((await sendgrid(events)).status).toBe(204);
    const { rows } = await tidings.database.pool.query('select at from receipts');
    expect(rows).toHaveLength(1);
    expect(rows[0].at).toBeLessThanOrEqual(tidings.clock.now);
  },
);

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
