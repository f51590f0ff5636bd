import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectAnswer, expectProblem, ODD_IDS, useFuzzedServer } from './support/fuzz.ts';
import { runs } from './support/properties.ts';
import { postRaw, raw } from './support/raw.ts';

const app = useFuzzedServer();

const SIGNUP = { event_type: 'signup_completed', event_timestamp: '2025-10-31T10:00:00Z' };
const DEEP = 10_000;

describe('arbitrary JSON', () => {
  const anyJson = fc.jsonValue({ noUnicodeString: false, maxDepth: 4 });
  const nearlyEvent = fc.record(
    {
      event_id: fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), anyJson),
      user_id: fc
        .oneof(
          { weight: 4, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 260 }) },
          { weight: 1, arbitrary: anyJson },
        )
        .filter((id) => !(ODD_IDS as unknown[]).includes(id)),
      event_type: fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom('signup_completed', 'payment_failed', 'link_bank_success', 'other') },
        { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
      ),
      event_timestamp: fc.oneof(
        {
          weight: 4,
          arbitrary: fc
            .date({ noInvalidDate: true, min: new Date(-6e13), max: new Date(2.5e14) })
            .map((d) => d.toISOString()),
        },
        { weight: 1, arbitrary: fc.string() },
      ),
      properties: fc.oneof(
        fc.record({ attempt_number: anyJson, failure_reason: anyJson, amount: anyJson }, { requiredKeys: [] }),
        fc.dictionary(fc.string({ unit: 'binary' }), anyJson),
        anyJson,
      ),
      user_traits: fc.oneof(
        fc.record(
          { marketing_opt_in: anyJson, email: anyJson, phone: anyJson, time_zone: anyJson, locale: anyJson },
          { requiredKeys: [] },
        ),
        fc.dictionary(fc.string({ unit: 'binary' }), anyJson),
      ),
    },
    { requiredKeys: ['user_id', 'event_type', 'event_timestamp'] },
  );

  test('as the body gives a valid response', async () => {
    await fc.assert(
      fc.asyncProperty(anyJson, async (value) => {
        const answer = await postRaw(app.server.url, '/api/v1/events', JSON.stringify(value));
        if (Array.isArray(value)) expectAnswer(answer, value.length);
        else if (value !== null && typeof value === 'object') expectAnswer(answer, 1);
        else expectProblem(answer);
      }),
      runs(150),
    );
  });

  test('as the fields of events gives a result for each, and accepted events are in the audit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ weight: 6, arbitrary: nearlyEvent }, { weight: 1, arbitrary: anyJson }), { maxLength: 8 }),
        async (items) => {
          const answer = await postRaw(app.server.url, '/api/v1/events', JSON.stringify(items));
          expectAnswer(answer, items.length);
          for (const [index, result] of answer.body.results.entries()) {
            if (result.status !== 'accepted') continue;
            const { user_id, event_type } = items[index] as { user_id: string; event_type: string };
            const { recent_events } = await auditOf(user_id);
            const found = recent_events.find((one: { event_id: string }) => one.event_id === result.event_id);
            expect(found?.event_type).toBe(event_type);
          }
        },
      ),
      runs(150),
    );
  });

  test('as bytes gives a valid response', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.boolean(), async (bytes, inList) => {
        const body = inList ? Buffer.concat([Buffer.from('["'), bytes, Buffer.from('"]')]) : Buffer.from(bytes);
        const answer = await postRaw(app.server.url, '/api/v1/events', body);
        if ('results' in answer.body) expectAnswer(answer, answer.body.results.length);
        else expectProblem(answer);
      }),
      runs(150),
    );
  });

  test('as the correction of a rejected event gives a valid response', async () => {
    app.tidings.clock.now += 1000;
    await postRaw(app.server.url, '/api/v1/events', '{"user_id":"to be corrected"}');
    const { body } = await app.server.get('/api/v1/events/rejected?limit=1');
    const path = `/api/v1/events/rejected/${body.rejected[0].rejected_id}/retry`;
    const bad = [[], [[]], 1, 'x', true, { user_id: 1 }, Array(1001).fill(SIGNUP), { a: { b: {} } }];
    for (const value of bad) {
      const answer = await postRaw(app.server.url, path, JSON.stringify(value));
      if ('results' in answer.body) expectAnswer(answer, 1);
      else expectProblem(answer);
      expect(answer.status).toBeGreaterThanOrEqual(400);
    }
    for (const text of ['[', '\0', '['.repeat(DEEP) + ']'.repeat(DEEP)]) {
      const answer = await postRaw(app.server.url, path, text);
      if (typeof answer.body === 'object' && 'results' in answer.body) expectAnswer(answer, 1);
      else expectProblem(answer);
    }
  });
});

async function auditOf(userId: string) {
  const { status, body } = await raw(app.server.url, { path: `/api/v1/audit/${encodeURIComponent(userId)}?limit=200` });
  expect(status).toBe(200);
  return body;
}
