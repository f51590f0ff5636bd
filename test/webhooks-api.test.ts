import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyWebhook } from '../packages/client/src/webhooks.ts';
import { type TestWebhooks, testWebhooks } from './support/webhooks.ts';

/** Endpoints of webhooks as their owners manage them. */

let hooks: TestWebhooks;
beforeAll(async () => {
  hooks = await testWebhooks();
});
afterAll(() => hooks.close());

const PATH = '/api/v1/webhooks';
const URL = 'https://hooks.example.com/t0ken';
const send = (method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  hooks.server.send(method, path, body, headers);

test('an endpoint is created, listed, changed by its revision, and deleted; each change is in the audit log', async () => {
  const created = await send('POST', PATH, {
    url: URL,
    headers: { 'X-Key': 'value-of-a-header' },
    description: 'orders',
  });
  expect(created.status).toBe(201);
  expect(created.headers.get('etag')).toBe('"1"');
  expect(created.body).toMatchObject({
    url: URL,
    description: 'orders',
    notification_types: null,
    format: 'json',
    ordered: false,
    per_second: null,
    header_names: ['X-Key'],
    state: 'active',
    failures: 0,
    secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    public_key: null,
  });
  const { secret, public_key: _, ...view } = created.body;
  const path = `${PATH}/${view.endpoint_id}`;
  expect((await hooks.server.get(path)).body).toEqual(view);
  expect((await hooks.server.get(PATH)).body.webhooks).toContainEqual(view);
  const change = { notification_types: ['NEWS'], headers: { 'X-Other': 'b' }, format: 'cloudevents', per_second: 5 };
  const changed = await send('PATCH', path, change, { 'if-match': '"1"' });
  expect(changed.body).toMatchObject({
    revision: 2,
    notification_types: ['NEWS'],
    header_names: ['X-Key', 'X-Other'],
    per_second: 5,
  });
  expect((await send('PATCH', path, { headers: { 'x-key': null } })).body.header_names).toEqual(['X-Other']);
  expect((await send('PATCH', path, {}, { 'if-match': '"1"' })).body.code).toBe('outdated');
  expect((await send('DELETE', path, undefined, { 'if-match': '"1"' })).body.code).toBe('outdated');
  expect((await send('DELETE', path)).status).toBe(200);
  expect((await hooks.server.get(path)).body.code).toBe('not_found');
  const { rows } = await hooks.tidings.database.pool.query(
    'select action, before, after from audit_log where subject = $1 order by entry_id',
    [view.endpoint_id],
  );
  expect(rows.map(({ action }) => action)).toEqual([
    'webhook.created',
    'webhook.changed',
    'webhook.changed',
    'webhook.deleted',
  ]);
  expect(JSON.stringify(rows)).not.toContain('value-of-a-header');
  expect(JSON.stringify(rows)).not.toContain(secret);
});

test.each([
  'http://example.com/',
  'https://127.0.0.2/',
  'https://10.1.2.3/',
  'https://169.254.169.254/',
  'https://[::1]/',
  'https://[::ffff:10.0.0.1]/',
  'https://2130706434/',
  'https://0x7f.2/',
  'https://localhost/',
  'https://intranet/',
  'https://user:password@example.com/',
  'not a URL',
])('the URL %s is rejected when it is saved', async (url) => {
  const answer = await send('POST', PATH, { url });
  expect([answer.status, answer.body.code, answer.body.errors[0].pointer]).toEqual([422, 'invalid_webhook', '/url']);
});

test.each<[object, string]>([
  [{ secret: 'short' }, '/secret'],
  [{ secret: 'whsec_AAAA' }, '/secret'],
  [{ secret: 'whsk_AAAA' }, '/secret'],
  [{ headers: { Host: 'a' } }, '/headers/Host'],
  [{ headers: { 'webhook-id': 'a' } }, '/headers/webhook-id'],
  [{ headers: { 'X-A': 'a\r\nX-B: b' } }, '/headers/X-A'],
  [{ headers: { 'X A': 'a' } }, '/headers'],
])('%j is rejected, and the answer does not repeat it', async (fields, pointer) => {
  const answer = await send('POST', PATH, { url: URL, ...fields });
  expect([answer.status, answer.body.code, answer.body.errors[0].pointer]).toEqual([422, 'invalid_webhook', pointer]);
});

test('an endpoint that does not exist is not found, whatever its id looks like', async () => {
  for (const id of ['nothing', '01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e', '%00']) {
    for (const [method, rest] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['POST', '/test'],
      ['POST', '/rotate-secret'],
      ['POST', '/replay'],
      ['GET', '/deliveries'],
    ]) {
      const body = method === 'PATCH' ? {} : undefined;
      expect((await send(method!, `${PATH}/${id}${rest}`, body)).status).toBe(404);
    }
  }
});

test('a repeated request with its key creates one endpoint, and shows its secret again', async () => {
  const key = { 'idempotency-key': 'one endpoint' };
  const first = await send('POST', PATH, { url: URL }, key);
  const second = await send('POST', PATH, { url: URL }, key);
  expect(second.body).toEqual(first.body);
});

