import { afterAll, beforeAll, expect, test } from 'vitest';
import { payment, type TestApi, testApi } from './support/api.ts';

/** Responses are compressed if they are large and the caller accepts it. */

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
  await api.server.post(
    '/api/v1/events',
    Array.from({ length: 30 }, () => payment({ user_id: 'many' })),
  );
});

afterAll(() => api.close());

const encodingOf = async (path: string, accept: string) =>
  (await api.server.get(path, { 'accept-encoding': accept })).headers.get('content-encoding');

test.each([
  ['gzip', 'gzip'],
  ['br', 'br'],
  ['gzip, deflate, br', 'br'],
  ['br;q=0.1, gzip;q=0.9', 'gzip'],
  ['*', 'br'],
  ['*;q=0', null],
  ['identity', null],
  ['gzip;q=0', null],
])('a large response, accepted as %s, is sent as %s', async (accept, encoding) => {
  expect(await encodingOf('/api/v1/audit/many', accept)).toBe(encoding);
});

test('the compressed response is the same, and says that it depends on what is accepted', async () => {
  const plain = await api.server.get('/api/v1/audit/many', { 'accept-encoding': 'identity' });
  const packed = await api.server.get('/api/v1/audit/many', { 'accept-encoding': 'br' });
  expect(packed.body).toEqual(plain.body);
  expect([plain.headers.get('vary'), packed.headers.get('vary')]).toEqual(['accept-encoding', 'accept-encoding']);
});

test('a small response is not compressed', async () => {
  expect(await encodingOf('/api/v1/audit/unknown-user', 'gzip, br')).toBeNull();
});

test('the pages of documentation are compressed, with a request id', async () => {
  const response = await fetch(`${api.server.url}/api/openapi.json`, { headers: { 'accept-encoding': 'gzip' } });
  expect(response.headers.get('content-encoding')).toBe('gzip');
  expect(response.headers.get('x-request-id')).toMatch(/^req_/);
});
