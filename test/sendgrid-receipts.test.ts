import { generateKeyPairSync, sign } from 'node:crypto';
import { expect, test } from 'vitest';
import { sendgrid } from '../src/channels/email/sendgrid.ts';
import { fakeTools, toRequest } from './support/stand-ins/sns.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const settings = sendgrid.settings.parse({
  api_key: 'SG.secret',
  from: 'bank@example.com',
  verification_key: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
});
const receipts = sendgrid.receipts!;
const { tools } = fakeTools();

function signed(body: string, timestamp = '1763640000') {
  const signature = sign('sha256', Buffer.from(timestamp + body), privateKey).toString('base64');
  return toRequest(body, {
    'x-twilio-email-event-webhook-signature': signature,
    'x-twilio-email-event-webhook-timestamp': timestamp,
  });
}

const read = (event: object) => receipts.read(signed(JSON.stringify([event])), settings).receipts[0];

test('the signature covers the raw bytes and the timestamp', async () => {
  // As SendGrid writes it: parsed and written anew it would be another text.
  const body = '[{"event":"delivered",\r\n"sg_event_id":"e1"},\r\n{"event":"open"}\r\n]\r\n';
  const good = signed(body);
  expect(await receipts.verify(good, settings, tools)).toBeUndefined();
  expect(await receipts.verify({ ...good, body: Buffer.from(body.trim()) }, settings, tools)).toContain('signature');
  const later = { ...good.headers, 'x-twilio-email-event-webhook-timestamp': '1763640001' };
  expect(await receipts.verify({ ...good, headers: later }, settings, tools)).toContain('signature');
  const garbage = { ...good.headers, 'x-twilio-email-event-webhook-signature': '%%%' };
  expect(await receipts.verify({ ...good, headers: garbage }, settings, tools)).toContain('signature');
  expect(await receipts.verify({ ...good, headers: {} }, settings, tools)).toContain('signature');
});

test('the key may be a PEM text as well, also with literal line breaks', async () => {
  const pem = publicKey.export({ format: 'pem', type: 'spki' }) as string;
  for (const verification_key of [pem, pem.replaceAll('\n', '\\n')])
    expect(await receipts.verify(signed('[]'), { ...settings, verification_key }, tools)).toBeUndefined();
});

test('without a key that can be read nothing is accepted', async () => {
  const { verification_key: _, ...without } = settings;
  expect(await receipts.verify(signed('[]'), without, tools)).toContain('verification_key');
  expect(await receipts.verify(signed('[]'), { ...settings, verification_key: 'garbage' }, tools)).toContain(
    'verification_key',
  );
});

test.each([
  [{ event: 'processed' }, { kind: 'accepted' }],
  [
    { event: 'delivered', response: '250 OK' },
    { kind: 'delivered', detail: { said: '250 OK' } },
  ],
  [{ event: 'deferred', response: '451 later' }, { kind: 'deferred' }],
  [
    { event: 'bounce', type: 'bounce', status: '5.1.1' },
    { kind: 'bounced', isPermanent: true, enhancedCode: '5.1.1' },
  ],
  [
    { event: 'bounce', type: 'blocked', status: '4.7.1' },
    { kind: 'bounced', isPermanent: false, code: 'blocked' },
  ],
  [{ event: 'blocked' }, { kind: 'bounced', isPermanent: false }],
  [
    { event: 'dropped', reason: 'Bounced Address' },
    { kind: 'failed', isPermanent: true, code: 'Bounced Address' },
  ],
  [{ event: 'spamreport' }, { kind: 'complained' }],
  [{ event: 'unsubscribe' }, { kind: 'unsubscribed' }],
  [{ event: 'group_unsubscribe' }, { kind: 'unsubscribed' }],
  [{ event: 'group_resubscribe' }, { kind: 'opted_in' }],
  [
    { event: 'open', sg_machine_open: true },
    { kind: 'opened', isMachine: true },
  ],
  [{ event: 'click', url: 'https://example.com' }, { kind: 'clicked' }],
  [{ event: 'account_status_change' }, { kind: 'unknown', code: 'account_status_change' }],
  [{ event: 'toString' }, { kind: 'unknown' }],
  [{}, { kind: 'unknown' }],
])('%j is understood', (event, expected) => {
  const full = {
    sg_event_id: 'e1',
    timestamp: 1763640000,
    tidings_key: 'n-1.email',
    email: 'maria@example.com',
    ...event,
  };
  const receipt = read(full);
  expect(receipt).toMatchObject({ id: 'e1', of: { reference: 'n-1.email' }, at: 1763640000_000, ...expected });
  expect(JSON.stringify(receipt)).not.toContain('@');
});

test('without our reference an event is found by the id of the response', () => {
  const event = { event: 'delivered', sg_message_id: '14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0' };
  expect(read(event)).toMatchObject({ of: { providerMessageId: '14c5d75ce93.dfd.64b469' }, at: 1 });
});

test.each(['', 'null', '{', '"text"', '[1, null]'])('%j is kept as unknown', (body) => {
  for (const { kind } of receipts.read(signed(body), settings).receipts) expect(kind).toBe('unknown');
});
