import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyWebhook } from '../packages/client/src/webhooks.ts';
import { runInTrace, startTracing, stopTracing, toAttemptSpan } from '../src/observe/trace-context.ts';
import { type Endpoint, KEY_PAIR, SECRET, startEndpoint } from './support/stand-ins/endpoint.ts';
import { testWebhooks } from './support/webhooks.ts';

/** Requests as a webhook endpoint receives them. */

let now = Date.parse('2026-11-28T10:00:00Z');
let endpoint: Endpoint;
beforeAll(async () => {
  endpoint = await startEndpoint(() => now);
});
afterAll(() => endpoint.stop());

// Its first 48 bits are 2026-11-28T09:30:00.000Z.
const notificationId = '019ac9d0-0fc0-7000-8000-000000000001';
const createdAt = new Date(0x019ac9d00fc0).toISOString();

async function receive(more: Parameters<Endpoint['send']>[0] = {}, target: object = {}) {
  await endpoint.send({ notificationId, notificationType: 'BOOKING_CONFIRMED', ...more }, target);
  const request = endpoint.standIn.requests.at(-1)!;
  return { request, body: JSON.parse(request.body) };
}

test('the body is {type, timestamp, data}, and the client verifies it', async () => {
  const { request, body } = await receive({ message: { text: '', data: { booking: 7 } } });
  expect(body).toEqual({ type: 'BOOKING_CONFIRMED', timestamp: createdAt, data: { booking: 7 } });
  expect(request).toMatchObject({ method: 'POST', path: '/hooks/t0ken-of-a-receiver' });
  expect(request.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(await verifyWebhook(request.bytes, request.headers, SECRET, { now })).toEqual(body);
});

test('a message without data is shown by its parts', async () => {
  const { body } = await receive({
    message: { text: 'Hi', title: 'T', actions: [{ label: 'Go', url: 'https://e.com' }] },
  });
  expect(body.data).toEqual({
    notification_id: notificationId,
    user_id: 'u_1',
    title: 'T',
    text: 'Hi',
    actions: [{ label: 'Go', url: 'https://e.com' }],
  });
});

test('each attempt has the same id and body, its own number, and the signature of its own time', async () => {
  const first = await receive({ idempotencyKey: 'n-1.webhook.e-1' });
  now += 3_600_000;
  const { request } = await receive({ idempotencyKey: 'n-1.webhook.e-1', attempt: 2 });
  expect(request.body).toBe(first.request.body);
  expect(request.headers['webhook-id']).toBe('n-1_webhook_e-1');
  expect(first.request.headers['webhook-id']).toBe('n-1_webhook_e-1');
  expect(request.headers['webhook-attempt']).toBe('2');
  expect(request.headers['webhook-timestamp']).toBe(String(now / 1000));
  await verifyWebhook(request.body, request.headers, SECRET, { now });
});

test('CloudEvents: the same facts as structured JSON', async () => {
  const { request, body } = await receive({ message: { text: '', data: { a: 1 } } }, { format: 'cloudevents' });
  expect(request.headers['content-type']).toBe('application/cloudevents+json; charset=utf-8');
  expect(body).toEqual({
    specversion: '1.0',
    id: request.headers['webhook-id'],
    source: '/tidings/default',
    type: 'BOOKING_CONFIRMED',
    time: createdAt,
    subject: 'u_1',
    datacontenttype: 'application/json',
    data: { a: 1 },
  });
});

test('headers of one’s own are sent, and replace none of Tidings', async () => {
  const headers = {
    'x-tenant': 'acme',
    authorization: 'Bearer t',
    'webhook-id': 'forged',
    'content-type': 'text/html',
  };
  const { request } = await receive({}, { headers });
  expect(request.headers).toMatchObject({ 'x-tenant': 'acme', authorization: 'Bearer t' });
  expect(request.headers['webhook-id']).not.toBe('forged');
  expect(request.headers['content-type']).toBe('application/json; charset=utf-8');
});

test('an endpoint with a key pair gets signatures of Ed25519', async () => {
  const { request } = await receive({}, { secrets: [KEY_PAIR] });
  expect(request.headers['webhook-signature']).toMatch(/^v1a,/);
  expect(request.headers['x-webhook-signature']).toBeUndefined();
});

test('with tracing, a request continues the trace of its event: by the span of its attempt', async () => {
  const webhooks = await testWebhooks();
  const traceId = 'd'.repeat(32);
  startTracing(1);
  try {
    const receiver = await webhooks.endpoint();
    const [traced = ''] = await runInTrace(`00-${traceId}-${'e'.repeat(16)}-01`, () => webhooks.tell());
    await webhooks.startWorker();
    await webhooks.become(receiver, ['sent']);
    const target = { notificationId: traced, channel: 'webhook', target: receiver.id };
    const spans = [1, 2].map((attempt) => `00-${traceId}-${toAttemptSpan({ ...target, attempt })}-01`);
    expect(receiver.standIn.requests.map(({ headers }) => headers.traceparent)).toEqual([spans[0]]);
    expect(spans[1]).not.toBe(spans[0]);
    // Outside a trace there is no header, and one of the endpoint's own stays.
    const other = await webhooks.endpoint({ headers: { traceparent: 'its own' } });
    await webhooks.tell();
    await webhooks.become(other, ['sent']);
    expect(other.standIn.requests[0]?.headers.traceparent).toBe('its own');
  } finally {
    stopTracing();
    await webhooks.close();
  }
});
