import { expect, test } from 'vitest';
import { systemActor } from '../src/model/principal.ts';
import { beginErasure } from '../src/store/erasure/erasures.ts';
import { batchesOf } from './support/batches.ts';
import { useNotifications } from './support/notifications.ts';
import { TENANT } from './support/tidings.ts';

/** Recipients of batches and direct sends whose users want digests, were merged, were erased, or have got an address meanwhile. */

const at = useNotifications({
  'templates/ORDER.digest/email.en.subject.txt': '{{total}} orders',
  'templates/ORDER.digest/email.en.txt': '{{#each items}}[{{event.order_id}}]{{/each}}',
  'events.yaml':
    'events: { signed_up: {} }\ntraits: { email: string, phone: string, time_zone: string, plan: string, tags: { type: array, items: string } }',
});

const prefer = (userId: string, change: object) =>
  at().server.send('PATCH', `/api/v1/users/${userId}/preferences`, change);
const merge = (userId: string, into: string) => at().server.post(`/api/v1/users/${userId}/merge`, { into });

test('a recipient who wants digests is final with the item, at once and when the time comes', async () => {
  const { tidings, user, pass, email } = at();
  const { create, add, command, get, ends, results } = batchesOf(at());
  await user('u1', { email: 'maria@example.com' });
  expect((await prefer('u1', { types: { ORDER: { frequency: 'DAILY' } } })).status).toBe(200);
  tidings.clock.now += 1000;
  await tidings.worker();
  tidings.batches();
  const [now, later] = [await create(), await create({ scheduled_at: '2025-11-20T20:00:00Z' })];
  for (const id of [now, later]) {
    await add(id, [{ user_id: 'u1', variables: { order_id: id } }]);
    await command(id, 'start');
  }
  expect(await ends(now)).toMatchObject({ state: 'finished', counts: { folded: 1, dropped: 0 } });
  await expect.poll(async () => (await get(later)).counts.scheduled, { timeout: 20_000 }).toBe(1);
  await pass(9 * 3_600_000, 'u1');
  expect(await ends(later)).toMatchObject({ state: 'finished', counts: { folded: 1, dropped: 0 } });
  expect((await results(later))[0]).toMatchObject({ state: 'folded', code: null });
  await pass(24 * 3_600_000, 'u1');
  await expect.poll(() => email.calls.length, { timeout: 20_000 }).toBe(1);
  expect(email.calls[0]?.message.subject).toBe('2 orders');
});

test('a scheduled recipient who is dropped when the time comes says why', async () => {
  const { tidings, user, pass } = at();
  const { create, add, command, get, ends } = batchesOf(at());
  await user('u1', { email: 'maria@example.com' });
  tidings.batches();
  const id = await create({ scheduled_at: '2025-11-20T20:00:00Z' });
  await add(id, [{ user_id: 'u1' }]);
  await command(id, 'start');
  await expect.poll(async () => (await get(id)).counts.scheduled, { timeout: 20_000 }).toBe(1);
  await prefer('u1', { types: { ORDER: { enabled: false } } });
  await pass(9 * 3_600_000, 'u1');
  expect(await ends(id)).toMatchObject({ counts: { dropped: 1 }, codes: { dropped: { preference_off: 1 } } });
});

test.each([
  ['the earlier id first', ['u2', 'u1']],
  ['the survivor first', ['u1', 'u2']],
])('two ids of one user get one message: %s', async (_, ids) => {
  const { tidings, user, send, email } = at();
  const { create, add, command, ends, results } = batchesOf(at());
  await user('u1', { email: 'maria@example.com' });
  await user('u2', { email: 'maria.silva@example.com' });
  expect((await merge('u2', 'u1')).status).toBe(200);
  tidings.clock.now += 10_000;
  await tidings.worker();
  tidings.batches();
  const { body } = await send({ channels: ['email'], recipients: ids.map((user_id) => ({ user_id })) });
  expect(body).toMatchObject({ accepted: 1, results: [{ user_id: 'u1' }, { user_id: 'u1', repeats: 0 }] });
  await expect.poll(() => email.calls.length, { timeout: 20_000 }).toBe(1);
  const id = await create();
  await add(id, [...ids.map((user_id) => ({ user_id })), { email: 'maria.silva@example.com' }]);
  await command(id, 'start');
  expect(await ends(id)).toMatchObject({ counts: { sent: 1, duplicate: 2 } });
  expect((await results(id)).map(({ state }) => state)).toEqual(['sent', 'duplicate', 'duplicate']);
  expect(email.calls).toHaveLength(2);
});

