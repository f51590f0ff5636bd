import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** A page of another origin can make a browser send requests here; it must not change anything with them. */

let tidings: TestTidings;
let server: TestServer;

beforeAll(async () => {
  tidings = await testTidings();
  server = await testServer(tidings);
});

afterAll(async () => {
  await server.close();
  await tidings.close();
});

const EVENT = JSON.stringify({ user_id: 'o', event_type: 'seen', event_timestamp: '2025-11-20T10:00:00Z' });

async function send(method: string, path: string, headers: { readonly [name: string]: string }) {
  const body = method === 'POST' ? EVENT : undefined;
  // `sec-fetch-*` cannot be set with fetch of a browser; that of Node lets it pass.
  const response = await fetch(server.url + path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body }),
  });
  const answer = (await response.json()) as { code?: string };
  return [response.status, answer.code];
}

test.each([
  ['another site', { origin: 'https://evil.example' }],
  ['another port of this machine', { origin: 'http://localhost:3000' }],
  ['a sandboxed page or a file', { origin: 'null' }],
  ['another site, as the browser says', { 'sec-fetch-site': 'cross-site' }],
  ['a sibling site, as the browser says', { 'sec-fetch-site': 'same-site' }],
])('a write from %s is rejected', async (_name, headers) => {
  for (const path of ['/api/v1/events', '/events', '/api/v1/events/rejected/1/retry', '/api/v1/unknown']) {
    expect(await send('POST', path, headers)).toEqual([403, 'foreign_origin']);
  }
  expect(await send('DELETE', '/api/v1/catalog', headers)).toEqual([403, 'foreign_origin']);
});

test('a write from a program, which sends no origin, is accepted', async () => {
  expect(await send('POST', '/api/v1/events', {})).toEqual([202, undefined]);
});

test('a write from the console is accepted, also behind a proxy that changes the host', async () => {
  expect(await send('POST', '/api/v1/events', { origin: server.url })).toEqual([202, undefined]);
  const behindProxy = { origin: 'https://tidings.example.com', 'sec-fetch-site': 'same-origin' };
  expect(await send('POST', '/api/v1/events', behindProxy)).toEqual([202, undefined]);
});

test('reading is not concerned', async () => {
  expect(await send('GET', '/api/v1/events/rejected', { origin: 'https://evil.example' })).toEqual([200, undefined]);
});
