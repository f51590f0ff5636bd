import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';
import { testServer } from './support/http.ts';
import { bearer, isLoopback, type TestIssuer, type TestKey, testIssuer } from './support/tokens.ts';

/** Costs of the tokens of one tenant for all others: the time that the process is busy with its keys. */

let api: TestApi;
let issuer: TestIssuer;
const keys: TestKey[] = [];

beforeAll(async () => {
  api = await testApi();
  issuer = await testIssuer(() => api.tidings.clock.now);
  // Keys of the curve whose points take longest to check.
  for (let i = 0; i < 10; i++) keys.push(await issuer.makeKey(`key ${i}`, 'ES512'));
});

afterAll(async () => {
  await issuer.close();
  await api.close();
});

const path = () => `/api/v1/issuers/${encodeURIComponent(issuer.issuer)}`;

/** Returns the time in ms that this process works for one token, after the first of its issuer. */
async function costOf(token: string): Promise<number> {
  expect((await api.server.get('/api/v1/me', bearer(token))).status).toBe(200);
  const start = process.cpuUsage();
  for (let i = 0; i < 50; i++) await api.server.get('/api/v1/me', bearer(token));
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000 / 50;
}

test('a token costs no import of all the static keys of its issuer', async () => {
  const trust = async (publicKeys: object[]) => {
    const body = { public_keys: { keys: publicKeys }, audiences: ['app'], algorithms: ['ES512'] };
    expect((await api.server.send('PUT', path(), body)).status).toBeLessThan(300);
  };
  const token = await (keys[0] as TestKey).sign();
  await trust(issuer.keys.slice(0, 1));
  // The first round warms up.
  await costOf(token);
  const withOne = await costOf(token);
  await trust(issuer.keys);
  // With their import for each token it was more than twice as much.
  expect((await costOf(token)) / withOne).toBeLessThan(1.7);
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
    const token = await (keys[3] as TestKey).sign({}, { kid: 'many 3' });
    const costs: number[] = [];
    for (let round = 0; round < 3; round++) {
      expect((await server.send('PUT', path(), body)).status).toBe(200);
      const start = process.cpuUsage();
      expect((await server.get('/api/v1/me', bearer(token))).status).toBe(200);
      const { user, system } = process.cpuUsage(start);
      costs.push((user + system) / 1000);
    }
    // Importing all of them took 160 ms at a stretch, each time.
    expect(Math.min(...costs)).toBeLessThan(100);
  } finally {
    await server.close();
  }
});
