import { afterAll, beforeAll, expect, test } from 'vitest';
import { bearer, createKey, ROOT_KEY } from './support/api-keys.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type StandIn, startStandIn } from './support/stand-ins/http-stand-in.ts';
import { SENDGRID_ACCEPTS } from './support/stand-ins/sendgrid.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Trying an account over the API: the check, which sends nothing, and the test message. */

let tidings: TestTidings;
let server: TestServer;
let sendgrid: StandIn;

beforeAll(async () => {
  tidings = await testTidings();
  sendgrid = await startStandIn();
  server = await testServer(tidings, { apiKeys: [ROOT_KEY], exempt: (url) => url.hostname === '127.0.0.1' });
  const settings = { api_key: 'SG.secret-key', from: 'a@acme.example', base_url: sendgrid.url };
  await post('/api/v1/provider-accounts', { account: 'main', provider: 'sendgrid', settings, enabled: false });
});

afterAll(async () => {
  await server.close();
  await sendgrid.stop();
  await tidings.close();
});

const post = (path: string, body?: object, headers: Record<string, string> = {}) =>
  server.post(path, body, { ...bearer(ROOT_KEY), ...headers });
const check = () => post('/api/v1/provider-accounts/main/check');
const send = (body: object, headers = {}) => post('/api/v1/provider-accounts/main/test-send', body, headers);
const TO = { to: { email: 'maria@example.com' } };

test('the check says whether the provider lets us in, and sends nothing', async () => {
  sendgrid.reply({ body: { scopes: ['mail.send'] } });
  expect((await check()).body).toEqual({ ok: true, code: null, reason: null });
  sendgrid.reply({ status: 401, body: { errors: [{ message: 'bad key' }] } });
  const { status, body } = await check();
  expect([status, body.ok]).toEqual([200, false]);
  expect(body.reason).toMatch(/\w/);
  expect(sendgrid.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  expect(JSON.stringify(body)).not.toContain('SG.secret-key');
});

test('a test message goes out once, also by a disabled account, and the answer is that of the provider', async () => {
  sendgrid.reply(SENDGRID_ACCEPTS);
  const before = sendgrid.requests.length;
  const { status, body } = await send(TO);
  expect([status, body]).toEqual([
    200,
    {
      outcome: 'sent',
      channel: 'email',
      provider: 'sendgrid',
      code: null,
      reason: null,
      provider_message_id: '14c5d75ce93.dfd.64b469',
      duration_ms: expect.any(Number),
    },
  ]);
  expect(sendgrid.requests.length).toBe(before + 1);
  expect(sendgrid.requests.at(-1)?.body).toContain('test message from Tidings');
});

test('what the provider rejects is an answer, without address or secret', async () => {
  sendgrid.reply({ status: 401, body: { errors: [{ message: 'no maria@example.com SG.secret-key', field: null }] } });
  const { status, body } = await send(TO);
  expect([status, body.outcome, body.code]).toEqual([200, 'misconfigured', '401']);
  expect(JSON.stringify(body)).not.toMatch(/maria@|SG\.secret/);
});

test('a repetition with the same Idempotency-Key sends nothing more', async () => {
  sendgrid.reply(SENDGRID_ACCEPTS);
  const key = { 'idempotency-key': 'once' };
  const first = await send(TO, key);
  const before = sendgrid.requests.length;
  const second = await send(TO, key);
  expect([second.body, sendgrid.requests.length]).toEqual([first.body, before]);
});

test('each test message is in the audit log, without the address', async () => {
  const { rows } = await tidings.database.pool.query(
    `select detail, row_to_json(a)::text as text from audit_log a where action = 'account.tested' order by entry_id`,
  );
  expect(rows[0].detail).toEqual({ channel: 'email', outcome: 'sent' });
  expect(rows.length).toBeGreaterThanOrEqual(2);
  expect(JSON.stringify(rows)).not.toContain('maria@');
});

test.each([
  [{ to: { phone: '+351912345678' } }, 400, '/to'],
  [{ to: { email: 'a@example.com', phone: '+351912345678' } }, 400, '/to'],
  [{ channel: 'sms', to: { phone: '+351912345678' } }, 400, '/channel'],
  [{ to: { email: '' } }, 400, '/to/email'],
  [{}, 400, '/to'],
])('a test message to %j is rejected', async (body, status, pointer) => {
  const before = sendgrid.requests.length;
  const answer = await send(body);
  expect([answer.status, answer.body.errors?.[0].pointer]).toEqual([status, pointer]);
  expect(sendgrid.requests.length).toBe(before);
});

test('a text that is no address is answered too', async () => {
  expect((await send({ to: { email: 'nobody' } })).body.outcome).toBe('rejected');
});

test('a test key sends nothing, not even a test message', async () => {
  const { key } = await createKey(server, { scopes: ['accounts:read', 'accounts:write'], environment: 'test' });
  const settings = { api_key: 'SG.k', from: 'a@acme.example', base_url: sendgrid.url };
  const made = await post(
    '/api/v1/provider-accounts',
    { account: 'main', provider: 'sendgrid', settings },
    bearer(key),
  );
  expect(made.status).toBe(201);
  const before = sendgrid.requests.length;
  expect((await send(TO, bearer(key))).body.outcome).toBe('sandboxed');
  expect(sendgrid.requests.length).toBe(before);
});

test('an account whose secrets cannot be opened is named, and its secrets can be written again', async () => {
  await tidings.database.pool.query(`update provider_accounts set sealed = 'broken' where tenant_id = 'default'`);
  expect((await check()).body.code).toBe('invalid_account');
  const patch = (settings: object) =>
    server.send('PATCH', '/api/v1/provider-accounts/main', { settings }, bearer(ROOT_KEY));
  expect((await patch({ ip_pool: 'fast' })).body).toMatchObject({
    code: 'not_readable',
    detail: expect.stringMatching(/api_key/),
  });
  expect((await patch({ api_key: 'SG.new' })).status).toBe(200);
  sendgrid.reply({ body: { scopes: ['mail.send'] } });
  expect((await check()).body.ok).toBe(true);
});
