import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CASES, type Case } from './fintech-cases.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

let tidings: TestTidings;
let server: TestServer;
let runs = 0;

beforeAll(async () => {
  tidings = await testTidings();
  server = await testServer(tidings);
});

afterAll(async () => {
  await server.close();
  await tidings.close();
});

describe.each(CASES)('$name', ({ events, sends }) => {
  test('in one request', async () => {
    expect(await sent(events, (all) => [all])).toEqual(sends);
  });

  test('in one request per event', async () => {
    expect(await sent(events, (all) => all.map((one) => [one]))).toEqual(sends);
  });

  test.runIf(events.length > 1)('in every order of arrival, together and apart', async () => {
    for (const order of permutations(events)) {
      expect(await sent(order, (all) => [all])).toEqual(sends);
      expect(await sent(order, (all) => all.map((one) => [one]))).toEqual(sends);
    }
  });
});

test('each rule that an event triggers has a decision', async () => {
  const { body } = await server.post('/api/v1/events', {
    user_id: 'complete',
    event_type: 'payment_failed',
    event_timestamp: '2025-10-31T10:00:00Z',
    properties: { failure_reason: 'EXPIRED_CARD' },
  });
  expect(body.results[0].decisions.map((d: { rule: string; reason_code: string }) => [d.rule, d.reason_code])).toEqual([
    ['INSUFFICIENT_FUNDS_EMAIL', 'condition_false'],
    ['HIGH_RISK_ALERT', 'field_missing'],
  ]);
});

/** Posts the events for users of this run only, and returns the number of stored notifications by type. */
async function sent(
  events: Case['events'],
  split: (all: Case['events']) => readonly Case['events'][],
): Promise<object> {
  const run = `run ${runs++} `;
  const own = events.map((event) => ({ ...event, user_id: run + (event as { user_id: string }).user_id }));
  for (const request of split(own)) {
    const { status } = await server.post('/api/v1/events', request);
    expect(status).toBe(202);
  }
  const { rows } = await tidings.database.pool.query<{ type: string; count: number }>(
    `select notification_type as type, count(*) as count from notifications where starts_with(user_id, $1) group by 1`,
    [run],
  );
  return Object.fromEntries(rows.map(({ type, count }) => [type, count]));
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, i) =>
    permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]),
  );
}
