import { expect, test } from 'vitest';
import { expectProblem } from './support/api.ts';
import { batchesOf, sumOf } from './support/batches.ts';
import { useNotifications } from './support/notifications.ts';

/** Batches whose recipients are the members of a list, or the users of a segment. */

const at = useNotifications({
  'segments.yaml': 'segments: { PRO: user.plan == "pro", ALL: "true" }',
});

interface WithRecipients {
  readonly recipients: { readonly state: string; readonly found: number } | null;
}

const idsOf = (count: number) => Array.from({ length: count }, (_, n) => `u${String(n).padStart(5, '0')}`);

async function createList(userIds: readonly string[]): Promise<string> {
  const { server } = at();
  const { body } = await server.post('/api/v1/lists', { name: 'Beta' });
  if (userIds.length > 0) await server.post(`/api/v1/lists/${body.list_id}/members`, { user_ids: userIds });
  return body.list_id;
}

/** Makes users known, all with an email address; those with an even number have the plan pro. */
async function knowMany(userIds: readonly string[]): Promise<void> {
  const { tidings } = at();
  const event_timestamp = new Date(tidings.clock.now).toISOString();
  for (let start = 0; start < userIds.length; start += 500) {
    await tidings.ingest(
      userIds.slice(start, start + 500).map((user_id, n) => ({
        ...{ user_id, event_type: 'known', event_timestamp },
        user_traits: { email: `${user_id}@example.com`, plan: n % 2 === 0 ? 'pro' : 'free' },
      })),
    );
  }
  tidings.clock.now += 1000;
}

test('each member of a list gets the message once, besides the lines', async () => {
  const { tidings, email } = at();
  const { create, add, command, get, ends, results } = batchesOf(at());
  const ids = idsOf(2500);
  await knowMany(ids);
  const list = await createList(ids);
  const id = await create({ recipients: { list } });
  await add(id, [{ user_id: 'u00007', variables: { order_id: 'own' } }, { email: 'new@example.com' }]);
  expect(await get(id)).toMatchObject({ state: 'draft', lines: 2, recipients: { list, state: 'pending', found: 0 } });
  await tidings.worker();
  tidings.batches();
  expect((await command(id, 'start')).status).toBe(200);
  const ended = await ends(id, 120_000);
  expect(ended).toMatchObject({ state: 'finished', lines: 2502, recipients: { list, state: 'done', found: 2500 } });
  expect(ended.counts).toMatchObject({ sent: 2501, duplicate: 1 });
  expect(sumOf(ended)).toBe(2502);
  expect(email.calls).toHaveLength(2501);
  expect(new Set(email.calls.map(({ userId }) => userId)).size).toBe(2501);
  expect((await results(id, '&state=duplicate'))[0]?.user_id).toBe('u00007');
}, 180_000);

test('the users of a segment are those whose profile meets its condition, which stays as it was at the start', async () => {
  const { tidings, email } = at();
  const { create, command, ends } = batchesOf(at());
  const ids = idsOf(1300);
  await knowMany(ids);
  const id = await create({ recipients: { segment: 'PRO' } });
  await tidings.worker();
  expect((await command(id, 'start')).status).toBe(200);
  // The batch goes on by the condition that it began with.
  await tidings.database.pool.query(
    `update batches set source = json_build_object('audience', source->'audience', 'state', source->'state',
       'found', source->'found', 'after', source->'after', 'condition', source->'condition') where batch_id = $1`,
    [id],
  );
  tidings.batches();
  const ended = await ends(id, 120_000);
  expect(ended).toMatchObject({ state: 'finished', recipients: { segment: 'PRO', state: 'done', found: 650 } });
  expect(ended.counts.sent).toBe(650);
  const numbers = email.calls.map(({ userId }) => Number(String(userId).slice(1)));
  expect(numbers.every((n) => n % 2 === 0)).toBe(true);
}, 180_000);

test('workers that are lost between pages leave no user out, and repeat none', async () => {
  const { tidings, email } = at();
  const { create, command, get, ends } = batchesOf(at());
  const ids = idsOf(3000);
  await knowMany(ids);
  const id = await create({ recipients: { list: await createList(ids) } });
  await tidings.worker();
  await command(id, 'start');
  // Two workers with leases that end at once: each claims what the other one has begun, and one of the two commits is lost.
  tidings.batches({ lease: 1, page: 200 });
  tidings.batches({ lease: 1, page: 200 });
  const ended = await ends(id, 150_000);
  expect(ended).toMatchObject({ state: 'finished', lines: 3000, counts: { sent: 3000 } });
  expect((await get(id)) as unknown as WithRecipients).toMatchObject({ recipients: { found: 3000 } });
  expect(new Set(email.calls.map(({ userId }) => userId)).size).toBe(3000);
}, 200_000);

