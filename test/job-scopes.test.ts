import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectProblem } from './support/api.ts';
import { bearer, createKey, ROOT_KEY } from './support/api-keys.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

let tidings: TestTidings;
let server: TestServer;

beforeAll(async () => {
  tidings = await testTidings();
  server = await testServer(tidings, { apiKeys: [ROOT_KEY] });
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});

const ACTIONS = [
  ['deliveries', { action: 'deliveries.retry', filter: {} }],
  ['deliveries', { action: 'deliveries.cancel', filter: {} }],
  ['waits', { action: 'waits.cancel', filter: { rule: 'WELCOME' } }],
  ['webhooks', { action: 'webhooks.replay', filter: { endpoint_id: '01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e' } }],
  ['rejected', { action: 'rejected.retry', filter: {} }],
  ['rejected', { action: 'rejected.dismiss', filter: {} }],
] as const;

test.each(ACTIONS)('a job of %s needs the right to change one of them: %o', async (items, body) => {
  const without = await createKey(server, { scopes: ['jobs:write', 'jobs:read', `${items}:read`] });
  const rejected = await server.post('/api/v1/jobs', body, bearer(without.key));
  expectProblem(rejected, { status: 403, code: 'forbidden' });
  expect(rejected.body.detail).toContain(`${items}:write`);
  const withIt = await createKey(server, { scopes: ['jobs:write', `${items}:write`] });
  expect((await server.post('/api/v1/jobs', body, bearer(withIt.key))).status).not.toBe(403);
});

test.each(ACTIONS)('a preview of %s needs the right to see them: %o', async (items, body) => {
  const without = await createKey(server, { scopes: ['jobs:read'] });
  expectProblem(await server.post('/api/v1/jobs/preview', body, bearer(without.key)), {
    status: 403,
    code: 'forbidden',
  });
  const withIt = await createKey(server, { scopes: ['jobs:read', `${items}:read`] });
  expect((await server.post('/api/v1/jobs/preview', body, bearer(withIt.key))).status).not.toBe(403);
});

test('the idempotency key of one caller is not that of another, and its job is not shown to it', async () => {
  const scopes = ['jobs:write', 'deliveries:write'];
  const [ann, bob] = await Promise.all([createKey(server, { scopes }), createKey(server, { scopes })]);
  const start = (key: string, action: string) =>
    server.post('/api/v1/jobs', { action, filter: {} }, bearer(key, { 'idempotency-key': 'the same' }));
  const first = await start(ann.key, 'deliveries.retry');
  const second = await start(bob.key, 'deliveries.retry');
  expect([first.status, second.status]).toEqual([202, 202]);
  expect(second.body.job_id).not.toBe(first.body.job_id);
  expect((await start(ann.key, 'deliveries.retry')).body.job_id).toBe(first.body.job_id);
  const third = await createKey(server, { scopes });
  expect((await start(third.key, 'deliveries.cancel')).status).toBe(202);
});
