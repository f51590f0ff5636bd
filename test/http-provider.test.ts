import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { http } from '../src/channels/http/http.ts';
import { ADDRESS } from './support/channel-contract.ts';
import { testDefinition } from './support/definition-contract.ts';
import { openAtStandIn } from './support/stand-ins/carrier.ts';
import { fakeTools, toRequest } from './support/stand-ins/sns.ts';

const BASE = {
  url: 'https://carrier.example/send/{{channel}}',
  auth: 'bearer',
  auth_secret: 'a-token-of-the-carrier',
  body: { to: '{{to}}', text: '{{text}}', reference: '{{key}}' },
  success: { path: 'id' },
  message_id: { path: 'id' },
  idempotency_header: 'Idempotency-Key',
};

testDefinition(http, {
  settings: (base) => ({
    ...BASE,
    url: `${base}/send/{{channel}}`,
    check: { url: `${base}/me`, path: 'account' },
  }),
  target: { kind: 'email', address: ADDRESS },
  accept: () => ({ status: 202, body: { id: 'm-1' } }),
  answer: ({ code }) => ({ status: Number(code), body: { error: 'no' } }),
  isSend: ({ path }) => path.startsWith('/send/'),
  keyOf: ({ headers }) => headers['idempotency-key'],
  check: { good: { body: { account: 1 } }, bad: { status: 401, body: { error: 'no' } } },
});