test('a recipient who is merged between two tries of a request or page gets one message', async () => {
  const { tidings, user, send, email } = at();
  const { create, add, command, ends } = batchesOf(at());
  await user('u1', { email: 'maria@example.com' });
  await user('u2', { email: 'maria.silva@example.com' });
  const direct = () => send({ channels: ['email'], recipients: [{ user_id: 'u2' }, { user_id: 'u3' }] }, KEY);
  const first = await direct();
  const id = await create();
  await add(id, [{ user_id: 'u2' }, { user_id: 'u3' }]);
  let lost = false;
  const pipeline = {
    waiting: 0,
    async ingest(...parameters: Parameters<typeof tidings.pipeline.ingest>) {
      const answer = await tidings.pipeline.ingest(...parameters);
      if (lost) return answer;
      lost = true;
      await merge('u2', 'u1');
      throw new Error('the answer was lost');
    },
  };
  tidings.batches({ pipeline, lease: 100 });
  await command(id, 'start');
  await expect.poll(() => lost, { timeout: 20_000 }).toBe(true);
  await tidings.database.pool.query('delete from idempotency_keys');
  expect((await direct()).body.results[0]).toMatchObject({ notification_id: first.body.results[0].notification_id });
  tidings.clock.now += 60_000;
  await tidings.worker();
  expect(await ends(id)).toMatchObject({ counts: { sent: 1, failed: 1 } });
  await expect.poll(() => email.calls.length, { timeout: 20_000 }).toBe(2);
});

const KEY = { 'idempotency-key': 'k' };

test('a line of a user who was erased is not asked for, also before the erasure has come to it', async () => {
  const { tidings, user, email } = at();
  const { create, add, command, ends, results } = batchesOf(at());
  await user('u1', { email: 'maria@example.com' });
  const id = await create();
  await add(id, [{ user_id: 'u1' }, { email: 'Maria@example.com' }, { email: 'john@example.com' }]);
  tidings.clock.now += 1000;
  const { pool } = tidings.database;
  // No worker runs its job yet.
  await tidings.stopJobs();
  const erasure = { tenantId: TENANT, userId: 'u1', actor: systemActor('test'), reason: null };
  expect((await beginErasure(pool, tidings.seal, erasure, () => tidings.clock.now))?.isNew).toBe(true);
  tidings.clock.now += 1000;
  await tidings.worker();
  tidings.batches();
  await command(id, 'start');
  expect(await ends(id)).toMatchObject({ counts: { rejected: 2, sent: 1 }, codes: { rejected: { user_erased: 2 } } });
  expect((await results(id)).map(({ code }) => code)).toEqual(['user_erased', 'user_erased', null]);
  expect(email.calls).toHaveLength(1);
  // A line that was added since is another matter.
  await user('u1', { email: 'maria@example.com' });
  const next = await create();
  await add(next, [{ user_id: 'u1' }]);
  await command(next, 'start');
  expect(await ends(next)).toMatchObject({ counts: { sent: 1 } });
});

test('a line of a user who was erased while its page was in memory does not make the user anew', async () => {
  const { tidings, server, user, email } = at();
  const { create, add, command, ends } = batchesOf(at());
  await user('u1', { email: 'maria@example.com' });
  const id = await create();
  await add(id, [{ user_id: 'u1' }]);
  tidings.jobs();
  let erased: Promise<unknown> | undefined;
  const erase = async () => {
    tidings.clock.now += 60_000;
    const { body } = await server.post('/api/v1/users/u1/erase');
    const status = async () => (await server.get(`/api/v1/erasures/${body.erasure_id}`)).body.status;
    await expect.poll(status, { timeout: 20_000 }).toBe('done');
    tidings.clock.now += 60_000;
  };
  const { pool } = tidings.database;
  const query = pool.query.bind(pool) as (...given: unknown[]) => Promise<unknown>;
  const frozen = Object.assign(Object.create(pool), {
    async query(...parameters: [{ name?: string }]) {
      const result = await query(...parameters);
      if (parameters[0].name !== 'load-batch-page') return result;
      erased ??= erase();
      await erased;
      return result;
    },
    connect: () => pool.connect(),
  });
  tidings.batches({ pool: frozen });
  await command(id, 'start');
  expect(await ends(id)).toMatchObject({ counts: { rejected: 1 }, codes: { rejected: { user_erased: 1 } } });
  expect(email.calls).toEqual([]);
  expect((await server.get('/api/v1/users/u1')).status).toBe(404);
});

