import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';

let api: TestApi;

const EVENTS = `
mapping:
  time: { from: [time, metadata.timestamp, occurredAt] }
events:
  order.created:
    properties: { total: number, userId: string }
  order.paid:
    mapping:
      user_id: { from: 'data.payer["user id"]' }
      properties: { amount: { from: 'data.lines[0].amount' }, payer: { from: data.payer.name } }
      traits: { plan: { from: data.payer.plan } }
    properties: { amount: number, payer: string }
`;
const RULES = `
rules:
  ORDER_CONFIRMATION:
    on: order.created
    when: event.total > 10 && context.source == "orders"
`;
const CATALOG = new Map([
  ['events.yaml', EVENTS],
  ['notifications.yaml', 'notifications: { ORDER_CONFIRMATION: { category: TRANSACTIONAL, channels: [email] } }'],
  ['rules.yaml', RULES],
  ['templates/ORDER_CONFIRMATION/email.en.subject.txt', 'Order {{context.correlation_id}}'],
  ['templates/ORDER_CONFIRMATION/email.en.html', '<p>Total {{event.total}} of {{context.source}}</p>'],
]);
const AT = '2025-11-05T10:00:00Z';

const domain = (id: string, more: object = {}) => ({
  eventType: 'order.created',
  aggregateId: 'order123',
  data: { userId: 'u1', total: 12 },
  metadata: { eventId: id, timestamp: AT, correlationId: 'c-81', causationId: 'cmd-1', source: 'orders', shard: 7 },
  ...more,
});
const cloud = (id: string, more: object = {}) => ({
  specversion: '1.0',
  id,
  source: 'orders',
  type: 'order.created',
  time: AT,
  correlationid: 'c-81',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  data: { userId: 'u1', total: 12 },
  ...more,
});
const own = (id: string, more: object = {}) => ({
  event_id: id,
  user_id: 'u1',
  event_type: 'order.created',
  event_timestamp: AT,
  properties: { userId: 'u1', total: 12 },
  context: { correlation_id: 'c-81', source: 'orders' },
  ...more,
});

beforeAll(async () => {
  api = await testApi();
  await api.tidings.apply(CATALOG);
});

afterAll(() => api.close());

const post = async (body: unknown) => (await api.server.post('/api/v1/events', body)).body;

describe('an event in any of the three envelopes', () => {
  test('gives the same decisions', async () => {
    const body = await post([own('same own'), domain('same domain'), cloud('same-cloud')]);
    expect(body.rejected).toEqual([]);
    const seen = body.results.map(
      ({ decisions }: { decisions: { rule: string; reason_code: string; reason: string }[] }) =>
        decisions.map(({ rule, reason_code, reason }) => ({ rule, reason_code, reason })),
    );
    expect(seen[0]).toMatchObject([{ rule: 'ORDER_CONFIRMATION', reason_code: 'matched' }]);
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[2]).toEqual(seen[0]);
    expect(body.results.map((one: { event_id: string }) => one.event_id)).toEqual([
      'same own',
      'same domain',
      'orders same-cloud',
    ]);
  });

  test('is a duplicate when it is posted again, also under a mapping that has changed', async () => {
    await post([domain('again'), cloud('again')]);
    await api.tidings.apply(
      new Map([
        ...CATALOG,
        [
          'events.yaml',
          EVENTS.replace(
            'order.created:',
            'order.created:\n    mapping: { properties: { total: { from: data.total } } }',
          ),
        ],
      ]),
    );
    const body = await post([domain('again'), cloud('again')]);
    expect([body.accepted, body.duplicates]).toEqual([0, 2]);
    const changed = await post(cloud('again', { data: { userId: 'u1', total: 13 } }));
    expect(changed.rejected).toMatchObject([{ code: 'event_id_conflict' }]);
    await api.tidings.apply(CATALOG);
  });

  test('of a domain event without id and time is identified by its content', async () => {
    const item = { eventType: 'order.created', aggregateId: 'o9', data: { userId: 'u9', total: 1 } };
    expect(await post([item, item])).toMatchObject({ accepted: 1, duplicates: 1 });
    expect(await post(item)).toMatchObject({ accepted: 0, duplicates: 1 });
  });

  test('has its context in the audit: known names in snake case, and every other field kept', async () => {
    await post([domain('context', { tenantRegion: 'eu' })]);
    const { body } = await api.server.get('/api/v1/audit/u1?limit=50');
    const event = body.recent_events.find((one: { event_id: string }) => one.event_id === 'context');
    expect(event.context).toEqual({
      correlation_id: 'c-81',
      causation_id: 'cmd-1',
      source: 'orders',
      aggregate_id: 'order123',
      tenantRegion: 'eu',
      metadata: { shard: 7 },
    });
  });
});

