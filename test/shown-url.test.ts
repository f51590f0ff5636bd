import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** The answer of the server to requests that show another URL than the public one, for `tidings doctor`. */

let tidings: TestTidings;
let server: TestServer;

beforeAll(async () => {
  tidings = await testTidings();
  server = await testServer(tidings, { publicUrl: 'https://tidings.bank.pt' });
});

afterAll(async () => {
  await server.close();
  await tidings.close();
});

/** Not by fetch, which writes the host itself. */
function ask(url: string, headers: Record<string, string>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/healthz/live`, { headers }, (response) => {
      response.resume();
      resolve(response.headers['x-tidings-public-url']);
    });
    sent.on('error', reject).end();
  });
}

test.each<[string, Record<string, string>]>([
  ['agrees', { host: 'tidings.bank.pt' }],
  ['agrees', { host: 'TIDINGS.bank.pt:443', 'x-forwarded-proto': 'https', 'x-forwarded-port': '443' }],
  [
    'agrees',
    { host: 'backend:8000', 'x-forwarded-host': 'tidings.bank.pt, inner', 'x-forwarded-proto': 'https, http' },
  ],
  ['host', { host: 'backend:8000', 'x-forwarded-proto': 'https' }],
  ['host', { host: '%' }],
  ['x-forwarded-host', { host: 'tidings.bank.pt', 'x-forwarded-host': 'other.bank.pt' }],
  ['x-forwarded-proto', { host: 'tidings.bank.pt', 'x-forwarded-proto': 'http' }],
  ['host, x-forwarded-port', { host: 'backend', 'x-forwarded-port': '8443' }],
])('it says %s of a request with %j, and no value of it', async (said, headers) => {
  expect(await ask(server.url, headers)).toBe(said);
});

test('without a public URL it says nothing', async () => {
  const other = await testServer(tidings);
  try {
    expect(await ask(other.url, { host: 'a' })).toBeUndefined();
  } finally {
    await other.close();
  }
});