describe('the request', () => {
  test('has values of any type, and leaves out what is absent', async () => {
    const body = {
      alone: '{{data}}',
      field: '{{data.amount}}',
      mixed: 'Dear {{to}}, {{ text }}{{html}}',
      absent: '{{html}}',
      list: ['{{html}}', '{{badge}}', 7, null, true],
      kept: { $if: '{{text}}', a: 1 },
      dropped: { $if: '{{html}}', a: 1 },
      quoted: '{{title}}',
    };
    const message = { text: 'Hi', data: { amount: 3 }, badge: 0, title: '"}\n{{to}}' };
    const { request } = await openAtStandIn({ ...BASE, body }, { message });
    expect(JSON.parse(request.body)).toEqual({
      alone: { amount: 3 },
      field: 3,
      mixed: `Dear ${ADDRESS}, Hi`,
      list: [0, 7, null, true],
      kept: { a: 1 },
      // A value is not searched for placeholders.
      quoted: '"}\n{{to}}',
    });
    expect(request.headers.authorization).toBe('Bearer a-token-of-the-carrier');
  });

  test('can be a form, with an address in the URL and in a header', async () => {
    const settings = {
      ...BASE,
      url: 'https://carrier.example/v1/{{to}}/send?ref={{key}}',
      body_type: 'form',
      body: { To: '{{to}}', Body: '{{text}}', Html: '{{html}}' },
      headers: { 'X-Subject': '{{subject}}' },
    };
    const message = { text: 'a&b=c é', subject: 'Olá\r\nX-Evil: 1' };
    const { request } = await openAtStandIn(settings, { message, idempotencyKey: 'n/1?x' });
    expect(request.path).toBe(`/v1/${encodeURIComponent(ADDRESS)}/send?ref=n%2F1%3Fx`);
    expect(Object.fromEntries(new URLSearchParams(request.body))).toEqual({ To: ADDRESS, Body: 'a&b=c é' });
    expect(request.headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect(request.headers['x-subject']).toBe('Ol%C3%A1%0D%0AX-Evil: 1');
    expect(request.headers['x-evil']).toBeUndefined();
  });

  test.each([
    [{ auth: 'basic', auth_name: 'user', auth_secret: 'pass' }, 'authorization', `Basic ${btoa('user:pass')}`],
    [{ auth: 'header', auth_name: 'X-Key', auth_prefix: 'App ', auth_secret: 'k' }, 'x-key', 'App k'],
    [
      { auth: 'hmac', auth_name: 'X-Signature', auth_prefix: 'sha256=', auth_secret: 'k', body: { a: 1 } },
      'x-signature',
      `sha256=${createHmac('sha256', 'k').update('{"a":1}').digest('hex')}`,
    ],
  ])('proves itself by %j', async (auth, header, value) => {
    const { request } = await openAtStandIn({ ...BASE, ...auth }, {});
    expect(request.headers[header]).toBe(value);
  });

  test('has each header once, whatever the letters of its name: that of the account, and no compression', async () => {
    const headers = {
      'Content-Type': 'application/vnd.carrier+json',
      'Accept-Encoding': 'gzip',
      Authorization: 'none',
    };
    const { request } = await openAtStandIn({ ...BASE, headers }, {});
    expect(request.headers).toMatchObject({
      'content-type': 'application/vnd.carrier+json',
      'accept-encoding': 'identity',
      authorization: 'Bearer a-token-of-the-carrier',
    });
  });

  test('has a UUID for carriers that want one, the same for each attempt', async () => {
    const settings = { ...BASE, body: { id: '{{key_uuid}}' } };
    const ids = [];
    for (const more of [{}, { attempt: 2 }, { idempotencyKey: 'other' }]) {
      ids.push(JSON.parse((await openAtStandIn(settings, more)).request.body).id);
    }
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(ids[1]).toBe(ids[0]);
    expect(ids[2]).not.toBe(ids[0]);
  });

  test('is not made for attachments that the account has no shape for', async () => {
    const attachments = [{ name: 'a.pdf', type: 'application/pdf', content: Buffer.from('x') }];
    const { outcome, requests } = await openAtStandIn(BASE, { message: { text: '', attachments } });
    expect(outcome).toMatchObject({ kind: 'rejected', reason: expect.stringContaining('attachments') });
    expect(requests).toEqual([]);
  });
});

test('a rule for the rate of the account pauses it as a 429 does, if the response names no time', async () => {
  const rule = { path: 'error', equals: 'slow', is: 'retry', of: 'account', meaning: 'the carrier limits the rate' };
  const more = { retry_after: { path: 'wait' } };
  for (const wait of [undefined, 0, -5, 'soon']) {
    const reply = { status: 200, body: { error: 'slow', wait } };
    const { outcome } = await openAtStandIn({ ...BASE, ...more, errors: [rule] }, {}, reply);
    expect(outcome).toMatchObject({ kind: 'retry', of: 'account', after: 60_000, isUnstated: true });
  }
  const { outcome } = await openAtStandIn(
    { ...BASE, errors: [{ ...rule, after_seconds: 5 }] },
    {},
    { body: { error: 'slow' } },
  );
  expect(outcome).toMatchObject({ after: 5000 });
  expect(outcome).not.toHaveProperty('isUnstated');
});

test.each<[string, object]>([
  ['a placeholder that does not exist', { body: { a: '{{unknown}}' } }],
  ['one in the URL', { url: 'https://carrier.example/{{secret}}' }],
  ['success by the status alone', { success: { status: [200] } }],
  ['a URL of another protocol', { url: 'ftp://carrier.example' }],
  ['a header of the connection', { headers: { Host: 'evil.example' } }],
  ['a prefix that no header can have', { auth: 'header', auth_name: 'X-Key', auth_prefix: 'App\r\n' }],
  ['a secret that auth needs', { auth_secret: undefined }],
  ['a rule for nothing', { errors: [{ is: 'rejected', meaning: 'matches everything' }] }],
  ['a rule that means nothing known', { errors: [{ status: 400, is: 'ignored', meaning: 'it is nothing' }] }],
  ['receipts without a secret', { receipts: { verify: 'hmac', kind: 'a', kinds: {}, reference: 'b' } }],
  ['receipts that find no delivery', { receipt_secret: 's', receipts: { verify: 'hmac', kind: 'a', kinds: {} } }],
])('settings are rejected for %s', (_, more) => {
  expect(http.settings.safeParse(BASE)).toMatchObject({ success: true });
  expect(http.settings.safeParse({ ...BASE, ...more })).toMatchObject({ success: false });
});

describe('receipts', () => {
  const mapping = {
    verify: 'hmac',
    header: 'X-Signature',
    prefix: 'v0=',
    signed: 'v0:{{timestamp}}:{{body}}',
    timestamp_header: 'X-Time',
    events: 'results',
    id: 'id',
    reference: 'ref',
    kind: 'status',
    kinds: { DONE: 'delivered', FAIL: 'failed' },
    at: 'at',
    at_unit: 'seconds',
    code: 'code',
    permanent: { path: 'final', values: [true] },
  };
  const settings = (more: object = {}) =>
    http.settings.parse({ ...BASE, receipt_secret: 'k', receipts: { ...mapping, ...more } });
  const { tools } = fakeTools();
  const body = '{"results": [\r\n]}';
  const signature = createHmac('sha256', 'k').update(`v0:17:${body}`);

  test('are proved by an HMAC over the raw body', async () => {
    const good = toRequest(body, { 'x-signature': `v0=${signature.digest('hex')}`, 'x-time': '17' });
    expect(await http.receipts!.verify(good, settings(), tools)).toBeUndefined();
    for (const [more, headers] of [
      [{ body: Buffer.from('{"results":[]}') }, {}],
      [{}, { 'x-time': '18' }],
      [{}, { 'x-signature': 'v0=' }],
      [{}, { 'x-signature': undefined }],
      [{}, { 'x-signature': 'v1=00' }],
    ] as const) {
      const forged = { ...good, ...more, headers: { ...good.headers, ...headers } };
      expect(await http.receipts!.verify(forged, settings(), tools)).toMatch(/signature or token/);
    }
    expect(await http.receipts!.verify(good, http.settings.parse(BASE), tools)).toContain('no receipts');
  });

  test.each([
    [{ verify: 'basic', header: 'Authorization', prefix: '' }, { authorization: `Basic ${btoa('k')}` }],
    [{ verify: 'token', header: 'X-Token', prefix: 'T ' }, { 'x-token': 'T k' }],
    [
      { signed: '{{body}}', algorithm: 'sha512', encoding: 'base64', prefix: '' },
      { 'x-signature': createHmac('sha512', 'k').update(body).digest('base64') },
    ],
  ])('are proved by %j', async (more, headers) => {
    expect(await http.receipts!.verify(toRequest(body, headers), settings(more), tools)).toBeUndefined();
    expect(await http.receipts!.verify(toRequest(body, {}), settings(more), tools)).toContain('token');
  });

  test('that are nested however deeply are read, with an id that is the same when they are repeated', () => {
    const deep = `${`{"a":`.repeat(100_000)}1${'}'.repeat(100_000)}`;
    const read = () =>
      http.receipts!.read(toRequest(`{"results":[${deep},${deep}]}`), settings({ id: undefined })).receipts;
    expect(read()).toMatchObject([{ kind: 'unknown' }, { kind: 'unknown' }]);
    expect(new Set([...read(), ...read()].map(({ id }) => id)).size).toBe(2);
  });

  test('are read by the mapping; what it does not know is kept', () => {
    const results = [
      { id: 1, ref: 'n-1', status: 'DONE', at: 1763640000.5 },
      { id: 2, ref: 'n-1', status: 'FAIL', code: 'E7 for maria@example.com', final: true, at: 'never' },
      { ref: 'n-1', status: 'LOST' },
      null,
    ];
    const read = http.receipts!.read(toRequest({ results }), settings()).receipts;
    expect(read).toMatchObject([
      { id: '1:DONE', of: { reference: 'n-1' }, kind: 'delivered', at: 1763640000500 },
      { id: '2:FAIL', kind: 'failed', code: 'E7 for …', isPermanent: true, at: 1 },
      { kind: 'unknown', code: 'LOST' },
      { kind: 'unknown' },
    ]);
    expect(http.receipts!.read(toRequest('no JSON'), settings())).toMatchObject({
      receipts: [],
      fault: 'The body is not JSON.',
    });
  });
});
