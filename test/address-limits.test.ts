import { afterAll, beforeAll, expect, test } from 'vitest';
import { bearer, ROOT_KEY } from './support/api-keys.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

const FAILURES = 300;
let tidings: TestTidings;
let api: TestServer;

beforeAll(async () => {
  tidings = await testTidings();
  api = await testServer(tidings, { apiKeys: [ROOT_KEY], trustedProxies: ['127.0.0.1', '10.0.0.0/8'] });
});

afterAll(async () => {
  await api.close();
  await tidings.close();
});

/** Sends a request with a key, as the proxy on this machine passes it on. */
function ask(from: string, key: string, server = api) {
  return server.get('/api/v1/users', bearer(key, { 'x-forwarded-for': from }));
}

/** Fails until the address is rejected; each of the first 300 failures is looked at. */
async function failOften(from: (i: number) => string, server = api): Promise<void> {
  for (let i = 0; i < 2 * FAILURES; i++) {
    const { status } = await ask(from(i), `a-wrong-key-${i}`, server);
    if (i < FAILURES) expect(status).toBe(401);
    else if (status === 429) return;
  }
  throw new Error('the address is never rejected');
}

test('an address with too many failed authentications is rejected, and others are not', async () => {
  await failOften(() => '203.0.113.7');
  const { status, body, headers } = await ask('203.0.113.7', 'a-wrong-key');
  expect([status, body.code]).toEqual([429, 'rate_limited']);
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await ask('203.0.113.7', ROOT_KEY)).status).toBe(429);
  expect((await ask('203.0.113.8', ROOT_KEY)).status).toBe(200);
});

test('a key that was right from the address before still is, so that one bad caller behind a proxy stops no other', async () => {
  expect((await ask('203.0.113.9', ROOT_KEY)).status).toBe(200);
  await failOften(() => '203.0.113.9');
  expect((await ask('203.0.113.9', 'a-wrong-key')).status).toBe(429);
  expect((await ask('203.0.113.9', ROOT_KEY)).status).toBe(200);
});

test('IPv6 addresses of one /64 are one', async () => {
  await failOften(() => '2001:db8:1:2::1');
  expect((await ask('2001:db8:1:2:ffff::9', 'a-wrong-key')).status).toBe(429);
  expect((await ask('2001:db8:1:3::1', 'a-wrong-key')).status).toBe(401);
});

test('of several addresses in x-forwarded-for the last one that is not a proxy counts', async () => {
  await failOften((i) => `198.51.100.${i % 250}, 203.0.113.20, 10.1.2.3`);
  expect((await ask('203.0.113.20, 192.0.2.1', 'a-wrong-key')).status).toBe(401);
});

test('the header is ignored if the caller is not a trusted proxy', async () => {
  const open = await testServer(tidings, { apiKeys: [ROOT_KEY] });
  await failOften((i) => `198.51.100.${i % 250}`, open);
  await open.close();
});

test('words in place of an address are one address', async () => {
  await failOften((i) => `unknown-${i}`);
});

test('without keys a caller from another machine is not local, whatever x-forwarded-host says', async () => {
  const local = await testServer(tidings, { trustedProxies: ['127.0.0.1'] });
  const headers = { 'x-forwarded-for': '203.0.113.7', 'x-forwarded-host': 'localhost' };
  expect((await local.get('/api/v1/users', headers)).status).toBe(401);
  expect((await local.get('/api/v1/users')).status).toBe(200);
  await local.close();
});

test('probes are not limited', async () => {
  for (let i = 0; i < 700; i++) expect((await api.get('/healthz/live')).status).toBe(200);
});

test('failures count also where anyone may ask who it is, and no key is looked at there beyond the limit', async () => {
  const whoAmI = (key?: string) =>
    api.get('/api/v1/session', { 'x-forwarded-for': '203.0.113.40', ...(key !== undefined && bearer(key)) });
  for (let i = 0; i < FAILURES; i++) expect((await whoAmI(`a-wrong-key-${i}`)).body.code).toBe('unauthorized');
  // Some failures are forgotten meanwhile: one every two seconds.
  for (let i = 0; (await ask('203.0.113.40', `a-wrong-key-${i}`)).status !== 429; i++) expect(i).toBeLessThan(FAILURES);
  expect((await whoAmI(ROOT_KEY)).body).toMatchObject({ actor: null, code: 'rate_limited', scopes: [] });
});

test('a page that asks who it is before the login does not use up the failures of its address', async () => {
  for (let i = 0; i <= FAILURES; i++) await api.get('/api/v1/session', { 'x-forwarded-for': '203.0.113.41' });
  expect((await ask('203.0.113.41', 'a-wrong-key')).status).toBe(401);
});

test.each([
  ['/api/docs/', '203.0.113.51'],
  ['/api/docs/openapi.json', '203.0.113.52'],
  ['/api/docs/openapi.yaml', '203.0.113.53'],
])('%s is limited per address', async (path, address) => {
  const headers = { 'x-forwarded-for': address };
  const statuses = new Set<number>();
  for (let i = 0; i < 30 && !statuses.has(429); i++) {
    const batch = Array.from({ length: 50 }, () => fetch(`${api.url}${path}`, { method: 'HEAD', headers }));
    for (const { status } of await Promise.all(batch)) statuses.add(status);
  }
  expect(statuses).toEqual(new Set([200, 429]));
});
