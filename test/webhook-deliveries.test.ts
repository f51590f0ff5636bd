import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { verifyWebhook } from '../packages/client/src/webhooks.ts';
import { takeTurn } from '../src/store/webhooks/endpoint-turns.ts';
import { type TestWebhooks, testWebhooks } from './support/webhooks.ts';

/** Messages of the channel webhook on their way to endpoints. */

let hooks: TestWebhooks;
beforeEach(async () => {
  hooks = await testWebhooks();
});
afterEach(() => hooks.close());

const HOUR = 3_600_000;

test('each endpoint that receives messages of the type gets one, signed, and no other endpoint', async () => {
  const one = await hooks.endpoint();
  const two = await hooks.endpoint({ notification_types: ['NEWS', 'OTHER'] });
  const other = await hooks.endpoint({ notification_types: ['OTHER'] });
  await hooks.startWorker();
  const [id] = await hooks.tell();
  for (const endpoint of [one, two]) {
    await hooks.become(endpoint, ['sent']);
    expect(endpoint.standIn.requests).toHaveLength(1);
    const { headers, body } = endpoint.standIn.requests[0]!;
    expect(headers['webhook-id']).toBe(`${id}_webhook_${endpoint.id}`);
    expect(await verifyWebhook(body, headers, endpoint.secret, { now: hooks.tidings.clock.now })).toMatchObject({
      type: 'NEWS',
      data: { notification_id: id, user_id: 'user 1', text: 'News' },
    });
  }
  expect(other.standIn.requests).toEqual([]);
  expect(await hooks.deliveries(other)).toEqual([]);
});

test('a failure is tried again for 28 hours, with longer and longer pauses, and each attempt is shown', async () => {
  const endpoint = await hooks.endpoint();
  endpoint.standIn.reply({ status: 500, body: 'no' });
  await hooks.startWorker();
  await hooks.tell();
  const pauses: number[] = [];
  for (let attempt = 1; ; attempt++) {
    await vi.waitFor(async () => expect((await hooks.deliveries(endpoint))[0]?.attempts).toHaveLength(attempt), {
      timeout: 10_000,
    });
    const [delivery] = await hooks.deliveries(endpoint);
    if (delivery.status !== 'queued') break;
    const dueAt = Date.parse(delivery.due_at);
    pauses.push((dueAt - hooks.tidings.clock.now) / 1000);
    hooks.tidings.clock.now = dueAt;
  }
  expect(pauses).toEqual([5, 300, 1800, 7200, 18_000, 36_000, 36_000]);
  const [delivery] = await hooks.deliveries(endpoint);
  expect(delivery).toMatchObject({ status: 'dead', reason_code: 'retries_exhausted', due_at: null });
  expect(delivery.attempts).toHaveLength(8);
  expect(delivery.attempts[0]).toMatchObject({ attempt: 1, outcome: 'retry', code: '500', response: '500 no' });
  expect(endpoint.standIn.requests).toHaveLength(8);
});

test('an endpoint that is deleted gets nothing more, and its deliveries end', async () => {
  const endpoint = await hooks.endpoint();
  endpoint.standIn.reply({ status: 500 });
  await hooks.startWorker();
  const [id] = await hooks.tell();
  await hooks.become(endpoint, ['queued']);
  await vi.waitFor(() => expect(endpoint.standIn.requests).toHaveLength(1));
  expect((await hooks.server.send('DELETE', endpoint.path)).status).toBe(200);
  hooks.tidings.clock.now += HOUR;
  const { pool } = hooks.tidings.database;
  await vi.waitFor(async () => {
    const { rows } = await pool.query('select reason_code from deliveries where notification_id = $1', [id]);
    expect(rows).toEqual([{ reason_code: 'target_gone' }]);
  }, 15_000);
  expect(endpoint.standIn.requests).toHaveLength(1);
});

