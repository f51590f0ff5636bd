import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';
import { raw } from './support/raw.ts';

/** The console is kept by browsers: its hashed files forever, its page until it is asked for again. */

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});

afterAll(() => api.close());

test('hashed files are immutable and compressed; the page that names them is asked for each time', async () => {
  const page = await api.server.get('/');
  expect(page.headers.get('cache-control')).toBe('no-cache');
  const [, asset = ''] = /src="(\/assets\/[^"]+\.js)"/.exec(page.body) ?? [];
  const { status, headers } = await api.server.get(asset, { 'accept-encoding': 'br' });
  expect([status, headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable']);
  expect(headers.get('content-encoding')).toBe('br');
  const tag = headers.get('etag') ?? '';
  // Not by fetch, which then asks for no cached response.
  expect((await raw(api.server.url, { path: asset, headers: { 'if-none-match': tag } })).status).toBe(304);
});
