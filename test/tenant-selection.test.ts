import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

const KEY = 'a-key-of-the-installation';
let tidings: TestTidings;
let api: TestServer;

beforeAll(async () => {
  tidings = await testTidings();
  api = await testServer(tidings, { apiKeys: [KEY] });
  await tidings.database.pool.query(
    `insert into tenants (tenant_id, name, status) values ('acme', 'Acme', 'active'), ('late', 'Late', 'suspended'),
       ('gone', 'Gone', 'deleting')`,
  );
});

afterAll(async () => {
  await api.close();
  await tidings.close();
});

function getUsers(tenant: string) {
  return api.get('/api/v1/users', { 'x-api-key': KEY, 'x-tidings-tenant': tenant });
}

test('a key of the installation acts for the tenant that x-tidings-tenant names', async () => {
  const event = { user_id: 'own', event_type: 'seen', event_timestamp: '2025-10-31T10:00:00Z' };
  await api.post('/api/v1/events', event, { 'x-api-key': KEY });
  const find = async (tenant: string) => (await getUsers(tenant)).body.users.length;
  expect([await find('default'), await find('acme')]).toEqual([1, 0]);
});

test.each(['', 'nobody', 'ACME', 'acme; drop', 'x'.repeat(5000)])('an unknown tenant is not found', async (tenant) => {
  expect(await getUsers(tenant)).toMatchObject({ status: 404, body: { code: 'not_found' } });
});

test.each(['late', 'gone'])('requests for a tenant that is suspended or being deleted are rejected: %s', async (id) => {
  expect(await getUsers(id)).toMatchObject({ status: 403, body: { code: 'tenant_suspended' } });
});

test('a response with status 401 names the scheme', async () => {
  const { status, headers } = await api.get('/api/v1/users');
  expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
});