test('an ordered endpoint gets one message at a time, the oldest first, whatever fails', async () => {
  const endpoint = await hooks.endpoint({ ordered: true });
  let fails = 1;
  endpoint.standIn.reply(() => (fails-- > 0 ? { status: 500 } : { status: 204, delay: 20 }));
  const ids = await hooks.tell(5);
  await hooks.startWorker();
  const advance = setInterval(() => {
    hooks.tidings.clock.now += 1000;
  }, 30);
  onTestFinished(() => clearInterval(advance));
  await hooks.become(endpoint, ['sent', 'sent', 'sent', 'sent', 'sent']);
  const order = endpoint.standIn.requests.map(({ headers }) => String(headers['webhook-id']).slice(0, 36));
  const sorted = [...ids].sort();
  expect(order).toEqual([sorted[0], ...sorted]);
});

test('an endpoint with a rate gets no more than that in a second, and all in the end', async () => {
  const endpoint = await hooks.endpoint({ per_second: 2 });
  const at: number[] = [];
  endpoint.standIn.reply(() => {
    at.push(hooks.tidings.clock.now);
    return { status: 204 };
  });
  await hooks.tell(7);
  await hooks.startWorker();
  const advance = setInterval(() => {
    hooks.tidings.clock.now += 100;
  }, 30);
  onTestFinished(() => clearInterval(advance));
  await hooks.become(
    endpoint,
    Array.from({ length: 7 }, () => 'sent'),
  );
  for (const from of at) expect(at.filter((time) => time >= from && time < from + 1000).length).toBeLessThanOrEqual(4);
  expect(at.at(-1)! - at[0]!).toBeGreaterThanOrEqual(2000);
});

test('a turn that another takes at the same moment is waited for', async () => {
  const endpoint = await hooks.endpoint({ per_second: 1 });
  const { pool, clock } = { ...hooks.tidings.database, clock: hooks.tidings.clock };
  const first = await pool.connect();
  try {
    await first.query('begin');
    expect(await takeTurn(first, 'default', endpoint.id, 1, clock.now)).toBeUndefined();
    // It sees the turn of the other only when that has ended, and the endpoint as it was before.
    const second = takeTurn(pool, 'default', endpoint.id, 1, clock.now);
    await vi.waitFor(async () => {
      const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      expect((await pool.query(waiting)).rowCount).toBe(1);
    });
    await first.query('commit');
    expect(await second).toBeGreaterThan(clock.now);
  } finally {
    first.release();
  }
});

test('a delivery that cannot be put off as it was to be holds up no other one, and is due again in a minute', async () => {
  const [odd, other] = [await hooks.endpoint(), await hooks.endpoint()];
  let isOdd = true;
  await hooks.startWorker(async (id, load) =>
    id === odd.id && isOdd ? { holdCode: 'endpoint_rate', until: Number.NaN } : load(),
  );
  await hooks.tell();
  await hooks.become(other, ['sent']);
  isOdd = false;
  await hooks.tell();
  await hooks.become(other, ['sent', 'sent']);
  await hooks.become(odd, ['queued', 'sent']);
  hooks.tidings.clock.now += 61_000;
  await hooks.become(odd, ['sent', 'sent']);
});

test('an endpoint that does not answer holds up no other one', async () => {
  const slow = await hooks.endpoint({ notification_types: ['NEWS'] });
  const quick = await hooks.endpoint({ notification_types: ['NEWS'] });
  slow.standIn.reply({ instead: 'hang' });
  await hooks.tell(30);
  await hooks.startWorker();
  // On a machine under load the other one may be slow as well, and then has a pause by this clock.
  const advance = setInterval(() => {
    hooks.tidings.clock.now += 1000;
  }, 300);
  onTestFinished(() => clearInterval(advance));
  await hooks.become(
    quick,
    Array.from({ length: 30 }, () => 'sent'),
  );
  expect(slow.standIn.requests.length).toBeLessThanOrEqual(8);
});
