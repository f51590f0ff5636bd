import { afterEach, beforeEach, expect, test } from 'vitest';
import { type TestFacts, testFacts } from './support/facts.ts';

/** Suppressions that are added and removed, as events for rules and endpoints. */

let facts: TestFacts;
beforeEach(async () => {
  facts = await testFacts();
});
afterEach(() => facts.close());

const ADDRESS = 'ana@example.com';
const suppress = (scope = 'all') =>
  facts.server.post('/api/v1/suppressions', { channel: 'email', address: ADDRESS, scope });
const listEvents = async () => {
  const { rows } = await facts.tidings.database.pool.query('select event from outbox_events order by event_id');
  return rows.map(({ event }) => event);
};

test('an endpoint receives each suppression that is added and removed, once, without the address', async () => {
  const endpoint = await facts.endpoint({ event_types: ['suppression.*'], channels: ['email'] });
  const sms = await facts.endpoint({ event_types: ['suppression.*'], channels: ['sms'] });
  await facts.startWorkers();
  const { body } = await suppress();
  expect((await suppress()).status).toBe(200);
  const properties = {
    suppression_id: body.suppression_id,
    channel: 'email',
    scope: 'all',
    reason: 'manual',
    since: body.since,
  };
  expect(await facts.receive(endpoint, 1)).toMatchObject([{ type: 'suppression.added', data: { properties } }]);
  await facts.server.post(`/api/v1/suppressions/${body.suppression_id}/lift`);
  const bodies = await facts.receive(endpoint, 2);
  expect(bodies.map(({ type }) => type)).toEqual(['suppression.added', 'suppression.removed']);
  expect(JSON.stringify(bodies)).not.toContain(ADDRESS);
  // No user is known who could be erased with it.
  expect(JSON.stringify(bodies)).not.toContain('@');
  await facts.drain();
  expect(sms.standIn.requests).toEqual([]);
});

test('a rule receives a suppression that was made from a delivery, with the user of the delivery', async () => {
  await facts.applyRules(
    'LOST: { on: suppression.added, when: \'event.channel == "email"\', notify: none, do: { set: { lost: true } } }',
  );
  facts.tidings.providers.set('email', {
    name: 'dead',
    channels: ['email'],
    concurrency: 1,
    keepsMessage: true,
    send: async () => ({ kind: 'address_dead', as: 'invalid', reason: 'no such user' }),
    close: async () => {},
  });
  await facts.startWorkers();
  await facts.post('signed_up', { user_id: 'ben' });
  const isLost = async () =>
    (
      await facts.tidings.database.pool.query(
        `select from users where user_id = 'ben' and traits::text like '%"lost"%true%'`,
      )
    ).rowCount;
  await expect.poll(isLost, { timeout: 10_000 }).toBe(1);
  await facts.drain();
});

test('a rule receives nothing of an address without a user, and nothing is written without a receiver', async () => {
  await suppress();
  expect(await listEvents()).toEqual([]);
  await facts.applyRules(
    'LOST: { on: [suppression.added, suppression.removed], notify: none, do: { set: { lost: true } } }',
  );
  await suppress('category:MARKETING');
  expect(await listEvents()).toEqual([]);
});

test('the event commits with the suppression', async () => {
  await facts.endpoint({ event_types: ['suppression.added'] });
  const { pool } = facts.tidings.database;
  await pool.query(`create function fail() returns trigger language plpgsql as $$ begin raise 'no room'; end $$;
    create trigger fail before insert on webhook_facts for each row execute function fail()`);
  expect((await suppress()).status).toBeGreaterThanOrEqual(500);
  expect((await pool.query('select from suppressions')).rowCount).toBe(0);
  await pool.query('drop trigger fail on webhook_facts');
  expect((await suppress()).status).toBe(201);
  expect((await pool.query('select from webhook_facts')).rowCount).toBe(1);
});

test('a service cannot report a suppression: the event is rejected', async () => {
  const item = {
    user_id: 'u',
    event_type: 'suppression.added',
    event_timestamp: new Date(facts.tidings.clock.now).toISOString(),
  };
  const [result] = await facts.tidings.ingest([{ ...item, properties: { channel: 'email' } }]);
  expect(result).toMatchObject({ status: 'rejected', code: 'invalid_event', path: 'event_type' });
});
