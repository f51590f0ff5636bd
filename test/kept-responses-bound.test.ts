import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectProblem } from './support/api.ts';
import { bearer, ROOT_KEY } from './support/api-keys.ts';
import { type Answer, type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

const MAX_KEPT_BYTES = 6000;
let tidings: TestTidings;
let server: TestServer;
beforeAll(async () => {
  tidings = await testTidings();
  server = await testServer(tidings, { apiKeys: [ROOT_KEY], maxKeptBytes: MAX_KEPT_BYTES });
  await server.post('/api/v1/tenants', { tenant_id: 'other' }, bearer(ROOT_KEY));
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});

const createKey = (key: string, tenant = 'default'): Promise<Answer> =>
  server.post(
    '/api/v1/keys',
    { name: key, scopes: ['users:read'] },
    bearer(ROOT_KEY, { 'idempotency-key': key, 'x-tidings-tenant': tenant }),
  );
const keptBytes = async (): Promise<number> => {
  const { rows } = await tidings.pool.query(
    `select sum(octet_length(sealed))::int as bytes from idempotency_keys where tenant_id = 'default'`,
  );
  return rows[0].bytes;
};
const countKeys = async () => (await tidings.pool.query('select from api_keys')).rowCount;

test('beyond the bound of a tenant its oldest responses are dropped, and their requests do nothing again', async () => {
  const other = await createKey('other', 'other');
  for (let i = 0; i < 30; i++) expect((await createKey(`key ${i}`)).status).toBe(201);
  // A sixteenth may be kept before the next look.
  await expect.poll(keptBytes).toBeLessThanOrEqual(MAX_KEPT_BYTES * (1 + 1 / 16) + 1000);
  const count = await countKeys();
  expectProblem(await createKey('key 0'), { status: 409, code: 'not_readable', pointer: 'idempotency-key' });
  const latest = await createKey('key 29');
  expect([latest.status, latest.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
  expect((await createKey('other', 'other')).body).toEqual(other.body);
  expect(await countKeys()).toBe(count);
});