test('what was scheduled for an address goes by the terms of who has got the address since', async () => {
  const { tidings, user, send, get, pass, email } = at();
  const schedule = { recipients: [{ email: 'maria@example.com' }], channels: ['email'] };
  const { body } = await send({ ...schedule, scheduled_at: '2025-11-20T20:00:00Z' });
  const [{ user_id: known, notification_id: id }] = body.results;
  expect(known).toMatch(/^addr:/);
  await user('u1', { email: 'MARIA@example.com' });
  await prefer('u1', { types: { ORDER: { enabled: false } } });
  tidings.clock.now += 1000;
  const again = await send({ recipients: [{ user_id: known }], channels: ['email'] });
  expect(again.body.results).toMatchObject([{ user_id: 'u1', state: 'suppressed' }]);
  await tidings.worker();
  await pass(9 * 3_600_000, known);
  await expect.poll(async () => (await get(id)).body.state, { timeout: 20_000 }).toBe('dropped');
  expect((await get(id)).body.deliveries).toMatchObject([{ status: 'dropped', reason_code: 'preference_off' }]);
  expect(email.calls).toEqual([]);
});

test('what was said for an address before a user had it holds for that user, until they say otherwise', async () => {
  const { tidings, user, send, get, email } = at();
  await tidings.worker();
  const first = await send({ recipients: [{ email: 'maria@example.com' }], channels: ['email'] });
  const known = first.body.results[0].user_id;
  expect(known).toMatch(/^addr:/);
  await expect.poll(() => email.calls.length, { timeout: 20_000 }).toBe(1);
  await prefer(known, { types: { ORDER: { email: false } } });
  tidings.clock.now += 1000;
  await user('u1', { email: 'maria@example.com' });
  const ends = async (userId: string) => {
    const { body } = await send({ recipients: [{ user_id: userId }], channels: ['email'] });
    const id = body.results[0].notification_id;
    await expect.poll(async () => (await get(id)).body.state, { timeout: 20_000 }).toMatch(/^(sent|dropped)$/);
    return (await get(id)).body;
  };
  expect((await ends('u1')).deliveries).toMatchObject([{ status: 'dropped', reason_code: 'preference_off' }]);
  // A later word of the user, and an address of which nothing was said.
  await prefer('u1', { types: { ORDER: { email: true } } });
  expect((await ends('u1')).state).toBe('sent');
  await user('u2', { email: 'ann@example.com' });
  expect((await ends('u2')).state).toBe('sent');
  // A withdrawal is newer than that.
  tidings.clock.now += 1000;
  const withdrawn = { purpose: 'TRANSACTIONAL', channel: 'email', state: 'withdrawn', source: 'call' };
  const by = (id: string) => at().server.post(`/api/v1/users/${id}/consents`, withdrawn);
  expect((await by(known)).status).toBeLessThan(300);
  expect((await ends('u1')).deliveries).toMatchObject([{ status: 'dropped', reason_code: 'consent_withdrawn' }]);
});

test('an event is decided while a costly segment is evaluated', async () => {
  const { tidings, server } = at();
  const event_timestamp = new Date(tidings.clock.now).toISOString();
  const tags = Array.from({ length: 900 }, (_, n) => `tag ${n}`);
  const ids = Array.from({ length: 500 }, (_, n) => `u${n}`);
  await tidings.ingest(
    ids.map((user_id) => ({ user_id, event_type: 'known', event_timestamp, user_traits: { tags } })) as never,
  );
  const condition = 'user.tags.all(a, user.tags.all(b, a != b + "x"))';
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  const began = performance.now();
  const { status } = await server.post('/api/v1/segments/preview', { condition });
  const took = performance.now() - began;
  clearInterval(timer);
  expect(status).toBe(200);
  expect({ longest, took }).toMatchObject({ longest: expect.any(Number) });
  expect(longest).toBeLessThan(Math.max(400, took / 2));
});
