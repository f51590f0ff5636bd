import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem, payment, type TestApi, testApi } from './support/api.ts';
import type { TestServer } from './support/http.ts';

let api: TestApi;
let server: TestServer;

beforeAll(async () => {
  api = await testApi();
  server = api.server;
});

afterAll(() => api.close());

describe('POST /api/v1/events', () => {
  test('answers 202 with a result for each event, in the order of the request', async () => {
    const events = [
      payment({ event_id: 'first', properties: { failure_reason: 'INSUFFICIENT_FUNDS', attempt_number: 1 } }),
      { user_id: 'x', event_type: 'payment_failed' },
      payment({ event_id: 'third', event_type: 'something_else' }),
    ];
    const { status, body } = await server.post('/api/v1/events', events);
    expect(status).toBe(202);
    expect(body).toEqual({
      accepted: 2,
      duplicates: 0,
      rejected: [
        {
          index: 1,
          code: 'invalid_event',
          path: 'event_timestamp',
          message: 'event_timestamp is missing; write it like "2025-10-31T19:00:00Z"',
        },
      ],
      results: [
        {
          event_id: 'first',
          status: 'accepted',
          decisions: [
            {
              decision_id: expect.any(String),
              rule: 'INSUFFICIENT_FUNDS_EMAIL',
              notification_type: 'INSUFFICIENT_FUNDS_EMAIL',
              outcome: 'send',
              reason_code: 'matched',
              reason:
                'To be sent: event.failure_reason == "INSUFFICIENT_FUNDS" holds and the limit allows it (1 of 1 per day).',
              notification_id: expect.any(String),
            },
            {
              decision_id: expect.any(String),
              rule: 'HIGH_RISK_ALERT',
              notification_type: 'HIGH_RISK_ALERT',
              outcome: 'not_matched',
              reason_code: 'condition_false',
              reason: 'Not sent: the rule needs event.attempt_number >= 3, and event.attempt_number was 1.',
              notification_id: null,
            },
          ],
        },
        { event_id: null, status: 'rejected', decisions: [] },
        { event_id: 'third', status: 'accepted', decisions: [] },
      ],
    });
  });

  test('accepts a single object, and requests to POST /events', async () => {
    for (const path of ['/api/v1/events', '/events']) {
      const { status, body } = await server.post(path, payment());
      expect([status, body.accepted, body.results.length]).toEqual([202, 1, 1]);
      expect(body.results[0].event_id).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  test('answers 202 with zeros to an empty list', async () => {
    const { status, body } = await server.post('/api/v1/events', []);
    expect([status, body]).toEqual([202, { accepted: 0, duplicates: 0, rejected: [], results: [] }]);
  });

  test('answers 422 with the same body if no event is accepted', async () => {
    const { status, headers, body } = await server.post('/api/v1/events', [payment({ properties: { amount: 'ten' } })]);
    expect(status).toBe(422);
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(body.rejected).toEqual([
      { index: 0, code: 'schema_mismatch', path: 'properties.amount', message: expect.stringContaining('"ten"') },
    ]);
    expect(body.results).toEqual([{ event_id: null, status: 'rejected', decisions: [] }]);
  });

  test('answers 202 with the stored decisions to a duplicate', async () => {
    const event = payment({ event_id: 'again', properties: { attempt_number: 3 } });
    const first = await server.post('/api/v1/events', event);
    const second = await server.post('/api/v1/events', event);
    expect(second.status).toBe(202);
    expect(second.body).toMatchObject({ accepted: 0, duplicates: 1, rejected: [] });
    expect(second.body.results).toEqual([{ ...first.body.results[0], status: 'duplicate' }]);
    // Without an id, the content is the identity, also within one request.
    const bare = payment();
    const both = await server.post('/api/v1/events', [bare, bare]);
    expect(both.body.results.map((one: { status: string }) => one.status)).toEqual(['accepted', 'duplicate']);
  });

  test('reports a conflict for the same id with other content', async () => {
    const event = payment({ event_id: 'mine' });
    await server.post('/api/v1/events', event);
    const { status, body } = await server.post('/api/v1/events', [
      { ...event, properties: { attempt_number: 9 } },
      payment(),
    ]);
    expect(status).toBe(202);
    expect(body).toMatchObject({ accepted: 1, duplicates: 0 });
    expect(body.rejected).toEqual([
      {
        index: 0,
        code: 'event_id_conflict',
        path: 'event_id',
        message: 'event_id is already stored with other content; a new event needs an id of its own',
      },
    ]);
    expect(body.results[0]).toEqual({ event_id: 'mine', status: 'conflict', decisions: [] });
  });

  test.each([
    ['not JSON', '{"user_id":', 400, 'invalid_json'],
    ['a number', '1', 422, 'invalid_body'],
    ['null', 'null', 422, 'invalid_body'],
    ['a text', '"event"', 422, 'invalid_body'],
    ['an empty body', '', 400, 'invalid_json'],
    ['1001 events', JSON.stringify(Array(1001).fill({})), 422, 'too_many_events'],
    ['more than 5 MiB', `["${'x'.repeat(5 * 1024 * 1024)}"]`, 413, 'payload_too_large'],
  ])('answers with a problem document to %s', async (_name, body, status, code) => {
    expectProblem(await server.post('/api/v1/events', body), { status, code });
  });

  test('answers with a problem document to a body that is not UTF-8', async () => {
    const body = Uint8Array.of(0x22, 0xff, 0x22);
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${server.url}/api/v1/events`, { method: 'POST', headers, body });
    expectProblem(
      { status: response.status, headers: response.headers, body: await response.json() },
      { status: 400, code: 'invalid_json' },
    );
  });

  test('accepts 1000 events', async () => {
    const { status, body } = await server.post(
      '/api/v1/events',
      Array.from({ length: 1000 }, () => payment()),
    );
    expect([status, body.accepted]).toEqual([202, 1000]);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml'])(
    'answers 415 to %s',
    async (type) => {
      const answer = await server.post('/api/v1/events', JSON.stringify(payment()), { 'content-type': type });
      expectProblem(answer, { status: 415, code: 'unsupported_media_type' });
    },
  );
});
