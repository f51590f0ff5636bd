import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { type Program, tidings } from './support/program.ts';
import { FINTECH } from './support/tidings.ts';

/** Reads of one user with a long history must not keep the events of others waiting. */

const EVENTS = 60_000;
const READERS = 25;

let database: TestDatabase;
let program: Program;
let url: string;

beforeAll(async () => {
  database = await testDatabase();
  program = tidings(['start', '--json'], {
    env: { DATABASE_URL: database.url, PORT: '0', TIDINGS_CATALOG: FINTECH, TIDINGS_LOG_LEVEL: 'error' },
  });
  url = (await program.ready()).url as string;
  await post('busy');
  await database.pool.query(
    `insert into events (tenant_id, user_id, event_time, key, event_type, received_at, properties, traits, catalog_version, decisions)
     select tenant_id, user_id, event_time - n * interval '1 second', gen_random_uuid(), event_type, received_at, properties,
            traits, catalog_version, decisions
     from events, generate_series(1, ${EVENTS}) as n where user_id = 'busy'`,
  );
});

afterAll(async () => {
  program.kill('SIGTERM');
  await program.ended;
  await database.drop();
});

function post(userId: string): Promise<Response> {
  return fetch(`${url}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      user_id: userId,
      event_type: 'payment_failed',
      event_timestamp: new Date().toISOString(),
      properties: { amount: 1, attempt_number: 1, failure_reason: 'CARD_EXPIRED' },
    }),
  });
}

async function explain() {
  const response = await fetch(`${url}/api/v1/explain/busy/HIGH_RISK_ALERT`);
  return { status: response.status, body: (await response.json()) as { paragraph?: string; is_complete?: boolean } };
}

test('an explanation examines a bounded part of a long history, and says so', async () => {
  const { status, body } = await explain();
  expect(status).toBe(200);
  expect(body).toMatchObject({ is_complete: false, paragraph: expect.stringContaining('at least 10000 times') });
});

test('25 explanations at once keep neither an event nor the health check waiting', async () => {
  const reading = Promise.all(Array.from({ length: READERS }, explain));
  let isReading = true;
  void reading.then(() => {
    isReading = false;
  });
  let posted = 0;
  while (isReading) {
    const response = await post(`other ${posted++}`);
    expect(response.status).toBe(202);
    expect((await fetch(`${url}/healthz/ready`)).status).toBe(200);
  }
  expect(posted).toBeGreaterThan(0);
  for (const { status } of await reading) expect([200, 503]).toContain(status);
});
