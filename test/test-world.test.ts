import { afterAll, beforeAll, expect, test } from 'vitest';
import { bearer, createKey, ROOT_KEY, until } from './support/api-keys.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type FakeProvider, fakeProvider } from './support/providers.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

let tidings: TestTidings;
let api: TestServer;
let email: FakeProvider;
let live: string;
let own: string;

const SCOPES = ['events:write', 'users:read', 'deliveries:read', 'keys:read', 'keys:write', 'catalog:read'];

beforeAll(async () => {
  email = fakeProvider(undefined, { name: 'real', channels: ['email'] });
  tidings = await testTidings({ email });
  api = await testServer(tidings, { apiKeys: [ROOT_KEY] });
  live = (await createKey(api, { scopes: SCOPES })).key;
  own = (await createKey(api, { scopes: SCOPES, environment: 'test' })).key;
  await tidings.worker();
});

afterAll(async () => {
  await api.close();
  await tidings.close();
});

function signUp(user: string, key: string) {
  const event = {
    event_id: `signup ${user}`,
    user_id: user,
    event_type: 'signup_completed',
    event_timestamp: new Date(tidings.clock.now).toISOString(),
    user_traits: { marketing_opt_in: true, email: `${user}@example.com` },
  };
  return api.post('/api/v1/events', event, bearer(key));
}

async function loadDeliveries(key: string, user: string) {
  const isSettled = (list: { status: string }[]) =>
    list.length > 0 && list.every(({ status }) => status !== 'queued' && status !== 'sending');
  const load = async () =>
    (await api.get('/api/v1/deliveries?limit=200', bearer(key))).body.deliveries.filter(
      (one: { user_id: string; channel: string }) => one.user_id === user && one.channel === 'email',
    );
  return until(load, isSettled);
}

test('the first test key makes the test tenant, whose catalog follows the live one', async () => {
  const { rows } = await tidings.database.pool.query(
    `select tenant_id, environment, live_tenant_id, follows from tenants where environment = 'test'`,
  );
  expect(rows).toEqual([
    { tenant_id: 'default.test', environment: 'test', live_tenant_id: 'default', follows: 'default' },
  ]);
});

test('whatever provider is configured, a message of the test world stays in the sandbox', async () => {
  const posted = await signUp('tester', own);
  expect([posted.status, posted.headers.get('x-tidings-environment')]).toEqual([202, 'test']);
  expect((await signUp('customer', live)).status).toBe(202);
  expect(await loadDeliveries(own, 'tester')).toMatchObject([{ status: 'sandboxed', provider: 'sandbox' }]);
  expect(await loadDeliveries(live, 'customer')).toMatchObject([{ status: 'sent', provider: 'real' }]);
  expect(email.calls.map(({ userId }) => userId)).toEqual(['customer']);
});

test('the two worlds do not see each other: the same ids are other events and users', async () => {
  const { body } = await signUp('customer', own);
  expect(body).toMatchObject({ accepted: 1, duplicates: 0 });
  const find = async (key: string) =>
    (await api.get('/api/v1/users?limit=200', bearer(key))).body.users.map((one: { user_id: string }) => one.user_id);
  expect((await find(own)).sort()).toEqual(['customer', 'tester']);
  expect(await find(live)).toEqual(['customer']);
});

test('a test key manages test keys only, and cannot reach the live tenant', async () => {
  const { body } = await api.get('/api/v1/keys?limit=200', bearer(own));
  expect(body.keys.map((one: { environment: string }) => one.environment)).toEqual(['test']);
  const made = await createKey(api, {}, { by: own });
  expect(made.key).toMatch(/^td_test_/);
  const rejected = await api.post(
    '/api/v1/keys',
    { name: 'x', scopes: ['users:read'], environment: 'live' },
    bearer(own),
  );
  expect([rejected.status, rejected.body.code]).toEqual([403, 'forbidden']);
  expect((await api.get('/api/v1/users', bearer(own, { 'x-tidings-tenant': 'default' }))).status).toBe(404);
  expect((await api.get(`/api/v1/keys/${live.slice(8, 16)}`, bearer(own))).status).toBe(404);
});

test('a suspended live tenant suspends its test world', async () => {
  const { pool } = tidings.database;
  const { key } = await createKey(api, { environment: 'test' });
  await pool.query(`update tenants set status = 'suspended' where tenant_id = 'default'`);
  await pool.query(`select pg_notify('tidings_keys', '')`);
  const ask = async () => (await api.get('/api/v1/users', bearer(key))).body.code;
  expect(await until(ask, (code) => code !== undefined)).toBe('tenant_suspended');
  await pool.query(`update tenants set status = 'active' where tenant_id = 'default'`);
});
