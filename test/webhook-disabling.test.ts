import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runCommand } from './support/cli.ts';
import { type TestEndpoint, type TestWebhooks, testWebhooks } from './support/webhooks.ts';

/** Endpoints that are disabled, by themselves or by hand, and what is due for them meanwhile. */

let hooks: TestWebhooks;
beforeEach(async () => {
  hooks = await testWebhooks();
});
afterEach(() => hooks.close());

const HOUR = 3_600_000;

const get = async ({ path }: TestEndpoint) => (await hooks.server.get(path)).body;
const listActions = async () => {
  const { body } = await hooks.server.get('/api/v1/audit-log?limit=50');
  const actions: string[] = body.entries.map(({ action }: { action: string }) => action);
  return actions.filter((action) => /^webhook\.(failing|disabled)$/.test(action));
};

test('410 disables it at once', async () => {
  const endpoint = await hooks.endpoint();
  endpoint.standIn.reply({ status: 410 });
  await hooks.startWorker();
  await hooks.tell();
  await hooks.become(endpoint, ['dead']);
  expect(await get(endpoint)).toMatchObject({ state: 'disabled', state_code: 'gone', failures: 1, revision: 2 });
  expect(await listActions()).toContain('webhook.disabled');
});

test('5 days of failures disable it, with a notice on the way; a success ends the count', async () => {
  const endpoint = await hooks.endpoint();
  await hooks.startWorker();
  const fail = async (times: number, pause: number) => {
    endpoint.standIn.reply({ status: 500 });
    for (let n = 0; n < times; n++) {
      const before = endpoint.standIn.requests.length;
      await hooks.tell();
      await vi.waitFor(() => expect(endpoint.standIn.requests.length).toBeGreaterThan(before), { timeout: 5000 });
      hooks.tidings.clock.now += pause;
    }
  };
  await fail(3, 10 * HOUR);
  await vi.waitFor(async () => expect((await get(endpoint)).failures).toBeGreaterThanOrEqual(3));
  endpoint.standIn.reply({ status: 204 });
  await hooks.tell();
  await vi.waitFor(async () => expect(await get(endpoint)).toMatchObject({ failures: 0, failing_since: null }), {
    timeout: 5000,
  });
  await fail(8, 9 * HOUR);
  await vi.waitFor(async () => expect(await listActions()).toEqual(['webhook.failing']), { timeout: 5000 });
  const { ends_at, failing_since } = await get(endpoint);
  expect(Date.parse(ends_at) - Date.parse(failing_since)).toBe(120 * HOUR);
  await fail(7, 9 * HOUR);
  await vi.waitFor(
    async () => expect(await get(endpoint)).toMatchObject({ state: 'disabled', state_code: 'failing', ends_at: null }),
    {
      timeout: 5000,
    },
  );
  expect((await get(endpoint)).failures).toBeGreaterThanOrEqual(20);
  expect(await listActions()).toEqual(['webhook.disabled', 'webhook.failing']);
}, 60_000);

test('what is due for a disabled endpoint is kept, and is sent by a replay', async () => {
  const endpoint = await hooks.endpoint();
  expect((await hooks.server.send('PATCH', endpoint.path, { state: 'disabled' })).body).toMatchObject({
    state_code: 'by_hand',
  });
  await hooks.startWorker();
  await hooks.tell(3);
  await vi.waitFor(async () => {
    expect((await hooks.deliveries(endpoint)).map(({ hold_code }) => hold_code)).toEqual(
      Array(3).fill('endpoint_disabled'),
    );
  });
  hooks.tidings.clock.now += 100 * HOUR;
  await hooks.tell(1);
  await vi.waitFor(async () => expect((await hooks.deliveries(endpoint))[3]?.hold_code).toBe('endpoint_disabled'));
  expect((await hooks.deliveries(endpoint))[0]).toMatchObject({ status: 'queued', due_at: null, attempts: [] });
  expect(endpoint.standIn.requests).toEqual([]);
  expect((await hooks.server.post(`${endpoint.path}/replay`)).body.code).toBe('invalid_webhook');
  vi.stubEnv('TIDINGS_URL', hooks.server.url);
  const { text } = await runCommand('webhooks', 'attempts', endpoint.id);
  expect(text.match(/ {2}queued {2}held: endpoint_disabled$/gm)).toHaveLength(4);

  expect((await hooks.server.send('PATCH', endpoint.path, { state: 'active' })).body).toMatchObject({
    state: 'active',
    failures: 0,
  });
  const { body: job } = await hooks.server.post(`${endpoint.path}/replay`);
  expect(job).toMatchObject({ action: 'webhooks.replay', matched: 4, filter: { endpoint_id: endpoint.id } });
  hooks.tidings.jobs();
  await hooks.become(endpoint, ['sent', 'sent', 'sent', 'sent']);
  expect(endpoint.standIn.requests).toHaveLength(4);
});
