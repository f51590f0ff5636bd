import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { courier } from '../src/channels/courier/courier.ts';
import { GuardedClient } from '../src/http-out/guarded-client.ts';
import { ADDRESS, never, outgoing } from './support/channel-contract.ts';
import { testDefinition } from './support/definition-contract.ts';
import { startStandIn } from './support/stand-ins/http-stand-in.ts';
import { fakeTools, toRequest } from './support/stand-ins/sns.ts';

const SECRET = 'a-webhook-secret';
const settings = (base_url: string) => ({ auth_token: 'pk_test_SECRET', webhook_secret: SECRET, base_url });
const receipts = courier.receipts!;
const { tools } = fakeTools();

testDefinition(courier, {
  settings,
  target: { kind: 'email', address: ADDRESS },
  message: { text: '', hosted: { template: 'CLIENT_WELCOME_V1', data: { name: 'Maria' } } },
  accept: ({ body }) => {
    const { message } = JSON.parse(body || '{}');
    expect(message?.template ?? message?.content).toBeTruthy();
    return { status: 202, body: { requestId: '1-65f240a0-47a6a120c8374de9bcf9f22c' } };
  },
  answer: ({ code }) => ({ status: Number(code), body: { message: 'no', type: 'invalid_request_error' } }),
  isSend: ({ path }) => path === '/send',
  keyOf: ({ headers }) => headers['idempotency-key'],
  check: { good: { body: { results: [], paging: { more: false } } }, bad: { status: 401, body: { message: 'no' } } },
});

function signed(body: string, time = '1763640000000') {
  const signature = createHmac('sha256', SECRET).update(`${time}.${body}`).digest('hex');
  return toRequest(body, { 'courier-signature': `t=${time},signature=${signature}` });
}

test('the signature covers time and raw body', async () => {
  const parsed = courier.settings.parse(settings('https://api.courier.com'));
  const good = signed('{"type": "message:updated"}\n');
  expect(await receipts.verify(good, parsed, tools)).toBeUndefined();
  expect(await receipts.verify({ ...good, body: Buffer.from('{"type":"message:updated"}') }, parsed, tools)).toContain(
    'match',
  );
  for (const header of ['', 't=1', 't=1,signature=zz', `t=1,signature=${'0'.repeat(64)}`]) {
    const forged = { ...good, headers: { 'courier-signature': header } };
    expect(await receipts.verify(forged, parsed, tools)).toContain('signature');
  }
  const { webhook_secret: _, ...without } = parsed;
  expect(await receipts.verify(good, without, tools)).toContain('webhook_secret');
});

test('a message that came back has bounced: only the reason of its status says so', () => {
  const data = { id: '1-abc', status: 'UNDELIVERABLE', reason: 'BOUNCED', error: '550 unknown' };
  const [receipt] = receipts.read(
    signed(JSON.stringify({ type: 'message:updated', data })),
    courier.settings.parse(settings('https://api.courier.com')),
  ).receipts;
  expect(receipt).toMatchObject({ kind: 'bounced', code: 'BOUNCED', isPermanent: true });
});

test('an email with attachments is rejected, and not sent without them', async () => {
  const standIn = await startStandIn({ status: 202, body: { requestId: '1-abc' } });
  const http = new GuardedClient(({ hostname }) => hostname === '127.0.0.1');
  const provider = await courier.open(courier.settings.parse(settings(standIn.url)), { http, clock: Date.now });
  const attachments = [{ name: 'a.pdf', type: 'application/pdf', content: Buffer.from('%PDF') }];
  const message = { subject: 'Hello', text: 'Hello', attachments };
  expect(await provider.send(outgoing({ message }), never())).toMatchObject({
    kind: 'rejected',
    reason: expect.stringContaining('attachments'),
  });
  expect(standIn.requests).toEqual([]);
  await provider.close();
  await http.close();
  await standIn.stop();
});

test.each([
  ['ENQUEUED', 'accepted'],
  ['ROUTED', 'accepted'],
  ['SENT', 'accepted'],
  ['DELIVERED', 'delivered'],
  ['OPENED', 'opened'],
  ['READ', 'read'],
  ['CLICKED', 'clicked'],
  ['DELAYED', 'deferred'],
  ['THROTTLED', 'deferred'],
  ['DIGESTED', 'deferred'],
  ['UNDELIVERABLE', 'failed'],
  ['UNROUTABLE', 'failed'],
  ['UNMAPPED', 'failed'],
  ['FILTERED', 'failed'],
  ['CANCELED', 'failed'],
  ['SIMULATED', 'unknown'],
  ['valueOf', 'unknown'],
])('%s is understood as %s', (status, kind) => {
  const data = {
    id: '1-abc',
    status,
    delivered: 1763640000123,
    recipient: 'maria@example.com',
    error: 'no maria@example.com',
  };
  const [receipt] = receipts.read(
    signed(JSON.stringify({ type: 'message:updated', data })),
    courier.settings.parse(settings('https://api.courier.com')),
  ).receipts;
  expect(receipt).toMatchObject({ of: { providerMessageId: '1-abc' }, kind });
  expect(receipt?.at).toBe(status === 'DELIVERED' ? 1763640000123 : 1);
  expect(JSON.stringify(receipt)).not.toContain('@');
});
