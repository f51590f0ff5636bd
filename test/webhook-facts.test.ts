import { afterEach, beforeEach, expect, test } from 'vitest';
import { verifyWebhook } from '../packages/client/src/webhooks.ts';
import { type TestFacts, testFacts } from './support/facts.ts';

/** Facts that endpoints of webhooks subscribe to: events of services, and outcomes of notifications. */

let facts: TestFacts;
beforeEach(async () => {
  facts = await testFacts();
});
afterEach(() => facts.close());

test('an ingested event reaches each endpoint that subscribes to its type once, signed, as it was posted', async () => {
  const one = await facts.endpoint({ event_types: ['order.created'] });
  const two = await facts.endpoint({ event_types: ['order.*', 'order.created', '*'] });
  const other = await facts.endpoint({ event_types: ['order.paid'] });
  const messages = await facts.endpoint();
  await facts.startWorkers();
  const properties = { total: 7, contact: 'bob@example.com' };
  await facts.post('order.created', { event_id: 'order 1', properties });
  for (const endpoint of [one, two]) {
    const [body] = await facts.receive(endpoint, 1);
    const { headers, body: raw } = endpoint.standIn.requests[0]!;
    expect(await verifyWebhook(raw, headers, endpoint.secret, { now: facts.tidings.clock.now })).toEqual(body);
    expect(body).toMatchObject({
      type: 'order.created',
      data: { event_id: 'order 1', user_id: 'user 1', event_type: 'order.created', properties },
    });
    expect(JSON.stringify(body)).not.toContain('ana@example.com');
  }
  await facts.drain();
  await facts.become(two, ['sent']);
  expect(other.standIn.requests).toEqual([]);
  expect(messages.standIn.requests).toEqual([]);
  const { rows } = await facts.tidings.database.pool.query('select data::text from notifications');
  expect(JSON.stringify(rows)).not.toContain('bob@example.com');
});

test('an event that is posted again is sent once, and a rejected one never', async () => {
  const endpoint = await facts.endpoint({ event_types: ['*'] });
  await facts.startWorkers();
  await facts.post('order.created', { event_id: 'twice' });
  const item = { event_id: 'twice', user_id: 'user 1', event_type: 'order.created' };
  const time = { event_timestamp: new Date(facts.tidings.clock.now).toISOString() };
  const traits = { user_traits: { email: 'ana@example.com' } };
  const results = await facts.tidings.ingest([
    { ...item, ...time, ...traits },
    { ...item, ...time, event_id: 5 },
  ]);
  expect(results.map(({ status }) => status)).toEqual(['duplicate', 'rejected']);
  await facts.post('order.paid');
  expect((await facts.receive(endpoint, 2)).map(({ type }) => type)).toEqual(['order.created', 'order.paid']);
});

test('outcomes of notifications are selected by outcome, notification type and channel', async () => {
  const all = await facts.endpoint({ event_types: ['notification.*'] });
  const failed = await facts.endpoint({ event_types: ['notification.failed'] });
  const promo = await facts.endpoint({ event_types: ['*'], notification_types: ['PROMO'], channels: ['email'] });
  const sms = await facts.endpoint({ event_types: ['notification.*'], channels: ['sms'] });
  await facts.startWorkers();
  const [welcome] = await facts.post('signed_up');
  await facts.post('promoted');
  expect(await facts.receive(all, 2)).toMatchObject([
    {
      type: 'notification.delivered',
      data: {
        user_id: 'user 1',
        properties: { notification_type: 'WELCOME', notification_id: welcome, channel: 'email' },
      },
    },
    {
      type: 'notification.failed',
      data: { properties: { notification_type: 'PROMO', channel: 'email', reason_code: 'rejected' } },
    },
  ]);
  expect(await facts.receive(failed, 1)).toMatchObject([{ type: 'notification.failed' }]);
  expect((await facts.receive(promo, 3)).map(({ type }) => type)).toEqual([
    'notification.failed',
    'promoted',
    'signed_up',
  ]);
  await facts.drain();
  expect(sms.standIn.requests).toEqual([]);
});

