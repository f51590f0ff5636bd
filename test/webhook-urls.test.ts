import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectProblem, type TestApi, testApi } from './support/api.ts';

/** URLs of webhook endpoints that would be shown otherwise than they are read. */

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

const URLS = [
  'https://example.com/a\nb',
  'https://exam\tple.com/',
  ' https://example.com/',
  'https://example.com/ ',
  'https://example.com/x y',
  'https://example.com/\ud800',
  'https://example.com/\u202egnp',
];

test.each(URLS)('%j is rejected, when it is created and when it is changed', async (url) => {
  const expected = { status: 422, code: 'invalid_webhook', pointer: '/url' };
  expectProblem(await api.server.post('/api/v1/webhooks', { url }), expected);
  const { status, body } = await api.server.post('/api/v1/webhooks', { url: 'https://example.com/' });
  expect(status).toBe(201);
  expectProblem(await api.server.send('PATCH', `/api/v1/webhooks/${body.endpoint_id}`, { url }), expected);
});
