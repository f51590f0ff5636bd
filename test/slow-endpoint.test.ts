import { afterEach, beforeEach, expect, test } from 'vitest';
import { type StandIn, startStandIn } from './support/stand-ins/http-stand-in.ts';
import { type TestWebhooks, testWebhooks } from './support/webhooks.ts';

/** One endpoint that does not answer, among many that do. */

const QUICK = 200;
const MESSAGES = 5;

let hooks: TestWebhooks;
let server: StandIn;
beforeEach(async () => {
  hooks = await testWebhooks();
  server = await startStandIn(({ path }) => (path === '/slow' ? { instead: 'hang' } : { status: 204 }));
});
afterEach(async () => {
  await hooks.close();
  await server.stop();
});

test('each of 200 others gets its messages while one does not answer, and before its first request ends', async () => {
  const create = async (path: string) => {
    const { status } = await hooks.server.post('/api/v1/webhooks', { url: `${server.url}${path}` });
    expect(status).toBe(201);
  };
  await create('/slow');
  for (let n = 0; n < QUICK; n++) await create(`/${n}`);
  await hooks.tell(MESSAGES);
  await hooks.startWorker();
  const count = (isSlow: boolean) => server.requests.filter(({ path }) => (path === '/slow') === isSlow).length;
  const advance = setInterval(() => {
    hooks.tidings.clock.now += 300;
  }, 300);
  // No time-out of a hanging request is over: the others had the slots that it did not take.
  await expect.poll(() => count(false), { timeout: 60_000 }).toBe(QUICK * MESSAGES);
  clearInterval(advance);
  expect(count(true)).toBe(MESSAGES);
  const { rows } = await hooks.tidings.database.pool.query(
    'select status, count(*)::int as n from deliveries where attempts > 1 group by 1',
  );
  expect(rows).toEqual([]);
  expect(new Set(server.requests.map(({ headers }) => headers['webhook-id'])).size).toBe((QUICK + 1) * MESSAGES);
});