test('what endpoints receive is no fact: a message to an endpoint is reported once, and nothing goes round', async () => {
  const messages = await facts.endpoint();
  const endpoint = await facts.endpoint({ event_types: ['notification.*'] });
  await facts.startWorkers();
  await facts.post('posted');
  await facts.receive(messages, 1);
  expect(await facts.receive(endpoint, 1)).toMatchObject([
    { type: 'notification.delivered', data: { properties: { notification_type: 'NEWS', channel: 'webhook' } } },
  ]);
  await facts.become(endpoint, ['sent']);
  await facts.drain();
  const { rows } = await facts.tidings.database.pool.query('select count(*)::int as n from deliveries');
  expect(rows[0].n).toBe(2);
  const recent = await facts.server.get('/api/v1/decisions');
  expect([recent.status, recent.body.decisions.length]).toEqual([200, 1]);
});

test('an outcome that rules receive as well reaches both, the endpoint once', async () => {
  await facts.applyRules(
    'AFTER: { on: { notification: WELCOME, is: delivered }, notify: none, do: { set: { done: true } } }',
  );
  const endpoint = await facts.endpoint({ event_types: ['*'] });
  await facts.startWorkers();
  await facts.post('signed_up');
  const types = (await facts.receive(endpoint, 3)).map(({ type }) => type);
  expect(types).toEqual(['notification.delivered', 'profile.updated', 'signed_up']);
  await facts.drain();
  await facts.become(endpoint, ['sent', 'sent', 'sent']);
});

test('without a subscription no fact is written, nor after the last one has ended', async () => {
  const endpoint = await facts.endpoint({ event_types: ['*'] });
  await facts.endpoint();
  await facts.server.send('PATCH', endpoint.path, { event_types: null });
  await facts.startWorkers();
  await facts.post('order.created');
  await facts.post('promoted');
  const { rows } = await facts.tidings.database.pool.query(
    'select (select count(*)::int from webhook_facts) as facts, heard_types, heard_outcomes from active_catalogs',
  );
  expect(rows).toEqual([{ facts: 0, heard_types: null, heard_outcomes: null }]);
  const { rows: recorded } = await facts.tidings.database.pool.query(
    'select from notifications where catalog_version = 0',
  );
  expect(recorded).toEqual([]);
});

test('an endpoint with the format cloudevents receives CloudEvents', async () => {
  const endpoint = await facts.endpoint({ event_types: ['order.created'], format: 'cloudevents' });
  await facts.startWorkers();
  await facts.post('order.created', { properties: { total: 7 } });
  const [body] = await facts.receive(endpoint, 1);
  expect(body).toMatchObject({
    specversion: '1.0',
    id: endpoint.standIn.requests[0]?.headers['webhook-id'],
    source: '/tidings/default',
    type: 'order.created',
    subject: 'user 1',
    data: { properties: { total: 7 } },
  });
});

test('what is due for a disabled endpoint is kept, and replayed by a time range', async () => {
  const endpoint = await facts.endpoint({ event_types: ['order.*'] });
  await facts.server.send('PATCH', endpoint.path, { state: 'disabled' });
  await facts.startWorkers();
  facts.tidings.jobs();
  const since = new Date(facts.tidings.clock.now - 1000).toISOString();
  await facts.post('order.created');
  await facts.post('order.paid');
  await expect
    .poll(async () => (await facts.deliveries(endpoint)).map(({ hold_code }) => hold_code), { timeout: 10_000 })
    .toEqual(['endpoint_disabled', 'endpoint_disabled']);
  await facts.server.send('PATCH', endpoint.path, { state: 'active' });
  await facts.server.post(`${endpoint.path}/replay`, { since });
  expect((await facts.receive(endpoint, 2)).map(({ type }) => type)).toEqual(['order.created', 'order.paid']);
});
