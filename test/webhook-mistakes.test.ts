import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestWebhooks, testWebhooks } from './support/webhooks.ts';

/** Mistakes of those who subscribe and replay that would otherwise be silent: nothing would ever be sent. */

let hooks: TestWebhooks;
beforeAll(async () => {
  hooks = await testWebhooks();
});
afterAll(() => hooks.close());

const URL = 'https://hooks.example.com/t0ken';
const create = (event_types: readonly string[]) =>
  hooks.server.send('POST', '/api/v1/webhooks', { url: URL, event_types });

test('a misspelled fact is rejected with the nearest one', async () => {
  const { status, body } = await create(['order.placed', 'notification.bouncd']);
  expect([status, body.code, body.errors[0].pointer]).toEqual([422, 'invalid_webhook', '/event_types/1']);
  expect(body.detail).toContain('did you mean notification.bounced?');
});

test('a fact that Tidings does not report is rejected with those that it does', async () => {
  const { status, body } = await create(['notification.sent']);
  expect([status, body.errors[0].pointer]).toEqual([422, '/event_types/0']);
  expect(body.detail).toContain('notification.delivered, notification.opened');
});

test('events of services, and beginnings of facts, need not be known', async () => {
  expect((await create(['order.placed', 'notifications.read', 'notification.*', 'suppression.*'])).status).toBe(201);
});

test('a replay of a range that ends before it begins is rejected', async () => {
  const { body } = await create(['order.*']);
  const path = `/api/v1/webhooks/${body.endpoint_id}/replay`;
  const range = { since: '2026-11-29T00:00:00Z', until: '2026-11-01T00:00:00Z' };
  const { status, body: problem } = await hooks.server.send('POST', path, range);
  expect([status, problem.errors[0].pointer]).toEqual([400, '/until']);
});