describe('the mapping of an event type', () => {
  test('says where user, properties and traits come from', async () => {
    const data = { payer: { 'user id': 'u2', name: 'Ann', plan: 'pro' }, lines: [{ amount: 5 }] };
    const body = await post(domain('paid', { eventType: 'order.paid', data }));
    expect(body).toMatchObject({ accepted: 1 });
    const audit = (await api.server.get('/api/v1/audit/u2')).body;
    expect(audit.profile.traits).toEqual({ plan: 'pro' });
    expect(audit.recent_events[0].properties).toEqual({ amount: 5, payer: 'Ann' });
  });

  test.each([
    ['names no user', domain('m1', { eventType: 'order.paid', data: {} }), 'user_missing', 'data.payer["user id"]'],
    ['has a user that is no text', domain('m2', { data: { userId: 7 } }), 'invalid_event', 'data.userId'],
    [
      'has a property of another type',
      domain('m3', { data: { userId: 'u1', total: 'x' } }),
      'schema_mismatch',
      'data.total',
    ],
    [
      'has a mapped property of another type',
      domain('m4', { eventType: 'order.paid', data: { payer: { 'user id': 'u' }, lines: [{ amount: 'x' }] } }),
      'schema_mismatch',
      'data.lines[0].amount',
    ],
    ['has no object as data', cloud('m5', { data: 'text' }), 'user_missing', 'data.userId'],
    ['has a time that is a word', cloud('m6', { time: 'today' }), 'invalid_timestamp', 'time'],
    ['has another version', cloud('m7', { specversion: '0.3' }), 'invalid_event', 'specversion'],
    ['has no source', cloud('m8', { source: undefined }), 'invalid_event', 'source'],
    ['has metadata that are no object', domain('m9', { metadata: [] }), 'invalid_event', 'metadata'],
    ['says which rule emitted it', domain('m10', { emitted_by: 'X' }), 'unknown_field', 'emitted_by'],
  ])('an event that %s is rejected with the path of the posted item', async (_, item, code, path) => {
    const { status, body } = await api.server.post('/api/v1/events', item);
    expect(status).toBe(422);
    expect(body.rejected).toMatchObject([{ index: 0, code, path }]);
    expect(body.rejected[0].message.startsWith(path)).toBe(true);
  });

  test('is asked again when a rejected event is retried', async () => {
    const item = domain('retried', { eventType: 'order.moved', data: { customer: 'u5' } });
    expect((await post(item)).rejected).toMatchObject([{ code: 'user_missing' }]);
    const { body } = await api.server.get('/api/v1/events/rejected');
    const rejected = body.rejected.find((one: { event_id: string }) => one.event_id === 'retried');
    expect(rejected.event).toEqual(item);
    await api.tidings.apply(
      new Map([
        ...CATALOG,
        ['events.yaml', `${EVENTS}  order.moved: { mapping: { user_id: { from: data.customer } } }\n`],
      ]),
    );
    const retried = await api.server.post(`/api/v1/events/rejected/${rejected.rejected_id}/retry`);
    expect(retried.body).toMatchObject({ accepted: 1, results: [{ event_id: 'retried' }] });
    expect(await post(item)).toMatchObject({ duplicates: 1 });
    await api.tidings.apply(CATALOG);
  });
});

test('1000 events in mixed envelopes, some of them malformed, have a result each in their order', async () => {
  const items = Array.from({ length: 1000 }, (_, index) => {
    const user = { userId: `m${index % 50}`, total: index };
    if (index % 10 === 9) return domain(`mixed ${index}`, { data: {} });
    if (index % 3 === 0) return domain(`mixed ${index}`, { data: user });
    if (index % 3 === 1) return cloud(`mixed-${index}`, { data: user });
    return own(`mixed ${index}`, { user_id: user.userId, properties: user });
  });
  const body = await post(items);
  expect(body.accepted).toBe(900);
  expect(body.rejected.map(({ index }: { index: number }) => index)).toEqual(
    items.flatMap((_, index) => (index % 10 === 9 ? [index] : [])),
  );
  for (const [index, { event_id: id }] of body.results.entries()) expect(id).toMatch(new RegExp(`[ -]${index}$`));
});
