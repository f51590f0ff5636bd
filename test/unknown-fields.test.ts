import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectProblem, type TestApi, testApi } from './support/api.ts';

/** A field or a parameter that has no effect is a mistake of its caller: it is named, with the nearest one that exists. */

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});

afterAll(() => api.close());

test.each([
  ['/api/v1/queue?verbose=1', 'verbose', '"verbose" is not a parameter of this route; see /api/docs.'],
  ['/api/v1/waits/rules?limit=1', 'limit', '"limit" is not a parameter of this route; see /api/docs.'],
  ['/api/v1/deliveries?before=x', 'before', '"before" is not a parameter of this route; see /api/docs.'],
  ['/api/v1/users?prefx=a', 'prefx', '"prefx" is not a parameter of this route; did you mean prefix?'],
])('GET %s', async (path, pointer, detail) => {
  const answer = await api.server.get(path);
  expectProblem(answer, { status: 400, code: 'invalid_request', pointer });
  expect(answer.body.detail).toBe(detail);
});

test.each([
  ['/api/v1/catalog', { files: {}, dry_rnu: true }, '/dry_rnu', 'did you mean dry_run?'],
  ['/api/v1/catalog/rollback', { version: 1, reason: 'x' }, '/reason', 'see /api/docs.'],
  [
    '/api/v1/jobs',
    { action: 'deliveries.retry', filter: { chanel: 'sms' } },
    '/filter/chanel',
    'did you mean channel?',
  ],
  ['/api/v1/jobs', { action: 'waits.cancel', filter: { rule: 'A' }, nmae: 'x' }, '/nmae', 'did you mean name?'],
  ['/api/v1/waits/01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e/cancel', { force: true }, '/force', 'see /api/docs.'],
])('POST %s %j', async (path, body, pointer, right) => {
  const answer = await api.server.post(path, body);
  expectProblem(answer, { status: 400, code: 'invalid_request', pointer });
  expect(answer.body.detail.endsWith(right)).toBe(true);
});

test('a command without a body takes an empty object', async () => {
  const unknown = '/api/v1/waits/01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e/cancel';
  expectProblem(await api.server.post(unknown, {}), { status: 404, code: 'not_found' });
});

test('the envelope of an event keeps further fields as context', async () => {
  const event = {
    user_id: 'u',
    event_type: 'signup_completed',
    event_timestamp: '2025-10-31T10:00:00Z',
    shop: 'Lisbon',
  };
  expect((await api.server.post('/api/v1/events', event)).status).toBe(202);
});
