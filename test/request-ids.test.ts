import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';

/** Every response names its request, by the id of the caller if that is well-formed. */

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});

afterAll(() => api.close());

const GENERATED = /^req_[0-9a-f-]{36}$/;

test.each(['/api/v1/deliveries', '/api/v1/nothing', '/%', '/healthz/live', '/', '/api/docs/errors'])(
  'the response to GET %s has an id',
  async (path) => {
    expect((await fetch(`${api.server.url}${path}`)).headers.get('x-request-id')).toMatch(GENERATED);
  },
);

test('a well-formed id of the caller is used, in the header and in the problem', async () => {
  const given = { 'x-request-id': 'order/4711:retry.2' };
  expect((await api.server.get('/api/v1/deliveries', given)).headers.get('x-request-id')).toBe('order/4711:retry.2');
  const { headers, body } = await api.server.get('/api/v1/deliveries?limit=x', given);
  expect([headers.get('x-request-id'), body.request_id]).toEqual(['order/4711:retry.2', 'order/4711:retry.2']);
});

test.each(['with a space', '<script>', 'a'.repeat(129), '-leading', 'quote"'])('%j is replaced', async (given) => {
  const { headers } = await api.server.get('/api/v1/deliveries', { 'x-request-id': given });
  expect(headers.get('x-request-id')).toMatch(GENERATED);
});