test('after a rotation both secrets sign until the overlap is over', async () => {
  const { tidings } = hooks;
  const endpoint = await hooks.endpoint();
  const rotated = await send('POST', `${endpoint.path}/rotate-secret`, { overlap: '1h' });
  expect(rotated.status).toBe(201);
  expect(rotated.body.secret).not.toBe(endpoint.secret);
  const receive = async () => {
    expect((await send('POST', `${endpoint.path}/test`)).body.outcome).toBe('sent');
    return endpoint.standIn.requests.at(-1)!;
  };
  const verify = ({ body, headers }: Awaited<ReturnType<typeof receive>>, secret: string) =>
    verifyWebhook(body, headers, secret, { now: tidings.clock.now });
  const during = await receive();
  expect(await verify(during, endpoint.secret)).toMatchObject({ type: 'webhook.test' });
  expect(await verify(during, rotated.body.secret)).toMatchObject({ type: 'webhook.test' });
  tidings.clock.now += 3_600_001;
  const after = await receive();
  await expect(verify(after, endpoint.secret)).rejects.toThrow();
  expect(await verify(after, rotated.body.secret)).toMatchObject({ type: 'webhook.test' });
  expect(after.headers['webhook-signature']).not.toContain(' ');
  expect((await send('POST', `${endpoint.path}/rotate-secret`, { overlap: '8d' })).body.code).toBe('invalid_request');
});

test('a rotation drops no secret whose overlap is not over', async () => {
  const { tidings } = hooks;
  const endpoint = await hooks.endpoint();
  const rotate = (overlap: string) => send('POST', `${endpoint.path}/rotate-secret`, { overlap });
  for (let n = 0; n < 4; n++) expect((await rotate('1h')).status).toBe(201);
  const until = new Date(tidings.clock.now + 3_600_000).toISOString();
  expect(await rotate('1h')).toMatchObject({
    status: 422,
    body: {
      code: 'invalid_webhook',
      errors: [{ pointer: '/overlap' }],
      detail: expect.stringContaining(`wait until ${until}`),
    },
  });
  expect((await send('POST', `${endpoint.path}/test`)).body.outcome).toBe('sent');
  const signatures = String(endpoint.standIn.requests.at(-1)!.headers['webhook-signature']).split(' ');
  expect(signatures.length).toBe(5);
  expect((await rotate('0s')).status).toBe(201);
  tidings.clock.now += 3_600_001;
  expect((await rotate('1h')).status).toBe(201);
});

test('a key pair of one’s own signs by Ed25519, and the public key is shown', async () => {
  const secret = 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==';
  const { body } = await send('POST', PATH, { url: URL, secret });
  expect(body.public_key).toBe('whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=');
});

test('a test call reports the response of the endpoint, and counts as no failure', async () => {
  const endpoint = await hooks.endpoint();
  endpoint.standIn.reply({ status: 503, body: 'later' });
  const { body } = await send('POST', `${endpoint.path}/test`, { data: { a: 1 } });
  expect(body).toMatchObject({ outcome: 'failed', response: '503 later', reason: expect.stringContaining('503') });
  expect(JSON.parse(endpoint.standIn.requests[0]!.body)).toMatchObject({ type: 'webhook.test', data: { a: 1 } });
  expect((await hooks.server.get(endpoint.path)).body.failures).toBe(0);
});

test('facts are subscribed to by type, notification type and channel, and messages are received instead without types', async () => {
  const { body } = await send('POST', PATH, { url: URL });
  expect(body).toMatchObject({ event_types: null, channels: null });
  const path = `${PATH}/${body.endpoint_id}`;
  const subscription = {
    event_types: ['order.*', 'notification.failed'],
    notification_types: ['NEWS'],
    channels: ['email'],
  };
  expect((await send('PATCH', path, subscription)).body).toMatchObject(subscription);
  expect((await send('PATCH', path, { description: 'd' })).body).toMatchObject(subscription);
  expect((await send('PATCH', path, { event_types: null })).body).toMatchObject({
    code: 'invalid_webhook',
    errors: [{ pointer: '/channels' }],
  });
  expect((await send('PATCH', path, { event_types: null, channels: null })).body).toMatchObject({ event_types: null });
  for (const [event_types, pointer] of [
    [['order*'], '/event_types/0'],
    [['a', '*.created'], '/event_types/1'],
    [['*.*'], '/event_types/0'],
  ] as const) {
    const answer = await send('POST', PATH, { url: URL, event_types });
    expect([answer.status, answer.body.code, answer.body.errors?.[0]?.pointer]).toEqual([
      422,
      'invalid_webhook',
      pointer,
    ]);
  }
  for (const wrong of [
    { event_types: [] },
    { event_types: [''] },
    { event_types: ['a'], channels: ['fax'] },
    { event_types: ['a'], channels: [] },
  ]) {
    expect((await send('POST', PATH, { url: URL, ...wrong })).status).toBe(400);
  }
});
