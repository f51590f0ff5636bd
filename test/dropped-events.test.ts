import { afterEach, beforeEach, expect, test } from 'vitest';
import { type TestFacts, testFacts } from './support/facts.ts';

/** Deliveries that are dropped at the claim, as events for rules and endpoints. */

let facts: TestFacts;
beforeEach(async () => {
  facts = await testFacts();
});
afterEach(() => facts.close());

const RULE = `AFTER: { on: { notification: WELCOME, is: dropped }, when: 'event.reason_code == "suppressed"', notify: none, do: { set: { unreached: true } } }`;
const suppress = () =>
  facts.server.post('/api/v1/suppressions', { channel: 'email', address: 'ana@example.com', scope: 'all' });
const count = async (what: string) => {
  const { rows } = await facts.tidings.database.pool.query(`select count(*)::int as n from ${what}`);
  return rows[0].n;
};

test('a message to a suppressed address is an event with its reason, for rules and for endpoints, once', async () => {
  await facts.applyRules(RULE);
  const endpoint = await facts.endpoint({ event_types: ['notification.dropped'] });
  expect((await suppress()).status).toBe(201);
  await facts.startWorkers();
  const [id] = await facts.post('signed_up');
  const properties = { notification_type: 'WELCOME', notification_id: id, channel: 'email', reason_code: 'suppressed' };
  expect(await facts.receive(endpoint, 1)).toMatchObject([
    { type: 'notification.dropped', data: { user_id: 'user 1', properties } },
  ]);
  await expect.poll(() => count(`events where event_type = 'notification.dropped'`)).toBe(1);
  await expect.poll(() => count(`users where traits::text like '%"unreached"%true%'`)).toBe(1);
  await facts.become(endpoint, ['sent']);
});

test('a message that has expired is dropped, and the reason is in its event', async () => {
  const endpoint = await facts.endpoint({ event_types: ['*'], notification_types: ['WELCOME'] });
  const [id] = await facts.post('signed_up');
  await facts.tidings.database.pool.query(
    `update deliveries set expires_at = due_at - interval '1 s' where notification_id = $1`,
    [id],
  );
  await facts.startWorkers();
  expect(await facts.receive(endpoint, 2)).toMatchObject([
    { type: 'notification.dropped', data: { properties: { reason_code: 'expired', notification_id: id } } },
    { type: 'signed_up' },
  ]);
});

test('the event commits with the state: a claim whose transaction ends without a commit has reported nothing', async () => {
  await facts.endpoint({ event_types: ['notification.dropped'] });
  const [id] = await facts.post('signed_up');
  const connection = await facts.tidings.database.pool.connect();
  await connection.query('begin');
  const drop = `update deliveries set status = 'dropped', finished_at = now(), reason_code = 'suppressed' where notification_id = $1`;
  await connection.query(drop, [id]);
  expect((await connection.query('select from webhook_facts')).rowCount).toBe(1);
  await connection.query('rollback');
  connection.release();
  expect(await count('webhook_facts')).toBe(0);
  await facts.tidings.database.pool.query(drop, [id]);
  // Written again, as by a settlement whose answer was lost.
  await facts.tidings.database.pool.query(drop, [id]);
  expect(await count('webhook_facts')).toBe(1);
});

test('nothing is written if neither a rule nor an endpoint receives it', async () => {
  await facts.endpoint({ event_types: ['notification.failed'] });
  await suppress();
  await facts.startWorkers();
  const [id] = await facts.post('signed_up');
  await expect.poll(() => count(`deliveries where notification_id = '${id}' and status = 'dropped'`)).toBe(1);
  expect(await count('webhook_facts')).toBe(0);
  expect(await count('outbox_events')).toBe(0);
  expect(await count(`events where event_type = 'notification.dropped'`)).toBe(0);
});
