import { afterAll, beforeAll, expect, test } from 'vitest';
import { bearer, ROOT_KEY } from './support/api-keys.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/* The address of a caller behind proxies, some of which write a port into x-forwarded-for. */

let tidings: TestTidings;
let server: TestServer;

beforeAll(async () => {
  tidings = await testTidings();
  const trustedProxies = ['::ffff:127.0.0.1', '10.0.0.0/8', '2001:db8:1::/48'];
  server = await testServer(tidings, { apiKeys: [ROOT_KEY], trustedProxies });
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});

/** Returns from where the audit log says that a change came. */
async function readOrigin(forwardedFor: string): Promise<string> {
  const headers = bearer(ROOT_KEY, { 'x-forwarded-for': forwardedFor });
  await server.post('/api/v1/keys', { name: 'shop', scopes: ['events:write'] }, headers);
  return (await server.get('/api/v1/audit-log?limit=1', bearer(ROOT_KEY))).body.entries[0].from;
}

test.each([
  ['203.0.113.7', '203.0.113.0/24'],
  ['203.0.113.7:4711', '203.0.113.0/24'],
  ['::ffff:203.0.113.7', '203.0.113.0/24'],
  ['2001:db8:2::7', '2001:db8:2::/48'],
  ['[2001:db8:2::7]:443', '2001:db8:2::/48'],
  ['203.0.113.7, 10.1.2.3', '203.0.113.0/24'],
  ['203.0.113.7:4711, 10.1.2.3:5000, [2001:db8:1::2]:443', '203.0.113.0/24'],
  ['198.51.100.1, 203.0.113.7:4711', '203.0.113.0/24'],
  ['a word', 'unknown'],
  ['203.0.113.7:x', 'unknown'],
])('%s is a caller in %s', async (forwardedFor, origin) => {
  expect(await readOrigin(forwardedFor)).toBe(origin);
});
