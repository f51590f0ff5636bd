import { expect, test } from 'vitest';
import { eventOf } from './support/deliveries.ts';
import { type ReceiptTidings, useReceipts } from './support/receipts.ts';

/** Two spellings of one mailbox or number are one address; two mailboxes are two. */

const start = useReceipts();
const PATH = '/api/v1/suppressions';

/** Posts an event that sends to this address; resolves once the delivery has the status. */
async function sendTo({ tidings }: ReceiptTidings, event: 'mail' | 'text', traits: object, status: 'sent' | 'dropped') {
  const [result] = await tidings.ingest([eventOf(event, { user: 'maria', traits: { ...traits } })]);
  await tidings.becomes(`${result?.decisions[0]?.notification_id}.${event === 'text' ? 'sms' : 'email'}`, status);
}

test.each([
  ['maria@example.com', 'Maria@Example.COM'],
  ['MARIA@EXAMPLE.COM', ' maria@example.com '],
  ['maria@xn--bcher-kva.example', 'maria@Bücher.example'],
  ['maria@bücher.example.', 'MARIA@xn--bcher-kva.example'],
])('email: %s is suppressed, so %s is', async (suppressed, address) => {
  const all = await start();
  expect((await all.server.post(PATH, { channel: 'email', address: suppressed })).status).toBe(201);
  await sendTo(all, 'mail', { email: address }, 'dropped');
});

test.each([
  ['+351912345678', '+351 912-345-678'],
  ['00351912345678', '+351912345678'],
  ['+1 (555) 010.0100', '+15550100100'],
])('phone: %s is suppressed, so %s is', async (suppressed, address) => {
  const all = await start();
  expect((await all.server.post(PATH, { channel: 'sms', address: suppressed })).status).toBe(201);
  await sendTo(all, 'text', { phone: address }, 'dropped');
});

test.each([
  ['maria@example.com', 'mar.ia@example.com'],
  ['maria@example.com', 'maria+news@example.com'],
  ['maria@example.com', 'maria@mail.example.com'],
])('email: dots, plus signs and domains tell mailboxes apart: %s, %s', async (suppressed, address) => {
  const all = await start();
  await all.server.post(PATH, { channel: 'email', address: suppressed });
  await sendTo(all, 'mail', { email: address }, 'sent');
});

test('a message goes to the address as it was spelled last, if that shows', async () => {
  const all = await start();
  await sendTo(all, 'mail', { email: 'Maria@example.com' }, 'sent');
  await sendTo(all, 'mail', { email: 'maria@example.com' }, 'sent');
  expect(all.email.calls.map(({ target }) => target)).toEqual([
    { kind: 'email', address: 'Maria@example.com' },
    { kind: 'email', address: 'maria@example.com' },
  ]);
});
