import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestServer, testServer } from './support/http.ts';
import { raw } from './support/raw.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

const KEYS = ['first-key-of-the-tests', 'second-key-of-the-tests'] as const;
let tidings: TestTidings;
let open: TestServer;
let closed: TestServer;

beforeAll(async () => {
  tidings = await testTidings();
  open = await testServer(tidings);
  closed = await testServer(tidings, { apiKeys: KEYS });
});

afterAll(async () => {
  await open.close();
  await closed.close();
  await tidings.close();
});

const PROTECTED = [
  'GET /api/v1/audit/u1',
  'GET /audit/u1',
  'GET /api/v1/explain/u1/WELCOME_EMAIL',
  'GET /api/v1/activity',
  'GET /api/v1/decisions',
  'GET /api/v1/users',
  'GET /api/v1/catalog',
  'GET /api/v1/deliveries',
  'GET /api/v1/deliveries/00000000-0000-7000-8000-000000000000.email/message',
  'GET /api/v1/events/rejected',
  'POST /api/v1/events',
  'POST /events',
  'POST /api/v1/deliveries/00000000-0000-7000-8000-000000000000.email/retry',
  'POST /api/v1/events/rejected/00000000-0000-4000-8000-000000000000/retry',
  // The same routes in other notations.
  'GET /%61pi/v1/audit/u1',
  'GET /api/%761/audit/u1',
  'GET /%61udit/u1',
  'GET /audit/u1?x=/healthz/live',
  'HEAD /api/v1/audit/u1',
  'POST /%65vents',
];

describe('without keys', () => {
  test('answers only to the names of this machine, so that a web page of another name cannot call it', async () => {
    const ask = async (path: string, host: string) => (await raw(open.url, { path, headers: { host } })).status;
    for (const host of ['localhost', 'localhost:8000', '127.0.0.1:1', '[::1]:8000', 'LOCALHOST.']) {
      expect(await ask('/api/v1/audit/u1', host), host).toBe(200);
    }
    for (const host of ['evil.com', 'localhost.evil.com', '127.0.0.1.evil.com', '10.0.0.1', 'evil.com:8000']) {
      expect(await ask('/api/v1/audit/u1', host), host).toBe(401);
      expect(await ask('/healthz/live', host), host).toBe(200);
    }
  });
});

describe('API keys', () => {
  test.each(PROTECTED)('%s answers 401 without a key or with a wrong one, and accepts a right one', async (route) => {
    for (const headers of [
      {},
      { authorization: 'Bearer wrong-key-of-the-tests' },
      { authorization: `Basic ${KEYS[0]}` },
      { authorization: KEYS[0] },
      { 'x-api-key': `${KEYS[0]}x` },
      { 'x-api-key': '' },
    ] as Record<string, string>[]) {
      const denied = await call(closed, route, headers);
      expect(denied.status).toBe(401);
      expect(denied.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      if (route.startsWith('HEAD')) continue;
      expect(await denied.json()).toMatchObject({ status: 401, code: 'unauthorized', detail: expect.any(String) });
    }
    for (const key of KEYS) {
      for (const headers of [
        { authorization: `Bearer ${key}` },
        { authorization: `bearer ${key}` },
        { 'x-api-key': key },
      ]) {
        expect((await call(closed, route, headers as Record<string, string>)).status).not.toBe(401);
      }
    }
  });

  test.each(PROTECTED)('%s needs no key if no keys are configured', async (route) => {
    expect((await call(open, route, {})).status).not.toBe(401);
  });

  test.each([
    '/healthz/live',
    '/healthz/ready',
    '/',
    '/api/docs/',
    '/api/docs/openapi.json',
    '/api/docs/errors',
    '/api/openapi.json',
    '/nothing',
  ])('%s needs no key', async (path) => {
    expect((await closed.get(path)).status).not.toBe(401);
  });

  test('a wrong key is not in the response', async () => {
    const { body } = await closed.get('/api/v1/users', { 'x-api-key': 'almost-the-secret-key' });
    expect(JSON.stringify(body)).not.toContain('almost');
  });

  test('a request without a key changes nothing', async () => {
    const event = { user_id: 'intruder', event_type: 'seen', event_timestamp: '2025-10-31T10:00:00Z' };
    expect((await closed.post('/api/v1/events', event)).status).toBe(401);
    const { body } = await closed.get('/api/v1/users?prefix=intruder', { 'x-api-key': KEYS[0] });
    expect(body.users).toEqual([]);
  });

  test('the audit log has the number of the key, not the key', async () => {
    const wrong = { user_id: 'u', event_type: 'seen', event_timestamp: 'today' };
    await closed.post('/api/v1/events', wrong, { 'x-api-key': KEYS[1] });
    const { body } = await closed.get('/api/v1/events/rejected', { 'x-api-key': KEYS[1] });
    const right = { ...wrong, event_timestamp: '2025-10-31T10:00:00Z' };
    const path = `/api/v1/events/rejected/${body.rejected[0].rejected_id}/retry`;
    expect((await closed.post(path, right, { authorization: `Bearer ${KEYS[1]}` })).status).toBe(202);
    const { rows } = await tidings.database.pool.query(`select actor from audit_log where action = 'event.retried'`);
    expect(rows).toEqual([{ actor: 'api key 2' }]);
  });

  function call(server: TestServer, route: string, headers: Record<string, string>): Promise<Response> {
    const [method, path] = route.split(' ') as [string, string];
    const body = method === 'POST' ? { body: '[]' } : {};
    return fetch(server.url + path, { method, headers: { ...headers, 'content-type': 'application/json' }, ...body });
  }
});
