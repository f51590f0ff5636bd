import { afterAll, beforeAll, expect, test } from 'vitest';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** One wrong clock must not freeze a profile: a trait with a time in 2035 would not change again until then. */

let tidings: TestTidings;

beforeAll(async () => {
  tidings = await testTidings();
});

afterAll(async () => {
  await tidings.close();
});

async function post(time: string, traits: object = {}) {
  const [result] = await tidings.pipeline.ingest(TENANT, [
    { user_id: 'clock', event_type: 'seen', event_timestamp: time, user_traits: traits },
  ]);
  return result;
}

test.each(['2035-01-01T00:00:00Z', '2525-01-01T00:00:00Z', '2025-11-21T12:00:00.001Z'])(
  'rejects an event of %s: more than 24 hours ahead',
  async (time) => {
    expect(await post(time, { name: 'frozen' })).toMatchObject({
      status: 'rejected',
      code: 'event_in_future',
      path: 'event_timestamp',
      message: expect.stringContaining('accepts times up to 2025-11-21T12:00:00.000Z'),
    });
  },
);

test.each(['0001-01-01T00:00:00Z', '1900-01-01T00:00:00Z', '1969-12-31T23:59:59.999Z'])(
  'rejects an event of %s: an unset field, not a time',
  async (time) => {
    expect(await post(time)).toMatchObject({ status: 'rejected', code: 'invalid_timestamp', path: 'event_timestamp' });
  },
);

test.each(['1970-01-01T00:00:00Z', '2025-11-21T12:00:00Z'])('accepts an event of %s', async (time) => {
  expect(await post(time)).toMatchObject({ status: 'accepted' });
});

test('a rejected event is in the quarantine, and accepted when its time is near enough', async () => {
  const time = '2025-11-23T00:00:00Z';
  expect(await post(time)).toMatchObject({ code: 'event_in_future' });
  const { rows } = await tidings.database.pool.query(`select code from rejected_events where code = 'event_in_future'`);
  expect(rows.length).toBeGreaterThan(0);
  tidings.clock.now = Date.parse('2025-11-22T00:00:00Z');
  expect(await post(time)).toMatchObject({ status: 'accepted' });
});
