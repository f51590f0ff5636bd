import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureElements } from '../scripts/install.mjs';
import { testServer } from './support/http.ts';
import { type InboxTidings, inboxTidings } from './support/inbox.ts';

/** Pages of other sites: what they may load, and what they may call with the token of a user. */

const SHOP = 'https://shop.example.com';
let inbox: InboxTidings;
let headers: { authorization: string };

beforeAll(async () => {
  await ensureElements();
  inbox = await inboxTidings({ allowedOrigins: [SHOP] });
  await inbox.tell('ann', 'one');
  const { body } = await inbox.server.post('/api/v1/users/ann/tokens', {});
  headers = { authorization: `Bearer ${body.token}` };
});

afterAll(() => inbox.close());

const preflight = (url: string, origin: string, path: string) =>
  fetch(`${url}${path}`, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
  });

test('a page of an origin that is named calls /api/v1/me with a token, and reads its errors', async () => {
  const asked = await preflight(inbox.server.url, SHOP, '/api/v1/me/inbox/read-all');
  expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([204, SHOP]);
  expect(asked.headers.get('access-control-allow-headers')).toContain('last-event-id');
  expect(asked.headers.get('access-control-allow-credentials')).toBeNull();
  const foreign = { ...headers, origin: SHOP, 'sec-fetch-site': 'cross-site' };
  const list = await inbox.server.get('/api/v1/me/inbox', foreign);
  expect([list.status, list.headers.get('access-control-allow-origin')]).toEqual([200, SHOP]);
  expect(list.headers.get('vary')).toContain('origin');
  expect((await inbox.server.post('/api/v1/me/inbox/seen-all', {}, foreign)).status).toBe(200);
  const rejected = await inbox.server.get('/api/v1/me/inbox', { origin: SHOP, authorization: 'Bearer a.b.c' });
  expect([rejected.status, rejected.headers.get('access-control-allow-origin')]).toEqual([401, SHOP]);
});

test('a page of another origin, or another path, is not let in', async () => {
  const evil = { ...headers, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
  const asked = await preflight(inbox.server.url, 'https://evil.example', '/api/v1/me/inbox');
  expect(asked.headers.get('access-control-allow-origin')).toBeNull();
  const read = await inbox.server.get('/api/v1/me/inbox', evil);
  expect(read.headers.get('access-control-allow-origin')).toBeNull();
  expect((await inbox.server.post('/api/v1/me/inbox/read-all', {}, evil)).body.code).toBe('foreign_origin');
  for (const path of ['/api/v1/users', '/api/v1/mess', '/api/v1/events']) {
    const other = await preflight(inbox.server.url, SHOP, path);
    expect([path, other.headers.get('access-control-allow-origin')]).toEqual([path, null]);
  }
  const event = { user_id: 'o', event_type: 'noted', event_timestamp: '2025-11-20T10:00:00Z' };
  const write = await inbox.server.post('/api/v1/events', event, { origin: SHOP, 'sec-fetch-site': 'cross-site' });
  expect(write.body.code).toBe('foreign_origin');
});

test('`*` lets every origin in, and without the setting none is', async () => {
  const open = await testServer(inbox.tidings, { allowedOrigins: ['*'] });
  const closed = await testServer(inbox.tidings);
  const asked = await preflight(open.url, 'https://any.example', '/api/v1/me/inbox');
  expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
  expect((await preflight(closed.url, SHOP, '/api/v1/me/inbox')).headers.get('access-control-allow-origin')).toBeNull();
  await Promise.all([open.close(), closed.close()]);
});

test('the elements are served to any site: compressed, with their hash, and under a URL that never changes', async () => {
  const answer = await fetch(`${inbox.server.url}/elements/v1/integrity.json`);
  const { scripts } = (await answer.json()) as {
    scripts: { name: string; url: string; bytes: number; integrity: string }[];
  };
  const tidings = scripts[0] as (typeof scripts)[number];
  const plain = await readRaw('/elements/v1/tidings.js', {});
  expect(tidings).toMatchObject({
    name: 'tidings.js',
    bytes: plain.content.length,
    integrity: `sha384-${createHash('sha384').update(plain.content).digest('base64')}`,
  });
  expect(plain.headers).toMatchObject({
    'access-control-allow-origin': '*',
    'cross-origin-resource-policy': 'cross-origin',
    'content-type': 'text/javascript; charset=utf-8',
    'cache-control': expect.stringContaining('max-age=300'),
  });
  for (const [encoding, open] of [
    ['br', brotliDecompressSync],
    ['gzip', gunzipSync],
  ] as const) {
    const packed = await readRaw('/elements/v1/tidings.js', { 'accept-encoding': encoding });
    expect(packed.headers['content-encoding']).toBe(encoding);
    expect(open(packed.content).equals(plain.content)).toBe(true);
    const again = await readRaw('/elements/v1/tidings.js', {
      'accept-encoding': encoding,
      'if-none-match': String(packed.headers.etag),
    });
    expect([again.status, again.content.length]).toEqual([304, 0]);
  }
  const fixed = await readRaw(tidings.url, {});
  expect([fixed.status, fixed.headers['cache-control'], fixed.content.equals(plain.content)]).toEqual([
    200,
    expect.stringContaining('immutable'),
    true,
  ]);
  expect((await inbox.server.get('/elements/v1/tidings-000000000000.js')).status).toBe(404);
  expect((await inbox.server.get('/elements/v1/..%2fpackage.json')).status).toBe(404);
});

test('the demo is served where callers on this machine need no key, under a strict policy, and nowhere else', async () => {
  const page = await inbox.server.get('/elements/demo');
  expect(page.status).toBe(200);
  expect(page.headers.get('content-security-policy')).toMatch(/style-src 'self';.*require-trusted-types-for 'script'/);
  const closed = await testServer(inbox.tidings, { apiKeys: ['a-key-of-this-test'] });
  expect((await closed.get('/elements/demo')).status).toBe(404);
  expect((await closed.get('/elements/v1/tidings.js')).status).toBe(200);
  await closed.close();
});

/** Reads a response as it comes: `fetch` would decompress it. */
function readRaw(path: string, sent: { [name: string]: string }) {
  return new Promise<{ status: number; headers: { [name: string]: unknown }; content: Buffer }>((resolve, reject) => {
    request(`${inbox.server.url}${path}`, { headers: sent, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, content: Buffer.concat(chunks) }),
      );
    })
      .on('error', reject)
      .end();
  });
}
