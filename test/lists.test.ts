import { afterEach, beforeEach, expect, test } from 'vitest';
import { Tidings } from '../packages/client/src/tidings.ts';
import { expectProblem } from './support/api.ts';
import { type TestServer, testServer } from './support/http.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** Lists of users: their members over HTTP, and what a merge, an erasure and an export do to them. */

const LISTS = '/api/v1/lists';

let tidings: TestTidings;
let server: TestServer;
beforeEach(async () => {
  tidings = await testTidings({}, new Map(CATALOG));
  server = await testServer(tidings);
});
afterEach(async () => {
  await server.close();
  await tidings.close();
});

const CATALOG: [string, string][] = [
  ['events.yaml', 'events: { signed_up: {} }'],
  ['notifications.yaml', 'notifications: { NEWS: { category: OPERATIONAL, channels: [internal] } }'],
  ['rules.yaml', 'rules: { NEWS: { on: signed_up } }'],
];

const create = async (name: string): Promise<string> => (await server.post(LISTS, { name })).body.list_id;
const add = (id: string, userIds: readonly string[]) => server.post(`${LISTS}/${id}/members`, { user_ids: userIds });
const remove = (id: string, userIds: readonly string[]) =>
  server.post(`${LISTS}/${id}/members/remove`, { user_ids: userIds });
const know = async (...userIds: string[]) => {
  tidings.clock.now += 1000;
  const event_timestamp = new Date(tidings.clock.now).toISOString();
  await tidings.ingest(userIds.map((user_id) => ({ user_id, event_type: 'signed_up', event_timestamp })));
};

/** Returns all members of a list, page by page. */
async function members(id: string, limit = 100): Promise<string[]> {
  const found: string[] = [];
  for (let after = ''; ; ) {
    const { body } = await server.get(`${LISTS}/${id}/members?limit=${limit}${after}`);
    found.push(...body.members.map((one: { user_id: string }) => one.user_id));
    if (body.next === null) return found;
    after = `&after=${body.next}`;
  }
}

/** Expects that the number of members that a list has is that of its rows. */
async function expectMembers(id: string, expected: readonly string[]): Promise<void> {
  expect(await members(id, 2)).toEqual(expected);
  expect((await server.get(`${LISTS}/${id}`)).body.members).toBe(expected.length);
}

test('users are added and removed, each once, and listed in pages', async () => {
  const id = await create('Beta');
  expect((await add(id, ['c', 'a', 'b', 'a'])).body).toEqual({ changed: 3, unchanged: 1, members: 3 });
  expect((await add(id, ['a', 'd', 'e'])).body).toEqual({ changed: 2, unchanged: 1, members: 5 });
  await expectMembers(id, ['a', 'b', 'c', 'd', 'e']);
  expect((await remove(id, ['e', 'x', 'b'])).body).toEqual({ changed: 2, unchanged: 1, members: 3 });
  await expectMembers(id, ['a', 'c', 'd']);
  expectProblem(await add(id, []), { status: 400, code: 'invalid_request', pointer: '/user_ids' });
});

test('a name is that of one list, and a list is renamed, listed and deleted', async () => {
  const id = await create('Beta');
  const other = await create('Alpha');
  expectProblem(await server.post(LISTS, { name: 'Beta' }), { status: 409, code: 'list_exists', pointer: '/name' });
  expectProblem(await server.send('PATCH', `${LISTS}/${other}`, { name: 'Beta' }), {
    ...{ status: 409, code: 'list_exists', pointer: '/name' },
  });
  expect((await server.send('PATCH', `${LISTS}/${id}`, { name: 'Gamma', description: 'x' })).body).toMatchObject({
    name: 'Gamma',
    description: 'x',
  });
  expect((await server.get(LISTS)).body.lists.map(({ name }: { name: string }) => name)).toEqual(['Alpha', 'Gamma']);
  const page = await server.get(`${LISTS}?limit=1`);
  expect((await server.get(`${LISTS}?limit=1&after=${page.body.next}`)).body.lists[0].name).toBe('Gamma');
  await add(id, ['a', 'b']);
  expect((await server.send('DELETE', `${LISTS}/${id}`)).body).toMatchObject({ list_id: id, members: 2 });
  expectProblem(await server.get(`${LISTS}/${id}`), { status: 404, code: 'not_found' });
  expectProblem(await server.get(`${LISTS}/${id}/members`), { status: 404, code: 'not_found' });
  const { rows } = await tidings.database.pool.query('select count(*)::int as n from list_members');
  expect(rows[0].n).toBe(0);
});

