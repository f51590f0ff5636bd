import { expect, test } from 'vitest';
import { batchesOf, sumOf } from './support/batches.ts';
import { useNotifications } from './support/notifications.ts';

/** A batch from its draft to its end, over HTTP. */

const at = useNotifications();

test('each recipient gets the message once, and each line says what became of it', async () => {
  const { tidings, user, email } = at();
  const { create, add, command, get, ends, results } = batchesOf(at());
  await user('u1', { email: 'maria@example.com' });
  await user('u2', { email: 'john@example.com' });
  await user('no address', {});
  const id = await create({ variables: { order_id: 'all' }, context: { source: 'shop' }, name: 'Sale' });
  const { status, lines } = await add(id, [
    { user_id: 'u1', variables: { order_id: '4711' } },
    { email: 'JOHN@example.com' },
    '',
    { user_id: 'u2' },
    { email: 'new@example.com' },
    { user_id: 'no address' },
    'no json',
    { user_id: 'u1' },
  ]);
  expect(status).toBe(200);
  expect(lines).toEqual([
    { line: 6, code: 'invalid_json', message: expect.stringContaining('JSON') },
    { offset: 8, stored: 8, known: 0, rejected: 1, empty: 1 },
  ]);
  expect(await get(id)).toMatchObject({ state: 'draft', lines: 8, counts: { pending: 6, rejected: 1, empty: 1 } });
  await tidings.worker();
  tidings.batches();
  expect((await command(id, 'start')).body).toMatchObject({ state: 'running' });
  const ended = await ends(id);
  expect(ended).toMatchObject({
    state: 'finished',
    counts: { sent: 3, failed: 1, rejected: 1, duplicate: 2, empty: 1, pending: 0, accepted: 0 },
    codes: { rejected: { invalid_json: 1 } },
  });
  expect(sumOf(ended)).toBe(8);
  const found = await results(id);
  expect(found.map(({ line, state }) => [line, state])).toEqual([
    [0, 'sent'],
    [1, 'sent'],
    [2, 'empty'],
    [3, 'duplicate'],
    [4, 'sent'],
    [5, 'failed'],
    [6, 'rejected'],
    [7, 'duplicate'],
  ]);
  expect(found[1]).toMatchObject({
    user_id: 'u2',
    recipient: { email: expect.stringMatching(/^J.*…/) },
    channels: [{ channel: 'email', status: 'sent' }],
  });
  expect(found[4]?.user_id).toMatch(/^addr:/);
  expect(email.calls.map(({ message }) => message.subject).sort()).toEqual(['Order 4711', 'Order all', 'Order all']);
});

test('results are streamed, and listed by state', async () => {
  const { tidings, server } = at();
  const { create, add, command, ends, results } = batchesOf(at());
  const id = await create();
  await add(id, [...Array.from({ length: 30 }, (_, n) => ({ email: `u${n}@example.com` })), '', '{}']);
  await tidings.worker();
  tidings.batches({ page: 7 });
  await command(id, 'start');
  await ends(id);
  const response = await fetch(`${server.url}/api/v1/batches/${id}/results/export`);
  const lines = (await response.text()).trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual(await results(id));
  expect(await results(id, '&state=rejected')).toMatchObject([{ line: 31, code: 'invalid_line' }]);
});

test('a pause holds what is queued, a resume sends it, and no user gets it twice', async () => {
  const { tidings, email } = at();
  const { create, add, command, get, ends } = batchesOf(at());
  const id = await create();
  await add(
    id,
    Array.from({ length: 60 }, (_, n) => ({ email: `u${n}@example.com` })),
  );
  tidings.batches({ page: 20 });
  await command(id, 'start');
  await expect.poll(async () => (await get(id)).counts.accepted, { timeout: 20_000 }).toBe(60);
  expect((await command(id, 'pause')).body.state).toBe('paused');
  const worker = await tidings.worker();
  await expect.poll(async () => (await get(id)).counts.held, { timeout: 20_000 }).toBe(60);
  expect(email.calls).toHaveLength(0);
  await expect.poll(async () => (await get(id)).codes, { timeout: 20_000 }).toEqual({ held: { batch_paused: 60 } });
  const { results } = (await at().server.get(`/api/v1/batches/${id}/results?state=held&limit=1`)).body;
  expect(results).toMatchObject([{ state: 'held', code: 'batch_paused' }]);
  const { paragraph } = (await at().server.get(`/api/v1/explain/${results[0].user_id}/ORDER`)).body;
  expect(paragraph).toContain(
    `It is held for the pause of its batch ${id}, and does not go by email until the batch is resumed or cancelled: the hold has no end of its own.`,
  );
  const { rows } = await tidings.database.pool.query('select distinct status, hold_code, attempts from deliveries');
  expect(rows).toEqual([{ status: 'queued', hold_code: 'batch_paused', attempts: 0 }]);
  expect((await command(id, 'resume')).body.state).toBe('running');
  expect(await ends(id)).toMatchObject({ state: 'finished', counts: { sent: 60 }, codes: {} });
  expect(new Set(email.calls.map(({ userId }) => userId)).size).toBe(60);
  expect(email.calls).toHaveLength(60);
  await worker.stop();
});

