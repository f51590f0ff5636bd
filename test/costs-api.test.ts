import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectProblem, type TestApi, testApi } from './support/api.ts';

/** GET /api/v1/costs, and what is wrong with a request. */

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

test('a summary covers the last 31 days unless the request says otherwise', async () => {
  const { body } = await api.server.get('/api/v1/costs');
  expect(body).toEqual({ from: '2025-10-21', to: '2025-11-20', costs: [], has_more: false });
  const one = await api.server.get('/api/v1/costs?from=2025-11-01&to=2025-11-01&by=');
  expect(one.body).toMatchObject({ from: '2025-11-01', to: '2025-11-01' });
});

test('costs are listed by what the request groups by, the latest day first', async () => {
  await api.tidings.database.pool.query(
    `insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, status, due_at, retry_until, in_doubt_policy,
                             created_at, finished_at, started_at, duration_ms, provider, parts, cost, currency)
     select 'default', ('019a9f3e-5c1a-7c3e-8f52-9d1a6b7c8d' || lpad(i::text, 2, '0'))::uuid, 'sms', 'u', 'TEXT', 'sent', t, t, 'resend',
            t, t, t, 1, 'twilio', 2, 0.1, 'EUR'
     from (values (1, timestamptz '2025-11-20T01:00:00Z'), (2, timestamptz '2025-11-19T23:59:59.999Z'), (3, timestamptz '2025-11-19T00:00:00Z')) as r(i, t)`,
  );
  const { body } = await api.server.get('/api/v1/costs?from=2025-11-19&by=day,provider');
  expect(body.costs).toEqual([
    { day: '2025-11-20', provider: 'twilio', currency: 'EUR', amount: 0.1, messages: 1, parts: 2 },
    { day: '2025-11-19', provider: 'twilio', currency: 'EUR', amount: 0.2, messages: 2, parts: 4 },
  ]);
});

test.each([
  ['?from=2025-11-20&to=2025-11-19', 'from'],
  ['?from=2025-01-01&to=2025-11-19', 'from'],
  ['?by=day,chanel', 'by'],
  ['?from=2025-02-30', 'from'],
  ['?to=yesterday', 'to'],
])('%s is rejected with its place', async (query, pointer) => {
  expectProblem(await api.server.get(`/api/v1/costs${query}`), { status: 400, code: 'invalid_request', pointer });
});
