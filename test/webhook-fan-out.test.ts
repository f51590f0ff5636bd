import type pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebhookRelay } from '../src/outbox/webhook-relay.ts';
import { type TestFacts, testFacts } from './support/facts.ts';
import { silent } from './support/tidings.ts';

/** The relay from facts to endpoints: pages, interruptions, and other tenants. */

let facts: TestFacts;
beforeEach(async () => {
  facts = await testFacts();
});
afterEach(() => facts.close());

const LEASE = 60_000;

/** Adds endpoints that subscribe to orders, without a request for each. */
async function addEndpoints(count: number, tenantId = 'default'): Promise<void> {
  await facts.tidings.database.pool.query(
    `insert into webhook_endpoints (tenant_id, endpoint_id, url, event_types, sealed, state_changed_at, operation_id, created_at, updated_at)
     select $2, gen_random_uuid(), 'https://example.com/', '{order.*}', '', now(), 'o' || n, now(), now()
     from generate_series(1, $1::int) as n`,
    [count, tenantId],
  );
}

function relay(pool: pg.Pool = facts.tidings.database.pool): WebhookRelay {
  return new WebhookRelay({ pool, clock: () => facts.tidings.clock.now, log: silent, lease: LEASE });
}

async function countDeliveries(): Promise<{ deliveries: number; pairs: number; left: number }> {
  const { rows } = await facts.tidings.database.pool.query(
    `select count(*)::int as deliveries, count(distinct (notification_id, target))::int as pairs,
            (select count(*)::int from webhook_facts) as left
     from deliveries where channel = 'webhook'`,
  );
  return rows[0];
}

/**
 * Returns a pool of a process that is killed at its statement of this number: before the server has it, or after it was committed
 * and before the process knows.
 */
function killedAt(statement: number, when: 'before' | 'after') {
  const { pool } = facts.tidings.database;
  let sent = 0;
  let wasKilled = false;
  const query = async (...args: unknown[]) => {
    if (wasKilled) throw new Error('killed');
    const isLast = ++sent === statement;
    if (isLast && when === 'before') wasKilled = true;
    if (wasKilled) throw new Error('killed');
    const result = await (pool.query as (...all: unknown[]) => Promise<unknown>)(...args);
    if (!isLast) return result;
    wasKilled = true;
    throw new Error('killed');
  };
  return { pool: { query } as unknown as pg.Pool, wasKilled: () => wasKilled };
}

test('1000 endpoints get one delivery each of every fact, in pages', async () => {
  await addEndpoints(1000);
  for (let n = 0; n < 3; n++) await facts.post('order.created');
  await relay().runDue();
  expect(await countDeliveries()).toEqual({ deliveries: 3000, pairs: 3000, left: 0 });
  const { rows } = await facts.tidings.database.pool.query(
    `select distinct status, user_id, notification_type, retry_until - due_at > interval '27 h' as is_long from deliveries where channel = 'webhook'`,
  );
  expect(rows).toEqual([{ status: 'queued', user_id: 'user 1', notification_type: 'order.created', is_long: true }]);
});

test.each(['before', 'after'] as const)(
  'a process that is killed at any step, %s its statement, leaves what another one completes: one delivery for each endpoint',
  async (when) => {
    await addEndpoints(250);
    let made = 0;
    for (let statement = 1; ; statement++) {
      await facts.post('order.created');
      await facts.post('order.paid');
      made += 500;
      const cut = killedAt(statement, when);
      await relay(cut.pool)
        .runDue()
        .catch(() => undefined);
      facts.tidings.clock.now += LEASE + 1;
      await relay().runDue();
      expect(await countDeliveries()).toEqual({ deliveries: made, pairs: made, left: 0 });
      if (!cut.wasKilled()) break;
      expect(statement).toBeLessThan(20);
    }
  },
);

test('a worker that goes on after its claim has expired, and another one at once, make no delivery twice', async () => {
  await addEndpoints(350);
  for (let n = 0; n < 30; n++) await facts.post('order.created');
  const all = [relay(), relay(), relay()];
  await Promise.all(
    all.map(async (one) => {
      facts.tidings.clock.now += LEASE + 1;
      await one.runDue();
    }),
  );
  facts.tidings.clock.now += LEASE + 1;
  await relay().runDue();
  expect(await countDeliveries()).toEqual({ deliveries: 10_500, pairs: 10_500, left: 0 });
});

test('an endpoint never receives anything of another tenant', async () => {
  const { pool } = facts.tidings.database;
  await pool.query(`insert into tenants (tenant_id, name) values ('other', 'Other')`);
  await addEndpoints(3, 'other');
  await facts.post('order.created');
  expect(await countDeliveries()).toEqual({ deliveries: 0, pairs: 0, left: 0 });
  await addEndpoints(2);
  await facts.post('order.created');
  await relay().runDue();
  const { rows } = await pool.query(
    `select d.tenant_id, w.tenant_id as owner from deliveries as d join webhook_endpoints as w on w.endpoint_id::text = d.target`,
  );
  expect(rows).toEqual([
    { tenant_id: 'default', owner: 'default' },
    { tenant_id: 'default', owner: 'default' },
  ]);
});

test('more types than a transaction remembers all reach the endpoint, and others reach no endpoint', async () => {
  const types = Array.from({ length: 60 }, (_, n) => `type_${n}`);
  await facts.endpoint({ event_types: [...types, 'order.paid'] });
  await facts.post('order.paid');
  await facts.post('order.created');
  await relay().runDue();
  expect(await countDeliveries()).toEqual({ deliveries: 1, pairs: 1, left: 0 });
});

test('a subscription that starts or ends is heeded by the next event, in each process', async () => {
  const other = facts.tidings.startProcess();
  const post = (id: string) =>
    other.ingest([
      {
        event_id: id,
        user_id: 'u',
        event_type: 'order.paid',
        event_timestamp: new Date(facts.tidings.clock.now).toISOString(),
      },
    ]);
  await post('before');
  const endpoint = await facts.endpoint({ event_types: ['order.paid'] });
  await post('while');
  await facts.server.send('DELETE', endpoint.path);
  await post('after');
  const { rows } = await facts.tidings.database.pool.query(
    'select event_id from notifications where catalog_version = 0',
  );
  expect(rows).toEqual([{ event_id: 'while' }]);
});
