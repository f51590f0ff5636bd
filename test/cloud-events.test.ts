import { CloudEvent, type CloudEventV1, HTTP } from 'cloudevents';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';

/* Requests of the SDK of CloudEvents for JavaScript, in each mode of the HTTP protocol binding. */

let api: TestApi;

const CATALOG = new Map([
  ['events.yaml', 'events: { order.created: { properties: { total: number } } }'],
  ['notifications.yaml', 'notifications: { CONFIRMATION: { category: TRANSACTIONAL, channels: [email] } }'],
  ['rules.yaml', 'rules: { CONFIRMATION: { on: order.created, when: context.correlation_id == "c-ü" } }'],
  ['templates/CONFIRMATION/email.en.subject.txt', 'Order'],
  ['templates/CONFIRMATION/email.en.html', '<p>{{event.total}}</p>'],
]);

const event = (id: string, more: Partial<CloudEventV1<unknown>> = {}) =>
  new CloudEvent<unknown>({
    id,
    source: '/shop/orders',
    type: 'order.created',
    time: '2025-11-05T10:00:00Z',
    correlationid: 'c-ü',
    data: { userId: 'ann', total: 5 },
    ...more,
  });

beforeAll(async () => {
  api = await testApi();
  await api.tidings.apply(CATALOG);
});

afterAll(() => api.close());

async function send(headers: object, body: unknown, path = '/api/v1/events') {
  const response = await fetch(`${api.server.url}${path}`, {
    method: 'POST',
    headers: headers as { [name: string]: string },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: an answer of the API, of which each test looks at a part
  return { status: response.status, body: (await response.json()) as any };
}

describe('the SDK', () => {
  test('in structured and in binary mode sends the same event, which is a duplicate the second time', async () => {
    const structured = HTTP.structured(event('1'));
    const first = await send(structured.headers, structured.body);
    expect(first.body).toMatchObject({
      accepted: 1,
      results: [{ event_id: '/shop/orders 1', decisions: [{ outcome: 'send' }] }],
    });
    const binary = HTTP.binary(event('1', { correlationid: encodeURIComponent('c-ü') }));
    const second = await send(binary.headers, binary.body);
    expect(second.body).toMatchObject({ duplicates: 1, rejected: [] });
  });

  test('in binary mode first is decided in the same way', async () => {
    const { headers, body } = HTTP.binary(event('2', { correlationid: encodeURIComponent('c-ü') }));
    expect(headers['ce-specversion']).toBe('1.0');
    const answer = await send(headers, body);
    expect(answer.body).toMatchObject({ accepted: 1, results: [{ decisions: [{ outcome: 'send' }] }] });
  });

  test('can send a batch, and what it writes as plain JSON', async () => {
    const batch = JSON.stringify([event('3'), event('4')]);
    const batched = await send({ 'content-type': 'application/cloudevents-batch+json; charset=utf-8' }, batch);
    expect(batched.body).toMatchObject({ accepted: 2 });
    const plain = await send({ 'content-type': 'application/json' }, batch);
    expect(plain.body).toMatchObject({ duplicates: 2 });
  });

  test('can send JSON as bytes', async () => {
    const bytes = event('5', {
      data: undefined,
      data_base64: Buffer.from('{"userId":"ann","total":7}').toString('base64'),
    });
    const { headers } = HTTP.structured(event('5'));
    expect((await send(headers, JSON.stringify(bytes))).body).toMatchObject({ accepted: 1 });
  });
});

test('two sources may use the same ids', async () => {
  const events = [event('same', { source: 'a' }), event('same', { source: 'b', data: { userId: 'bob', total: 1 } })];
  const { body } = await send({ 'content-type': 'application/cloudevents-batch+json' }, JSON.stringify(events));
  expect(body.results.map((one: { event_id: string }) => one.event_id)).toEqual(['a same', 'b same']);
  expect(body.accepted).toBe(2);
});

test.each([
  ['one event under the type of a batch', 'application/cloudevents-batch+json', {}, 422, 'invalid_body'],
  ['a list under the type of one event', 'application/cloudevents+json', [], 422, 'invalid_body'],
  ['a body that is not JSON', 'application/cloudevents+json', 'x', 400, 'invalid_json'],
  ['an event in XML', 'application/cloudevents+xml', '<a/>', 415, 'unsupported_media_type'],
])('%s is rejected', async (_, type, sent, status, code) => {
  const answer = await send({ 'content-type': type }, sent);
  expect([answer.status, answer.body.code]).toEqual([status, code]);
});

test.each([
  ['its version', { specversion: undefined }, 'specversion'],
  ['an id that is text', { id: 7 }, 'id'],
  ['a type', { type: '' }, 'type'],
  ['JSON as data', { data: undefined, data_base64: 'AAAA' }, 'data_base64'],
  ['base64 as bytes', { data: undefined, data_base64: '%' }, 'data_base64'],
  ['one kind of data', { data_base64: 'e30=' }, 'data_base64'],
  [
    'data in a known format',
    { data: undefined, data_base64: 'e30=', datacontenttype: 'text/plain' },
    'datacontenttype',
  ],
])('an event without %s is rejected, with the attribute as path', async (_, change, path) => {
  const item = { ...JSON.parse(JSON.stringify(event('bad'))), ...change };
  const { status, body } = await send({ 'content-type': 'application/cloudevents+json' }, item);
  expect(status).toBe(422);
  expect(body.rejected).toMatchObject([{ code: 'invalid_event', path }]);
});

test('an event in binary mode without data has a result, too', async () => {
  const headers = { 'ce-specversion': '1.0', 'ce-id': 'empty', 'ce-source': 's', 'ce-type': 'order.created' };
  const { status, body } = await send(headers, undefined);
  expect(status).toBe(422);
  expect(body).toMatchObject({
    rejected: [{ code: 'user_missing', path: 'data.userId' }],
    results: [{ event_id: 's empty' }],
  });
});