test('an upload adds the users of its lines, with an error for each that names none, and may be sent again', async () => {
  const id = await create('Upload');
  const upload = async (lines: readonly unknown[], to = id) => {
    const response = await fetch(`${server.url}${LISTS}/${to}/members/import`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''),
    });
    const answer = (await response.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    return { status: response.status, errors: answer.slice(0, -1), summary: answer.at(-1) };
  };
  const many = Array.from({ length: 12_000 }, (_, n) => ({ user_id: `m${n}` }));
  const wrong = [
    '{"user_id":',
    { user_id: 'x'.repeat(300) },
    { user_id: 'a', email: 'ann@example.com' },
    'null',
    '',
    '"u1"',
  ];
  const first = await upload([...many, ...wrong, { user_id: 'm1' }, { user_id: 'last' }]);
  expect(first.summary).toEqual({
    ...{ lines: 12_008, changed: 12_001, unchanged: 1, rejected: 5, empty: 1, members: 12_001 },
  });
  expect(first.errors.map(({ line, code }: { line: number; code: string }) => [line, code])).toEqual([
    [12_000, 'invalid_json'],
    [12_001, 'invalid_line'],
    [12_002, 'invalid_line'],
    [12_003, 'invalid_line'],
    [12_005, 'invalid_line'],
  ]);
  expect(JSON.stringify(first.errors)).not.toContain('ann@');
  expect((await upload(many)).summary).toMatchObject({ changed: 0, unchanged: 12_000, members: 12_001 });
  expect((await upload([{ user_id: 'x' }], crypto.randomUUID())).status).toBe(404);
  const client = new Tidings({ baseUrl: server.url });
  expect(await client.lists.importMembers(id, [{ user_id: 'm1' }, { user_id: '' }, { user_id: 'new' }])).toEqual({
    ...{ changed: 1, unchanged: 1, members: 12_002, rejected: 1 },
    errors: [{ line: 1, code: 'invalid_line', message: 'user_id is no id of 1 to 256 characters' }],
  });
});

test('a request that is repeated with its key makes one list', async () => {
  const headers = { 'idempotency-key': 'beta' };
  const first = await server.post(LISTS, { name: 'Beta' }, headers);
  const second = await server.post(LISTS, { name: 'Beta' }, headers);
  expect([first.status, second.status, second.body.list_id]).toEqual([201, 201, first.body.list_id]);
});

test('adding and removing at once leaves the number of members right', async () => {
  const id = await create('Beta');
  const ids = Array.from({ length: 40 }, (_, n) => `u${String(n).padStart(2, '0')}`);
  await Promise.all([...ids.map((one) => add(id, [one, 'both'])), ...ids.map((one) => remove(id, [one]))]);
  const left = await members(id);
  expect(left).toContain('both');
  expect((await server.get(`${LISTS}/${id}`)).body.members).toBe(left.length);
});

test('a merge puts the survivor in the place of the user, and an id that was merged is the survivor', async () => {
  await know('old', 'new');
  const [one, both] = [await create('One'), await create('Both')];
  await add(one, ['old', 'x']);
  await add(both, ['old', 'new']);
  expect((await server.post('/api/v1/users/old/merge', { into: 'new' })).status).toBe(200);
  await expectMembers(one, ['new', 'x']);
  await expectMembers(both, ['new']);
  expect((await add(both, ['old'])).body).toEqual({ changed: 0, unchanged: 1, members: 1 });
});

test('an erasure takes the user out of every list, also one who is known by a list alone', async () => {
  await know('gone');
  const id = await create('Beta');
  await add(id, ['gone', 'only listed', 'stays']);
  expect((await server.post('/api/v1/users/gone/erase')).status).toBe(202);
  expect((await server.post(`/api/v1/users/${encodeURIComponent('only listed')}/erase`)).status).toBe(202);
  await expectMembers(id, ['stays']);
});

test('the export of a user names the lists', async () => {
  await know('u1');
  await add(await create('Beta'), ['u1']);
  const response = await fetch(`${server.url}/api/v1/users/u1/export`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ reason: 'test' }),
  });
  const text = Buffer.from(await response.arrayBuffer()).toString('latin1');
  expect(text).toContain('lists/000001.ndjson');
  expect(text).toContain('"name":"Beta"');
});

test('a list of another tenant is not found', async () => {
  const id = await create('Beta');
  await tidings.database.pool.query(`insert into tenants (tenant_id, name) values ('other', 'Other')`);
  await tidings.database.pool.query(`update lists set tenant_id = 'other' where tenant_id = $1`, [TENANT]);
  for (const answer of [
    await server.get(`${LISTS}/${id}`),
    await add(id, ['a']),
    await server.send('DELETE', `${LISTS}/${id}`),
  ])
    expectProblem(answer, { status: 404, code: 'not_found' });
});
