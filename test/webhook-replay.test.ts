import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type TestWebhooks, testWebhooks } from './support/webhooks.ts';

/** Replay of messages to an endpoint: of one, and of those of a time range. */

let hooks: TestWebhooks;
beforeEach(async () => {
  hooks = await testWebhooks();
});
afterEach(() => hooks.close());

const HOUR = 3_600_000;

test('a message that was sent is sent once more under the same id, and both attempts are shown', async () => {
  const endpoint = await hooks.endpoint();
  await hooks.startWorker();
  await hooks.tell();
  await hooks.become(endpoint, ['sent']);
  const [delivery] = await hooks.deliveries(endpoint);
  const { status, body } = await hooks.server.post(`${endpoint.path}/deliveries/${delivery.delivery_id}/replay`);
  expect([status, body]).toEqual([202, { delivery_id: delivery.delivery_id }]);
  await vi.waitFor(() => expect(endpoint.standIn.requests).toHaveLength(2), { timeout: 5000 });
  await hooks.become(endpoint, ['sent']);
  const [again] = await hooks.deliveries(endpoint);
  expect(again.attempts).toMatchObject([
    { attempt: 1, outcome: 'sent', response: '204' },
    { attempt: 2, outcome: 'sent', response: '204' },
  ]);
  const [first, second] = endpoint.standIn.requests;
  expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
  expect(second?.body).toBe(first?.body);
});

test('a message that waits for its turn is not replayed, and a foreign one is not found', async () => {
  const endpoint = await hooks.endpoint();
  const other = await hooks.endpoint();
  endpoint.standIn.reply({ status: 500 });
  await hooks.startWorker();
  await hooks.tell();
  await vi.waitFor(async () => expect((await hooks.deliveries(endpoint))[0]?.attempts).toHaveLength(1));
  const { delivery_id } = (await hooks.deliveries(endpoint))[0];
  expect((await hooks.server.post(`${endpoint.path}/deliveries/${delivery_id}/replay`)).body.code).toBe(
    'not_retryable',
  );
  expect((await hooks.server.post(`${other.path}/deliveries/${delivery_id}/replay`)).body.code).toBe('not_found');
  expect((await hooks.server.post(`${endpoint.path}/deliveries/nothing/replay`)).body.code).toBe('not_found');
});

test('a time range is replayed by a job: what failed, or all of it if asked for', async () => {
  const endpoint = await hooks.endpoint();
  await hooks.startWorker();
  hooks.tidings.jobs();
  await hooks.tell(2);
  await hooks.become(endpoint, ['sent', 'sent']);
  hooks.tidings.clock.now += HOUR;
  const since = new Date(hooks.tidings.clock.now).toISOString();
  endpoint.standIn.reply({ status: 410 });
  await hooks.tell(1);
  await hooks.become(endpoint, ['sent', 'sent', 'dead']);
  hooks.tidings.clock.now += HOUR;
  endpoint.standIn.reply({ status: 204 });
  await hooks.server.send('PATCH', endpoint.path, { state: 'active' });
  await hooks.tell(1);
  await hooks.become(endpoint, ['sent', 'sent', 'dead', 'sent']);
  const before = endpoint.standIn.requests.length;

  await hooks.server.post(`${endpoint.path}/replay`, {});
  await hooks.become(endpoint, ['sent', 'sent', 'sent', 'sent']);
  expect(endpoint.standIn.requests).toHaveLength(before + 1);

  const until = new Date(hooks.tidings.clock.now).toISOString();
  const { body } = await hooks.server.post(`${endpoint.path}/replay`, { since, until, include_sent: true });
  expect(body.matched).toBe(1);
  await vi.waitFor(() => expect(endpoint.standIn.requests).toHaveLength(before + 2), { timeout: 5000 });
});