test('a pause stops the reading, a resume goes on, and a cancellation ends it', async () => {
  const { tidings } = at();
  const { create, command, get, ends } = batchesOf(at());
  const ids = idsOf(2500);
  const list = await createList(ids);
  const id = await create({ recipients: { list }, per_second: 50 });
  tidings.batches();
  await command(id, 'start');
  await expect.poll(async () => (await get(id)).lines, { timeout: 20_000 }).toBeGreaterThan(0);
  await command(id, 'pause');
  const { lines } = await get(id);
  expect(lines).toBeLessThan(2500);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect((await get(id)).lines).toBe(lines);
  await command(id, 'cancel');
  await tidings.worker();
  const ended = await ends(id, 60_000);
  expect(ended.state).toBe('cancelled');
  expect(sumOf(ended)).toBe(ended.lines);
  expect(ended.lines).toBeLessThan(2500);
});

test('an unknown list or segment is said at once, and at the start; an empty list ends at once', async () => {
  const { server, tidings } = at();
  const { create, command, ends } = batchesOf(at());
  const ask = (recipients: object) => server.post('/api/v1/batches', { type: 'ORDER', recipients });
  const unknown = { list: '01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e' };
  expectProblem(await ask(unknown), { status: 404, code: 'not_found', pointer: '/recipients/list' });
  expectProblem(await ask({ segment: 'PRU' }), { status: 404, code: 'not_found', pointer: '/recipients/segment' });
  expect((await ask({ segment: 'PRO', list: unknown.list })).status).toBe(400);
  const list = await createList([]);
  const [empty, gone] = [await create({ recipients: { list } }), await create({ recipients: { list } })];
  tidings.batches();
  await command(empty, 'start');
  expect(await ends(empty)).toMatchObject({ state: 'finished', lines: 0, recipients: { state: 'done' } });
  await server.send('DELETE', `/api/v1/lists/${list}`);
  expectProblem(await command(gone, 'start'), { status: 404, code: 'not_found' });
});

test('a user who is erased while a list is read gets nothing, and does not come back', async () => {
  const { server, tidings, email } = at();
  const { create, command, ends, results } = batchesOf(at());
  await knowMany(['a', 'b']);
  const id = await create({ recipients: { list: await createList(['a', 'b']) } });
  await command(id, 'start');
  // As if the list had been read just before the erasure took its user out of it.
  expect((await server.post('/api/v1/users/a/erase')).status).toBe(202);
  await server.post(`/api/v1/lists/${(await server.get('/api/v1/lists')).body.lists[0].list_id}/members`, {
    user_ids: ['a'],
  });
  await tidings.worker();
  tidings.batches();
  expect((await ends(id)).counts).toMatchObject({ sent: 1, rejected: 1 });
  expect((await results(id, '&state=rejected'))[0]).toMatchObject({ code: 'user_erased' });
  expect(email.calls.map(({ userId }) => userId)).toEqual(['b']);
  expect((await server.get('/api/v1/users/a')).status).toBe(404);
});

test('the estimate of a draft is that of the users who would become lines', async () => {
  const { server } = at();
  const { create, add } = batchesOf(at());
  const ids = idsOf(300);
  await knowMany(ids);
  const estimate = async (id: string) => (await server.get(`/api/v1/batches/${id}/estimate`)).body;
  const segment = await create({ recipients: { segment: 'PRO' } });
  expect(await estimate(segment)).toMatchObject({ pending: 150, sampled: 150, exact: true, reach: 150 });
  const list = await createList([...ids, ...idsOf(2000).slice(300)]);
  const large = await create({ recipients: { list } });
  await add(large, [{ user_id: 'x' }]);
  const found = await estimate(large);
  expect(found).toMatchObject({ pending: 2001, exact: false });
  expect(found.sampled).toBeLessThanOrEqual(501);
  const rest = [found.unreachable, found.rejected].flatMap((counts) => Object.values<number>(counts));
  expect(rest.reduce((sum, n) => sum + n, found.reach)).toBeGreaterThan(1990);
});