test('the explanation of a held message follows its batch, before any of its messages is looked at', async () => {
  const { tidings, server } = at();
  const { create, add, command, get } = batchesOf(at());
  const expiresAt = new Date(tidings.clock.now + 30 * 86_400_000).toISOString();
  const id = await create({ name: 'March', expires_at: expiresAt });
  await add(id, [{ email: 'u1@example.com' }]);
  const runner = tidings.batches({ page: 20 });
  await command(id, 'start');
  await expect.poll(async () => (await get(id)).counts.accepted, { timeout: 20_000 }).toBe(1);
  await runner.stop();
  const [line] = (await server.get(`/api/v1/batches/${id}/results`)).body.results;
  const explain = async () => (await server.get(`/api/v1/explain/${line.user_id}/ORDER`)).body.paragraph;
  const hold = () =>
    tidings.database.pool.query(
      `update deliveries set hold_code = 'batch_paused', due_at = due_at + interval '1 hour' where status = 'queued'`,
    );
  expect(await explain()).toMatch(/It is on its way by email\.$/);
  await command(id, 'pause');
  // Due, and not claimed yet.
  expect(await explain()).toContain(`It is held for the pause of its batch March (${id})`);
  await hold();
  expect(await explain()).toMatch(
    /does not go by email until the batch is resumed or cancelled; it expires on .* if that has not happened\.$/,
  );
  await command(id, 'resume');
  expect(await explain()).toMatch(
    /It was held for the pause of its batch March \(.*\), which is over, and is about to go by email\.$/,
  );
  await command(id, 'cancel');
  expect(await explain()).toContain(`It is about to be cancelled, as its batch March (${id}).`);
});

test('a cancellation ends what is queued and what was not asked for', async () => {
  const { tidings, email } = at();
  const { create, add, command, get, ends } = batchesOf(at());
  const id = await create({ per_second: 10 });
  await add(
    id,
    Array.from({ length: 50 }, (_, n) => ({ email: `u${n}@example.com` })),
  );
  tidings.batches();
  await command(id, 'start');
  await expect.poll(async () => (await get(id)).counts.accepted, { timeout: 20_000 }).toBeGreaterThan(9);
  expect((await command(id, 'cancel')).body.state).toBe('cancelled');
  await tidings.worker();
  const ended = await ends(id);
  expect(ended.state).toBe('cancelled');
  expect((ended.counts.cancelled ?? 0) + (ended.counts.sent ?? 0)).toBe(50);
  expect(email.calls).toHaveLength(ended.counts.sent ?? 0);
  expect((await command(id, 'resume')).status).toBe(409);
});

test('what is scheduled is open until its time, and a cancellation ends its wait', async () => {
  const { tidings, email, pass } = at();
  const { create, add, command, get, ends } = batchesOf(at());
  const scheduled_at = '2025-11-21T09:00:00Z';
  const [kept, dropped] = [await create({ scheduled_at }), await create({ scheduled_at })];
  await tidings.worker();
  tidings.batches();
  for (const id of [kept, dropped]) {
    await add(id, [{ user_id: `of ${id}`, variables: {} }]);
    await command(id, 'start');
    await expect.poll(async () => (await get(id)).counts.scheduled, { timeout: 20_000 }).toBe(1);
  }
  await command(dropped, 'cancel');
  expect(await ends(dropped)).toMatchObject({ state: 'cancelled', counts: { cancelled: 1 } });
  expect((await get(kept)).ended_at).toBeNull();
  await pass(24 * 3_600_000, `of ${kept}`, `of ${dropped}`);
  expect(await ends(kept)).toMatchObject({ state: 'finished', counts: { failed: 1 } });
  expect(email.calls).toEqual([]);
});

