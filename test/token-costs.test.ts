import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';
import { testServer } from './support/http.ts';
import { bearer, isLoopback, type TestIssuer, type TestKey, testIssuer } from './support/tokens.ts';

/** What the tokens of one tenant cost all others: the time that the process is busy with its keys. */

let api: TestApi;
let issuer: TestIssuer;
const keys: TestKey[] = [];

beforeAll(async () => {
  api = await testApi();
  issuer = await testIssuer(() => api.tidings.clock.now);
  // Of the curve whose points take longest to check.
  for (let i = 0; i < 10; i++) keys.push(await issuer.makeKey(`key ${i}`, 'ES512'));
});

afterAll(async () => {
  await issuer.close();
  await api.close();
});

const path = () => `/api/v1/issuers/${encodeURIComponent(issuer.issuer)}`;

test('a token costs no import of all the static keys of its issuer', async () => {
  const body = { public_keys: { keys: issuer.keys }, audiences: ['app'], algorithms: ['ES512'] };
  expect((await api.server.send('PUT', path(), body)).status).toBe(201);
  const token = await (keys[0] as TestKey).sign();
  expect((await api.server.get('/api/v1/me', bearer(token))).status).toBe(200);
  const start = process.cpuUsage();
  for (let i = 0; i < 50; i++) await api.server.get('/api/v1/me', bearer(token));
  const { user, system } = process.cpuUsage(start);
  // Some 30 ms for each token with the import of ten keys, and some 3 ms without.
  expect((user + system) / 1000 / 50).toBeLessThan(15);
});

test('new keys under the same name count at once, also if the issuer was deleted and added again', async () => {
  const other = await issuer.makeKey('key 0', 'ES512', true);
  await api.server.send('DELETE', path());
  const body = { public_keys: { keys: [other.publicKey] }, audiences: ['app'], algorithms: ['ES512'] };
  expect((await api.server.send('PUT', path(), body)).status).toBe(201);
  expect((await api.server.get('/api/v1/me', bearer(await (keys[0] as TestKey).sign()))).status).toBe(401);
  expect((await api.server.get('/api/v1/me', bearer(await other.sign()))).status).toBe(200);
});

test('static keys have a bound in bytes', async () => {
  const padded = { ...issuer.keys[0], x5c: ['A'.repeat(70_000)] };
  const { status, body } = await api.server.send('PUT', path(), {
    public_keys: { keys: [padded] },
    audiences: ['app'],
  });
  expect([status, body.code, body.errors?.[0].pointer]).toEqual([422, 'invalid_issuer', '/public_keys']);
});

test('a fetched set of 100 keys does not stop the process while all of them are imported', async () => {
  const server = await testServer(api.tidings, { exempt: isLoopback });
  try {
    issuer.keys = Array.from({ length: 100 }, (_, i) => ({ ...issuer.keys[i % 10], kid: `many ${i}` }));
    const body = { jwks_url: issuer.jwksUrl, audiences: ['app'], algorithms: ['ES512'] };
    expect((await server.send('PUT', path(), body)).status).toBe(200);
    const token = await (keys[3] as TestKey).sign({}, { kid: 'many 3' });
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    expect((await server.get('/api/v1/me', bearer(token))).status).toBe(200);
    delay.disable();
    expect(delay.max / 1e6).toBeLessThan(150);
  } finally {
    await server.close();
  }
});
