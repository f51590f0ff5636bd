import { afterAll, beforeAll, expect, test } from 'vitest';
import { DomainEvents } from '../packages/client/src/marketplace.ts';
import { etagOf, Tidings } from '../packages/client/src/tidings.ts';
import { type TestApi, testApi } from './support/api.ts';

/** The client against the API, over a socket. */

let api: TestApi;
let tidings: Tidings;

beforeAll(async () => {
  api = await testApi();
  tidings = new Tidings({ baseUrl: api.server.url });
});
afterAll(() => api.close());

const failPayment = (userId: string, at = '2025-10-31T10:00:00Z') => ({
  user_id: userId,
  event_type: 'payment_failed',
  event_timestamp: at,
});
const signUp = (userId: string) => ({
  user_id: userId,
  event_type: 'signup_completed',
  event_timestamp: '2025-10-31T19:00:00Z',
  user_traits: { marketing_opt_in: true },
});

test('an event is posted, and its decision explained', async () => {
  const { accepted, results } = await tidings.events.send(signUp('ann'));
  expect(accepted).toBe(1);
  expect(results[0]?.decisions).toMatchObject([{ notification_type: 'WELCOME_EMAIL', outcome: 'send' }]);
  const { answer, paragraph } = await tidings.users.explain('ann', 'WELCOME_EMAIL');
  expect(answer).toBe('on_its_way');
  expect(paragraph).toMatch(/\w+ \w+/);
  expect((await tidings.users.audit('ann')).profile?.traits).toEqual({ marketing_opt_in: true });
});

test('a domain event is published and decided about; one without a user reaches no handler', async () => {
  const events = new DomainEvents(tidings.events);
  const handled: string[] = [];
  events.onEvent('payment_failed', ({ aggregateId }) => handled.push(aggregateId));
  const failed = { eventType: 'payment_failed', metadata: { correlationId: 'checkout-9' } };
  await events.publish({ ...failed, aggregateId: 'payment 1', data: { userId: 'dora' } });
  const rejected = events.publish({ ...failed, aggregateId: 'payment 2', data: {} });
  await expect(rejected).rejects.toMatchObject({ name: 'EventRejectedError', code: 'user_missing' });
  expect(handled).toEqual(['payment 1']);
  const correlated: string[] = [];
  for await (const { user_id } of tidings.decisions.correlated('checkout-9')) correlated.push(user_id);
  expect(new Set(correlated)).toEqual(new Set(['dora']));
});

test('the same call with the same idempotency key has the same result', async () => {
  const options = { idempotencyKey: 'shop 1' };
  const first = await tidings.events.send([failPayment('key')], options);
  expect(await tidings.events.send([failPayment('key')], options)).toEqual(first);
});

test('rejected events are a result, also if there is no other; a corrected one is accepted', async () => {
  const { accepted, rejected } = await tidings.events.send([failPayment('bob', 'noon')]);
  expect(accepted).toBe(0);
  expect(rejected).toMatchObject([{ index: 0, code: 'invalid_timestamp', path: 'event_timestamp' }]);
  const list = async () => (await tidings.rejected.list().page()).items;
  const kept = (await list()).find(({ code }) => code === 'invalid_timestamp');
  const id = String(kept?.rejected_id);
  expect((await tidings.rejected.correct(id, { event_timestamp: 'one' })).rejected).toHaveLength(1);
  expect((await tidings.rejected.correct(id, { event_timestamp: '2025-10-31T12:00:00Z' })).accepted).toBe(1);
  expect((await list()).map(({ rejected_id }) => rejected_id)).not.toContain(id);
});

test('a list is read over all of its pages, and one page at a time', async () => {
  const ids = Array.from({ length: 7 }, (_, n) => `page-${n}`);
  await tidings.events.send(ids.map((id) => failPayment(id)));
  const listing = tidings.users.list({ prefix: 'page-', limit: 3 });
  const found: string[] = [];
  for await (const { user_id } of listing) found.push(user_id);
  expect(found.toSorted()).toEqual(ids);
  const first = await listing.page();
  const second = await listing.page(first.next as string);
  expect([...first.items, ...second.items].map(({ user_id }) => user_id)).toEqual(found.slice(0, 6));
});

test('a signal ends an iteration between two pages', async () => {
  const ended = new AbortController();
  const found: string[] = [];
  const read = async () => {
    for await (const { user_id } of tidings.users.list({ prefix: 'page-', limit: 3 }, { signal: ended.signal })) {
      found.push(user_id);
      if (found.length === 2) ended.abort(new Error('enough'));
    }
  };
  await expect(read()).rejects.toThrow('enough');
  expect(found).toHaveLength(3);
});

test('a delivery that has ended is retried; one that has not is an error with a code', async () => {
  const { results } = await tidings.events.send(signUp('carl'));
  const id = `${results[0]?.decisions[0]?.notification_id}.email`;
  await expect(tidings.deliveries.retry(id)).rejects.toMatchObject({ status: 409, code: 'not_retryable' });
  const worker = await api.tidings.worker();
  const find = async () => {
    for await (const one of tidings.deliveries.list({ status: 'undeliverable' }))
      if (one.delivery_id === id) return one;
    return undefined;
  };
  await expect.poll(find).toBeDefined();
  await worker.stop();
  expect(await tidings.deliveries.retry(id)).toMatchObject({ delivery_id: id, status: 'queued' });
  expect(await tidings.deliveries.cancel(id)).toMatchObject({ status: 'cancelled' });
});

test('of two editors of a catalog, the second learns that the first was quicker', async () => {
  const active = await tidings.catalog.get();
  const ifMatch = etagOf(active);
  expect(ifMatch).toBe(`"${active.version}"`);
  const files = {
    'events.yaml': 'events: { came: {} }',
    'notifications.yaml': 'notifications: {}',
    'rules.yaml': 'rules: {}',
  };
  expect((await tidings.catalog.apply({ files, dry_run: true })).differences.length).toBeGreaterThan(0);
  expect((await tidings.catalog.apply({ files }, { ifMatch })).version).toBe(active.version + 1);
  await expect(tidings.catalog.apply({ files }, { ifMatch })).rejects.toMatchObject({
    name: 'TidingsApiError',
    status: 412,
    code: 'outdated',
    errors: [{ pointer: 'if-match' }],
  });
  expect(await tidings.catalog.rollBack(active.version)).toMatchObject({ version: active.version, changed: true });
});

test('an error names the field that is wrong', async () => {
  const wrong = tidings.jobs.start({ action: 'deliveries.retry', filter: { chanel: 'email' } } as never);
  await expect(wrong).rejects.toMatchObject({
    status: 400,
    code: 'invalid_request',
    errors: [{ pointer: '/filter/chanel', message: expect.stringContaining('channel') }],
    requestId: expect.any(String),
  });
});

test('a process that is not well is a result', async () => {
  expect(await tidings.health.live()).toMatchObject({ status: 'live' });
  expect((await tidings.health.ready()).checks).toMatchObject([{ name: 'database', status: 'ok' }]);
});