test('an estimate decides as the batch would, and stores nothing', async () => {
  const { server, count } = at();
  const { create, add } = batchesOf(at());
  const id = await create();
  await add(id, [{ email: 'a@example.com' }, { email: 'a@example.com' }, { user_id: 'u1' }, 'x']);
  const { body } = await server.get(`/api/v1/batches/${id}/estimate`);
  expect(body).toEqual({
    pending: 3,
    sampled: 3,
    costs: [{ channel: 'email', messages: 1, parts: null, basis: 'unknown', amount: null, currency: null }],
    exact: true,
    reach: 1,
    held: 0,
    duplicate: 1,
    unreachable: { missing_email: 1 },
    dropped: {},
    rejected: {},
  });
  expect(await count('events')).toBe(0);
  await server.post('/api/v1/suppressions', { channel: 'email', address: 'a@example.com' });
  const suppressed = (await server.get(`/api/v1/batches/${id}/estimate`)).body;
  expect(suppressed).toMatchObject({ reach: 0, costs: [], unreachable: { missing_email: 1, suppressed: 1 } });
  // A schedule is decided later: the terms of now are those of the estimate.
  await at().user('u2', { email: 'ann@example.com' });
  await server.send('PATCH', '/api/v1/users/u2/preferences', { types: { ORDER: { enabled: false } } });
  const later = await create({ scheduled_at: '2025-12-01T09:00:00Z' });
  await add(later, [{ user_id: 'u2' }, { email: 'b@example.com' }]);
  expect((await server.get(`/api/v1/batches/${later}/estimate`)).body).toMatchObject({
    reach: 1,
    dropped: { preference_off: 1 },
  });
});

test('commands that do not fit the state are rejected, and repeated ones change nothing', async () => {
  const { server } = at();
  const { create, add, command } = batchesOf(at());
  const id = await create();
  expect((await command(id, 'start')).body.code).toBe('wrong_batch_state');
  expect((await command(id, 'pause')).status).toBe(409);
  await add(id, [{ user_id: 'u1' }]);
  expect((await command(id, 'start')).status).toBe(200);
  expect((await command(id, 'start')).status).toBe(200);
  expect((await add(id, [{ user_id: 'u2' }], 1)).lines[0].code).toBe('wrong_batch_state');
  const rate = await server.send('PATCH', `/api/v1/batches/${id}`, { per_second: 5 });
  expect(rate.body.per_second).toBe(5);
  expect((await command('01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e', 'start')).status).toBe(404);
  const { body } = await server.get('/api/v1/audit-log?action=batch&limit=10');
  expect(body.entries.map(({ action }: { action: string }) => action)).toEqual([
    'batch.rate_changed',
    'batch.started',
    'batch.recipients_added',
    'batch.created',
  ]);
});

test('a request that does not fit its type is rejected; variables may come with the lines', async () => {
  const { server } = at();
  const { create, add } = batchesOf(at());
  const post = (body: object) => server.post('/api/v1/batches', body);
  expect((await post({ type: 'ORDERS' })).body.code).toBe('unknown_type');
  expect((await post({ type: 'ORDER', category: 'MARKETING' })).body.code).toBe('category_mismatch');
  expect((await post({ type: 'DECLARED', variables: { name: 1 } })).body.code).toBe('invalid_notification');
  const id = await create({ type: 'DECLARED' });
  const { lines } = await add(id, [{ user_id: 'u1', variables: { name: 'Maria' } }, { user_id: 'u2' }]);
  expect(lines[0]).toMatchObject({ line: 1, code: 'variable_missing' });
});

test('the same creation with a key makes one batch', async () => {
  const { server, count } = at();
  const make = () => server.post('/api/v1/batches', { type: 'ORDER' }, { 'idempotency-key': 'k' });
  expect((await make()).body.batch_id).toBe((await make()).body.batch_id);
  expect(await count('batches')).toBe(1);
});
