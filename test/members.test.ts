import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';
import { API_KEY, type LoginTest, testLogin } from './support/oidc.ts';

/** Members of a tenant: added, changed and removed, within the rights of the one that does it. */

let api: TestApi;
let login: LoginTest;

beforeAll(async () => {
  api = await testApi();
  login = await testLogin(api.tidings);
});

afterAll(async () => {
  await login.close();
  await api.close();
});

beforeEach(() => api.tidings.database.pool.query('delete from members'));

const add = (member: object) => api.server.post('/api/v1/members', member);
const change = (id: string, body: object) => api.server.send('PATCH', `/api/v1/members/${id}`, body);
const remove = (id: string) => api.server.send('DELETE', `/api/v1/members/${id}`);
const list = async () => (await api.server.get('/api/v1/members')).body.members;

/** Adds a member that can log in; returns the id. */
async function addActive(subject: string, role: string): Promise<string> {
  const { status, body } = await add({ issuer: login.provider.url, subject, role });
  expect(status).toBe(201);
  return body.member_id;
}

test('an address of an invitation is stored as mask and keyed hash only', async () => {
  await add({ email: 'maria.lopez@example.com', role: 'viewer' });
  const { rows } = await api.tidings.database.pool.query(
    'select m::text from members m union all select a::text from audit_log a',
  );
  expect(JSON.stringify(rows)).not.toContain('lopez');
});

test('the same member cannot be added twice, also at once and in other letters', async () => {
  const added = await Promise.all(
    ['ann@example.com', 'Ann@Example.com', ' ann@example.com '].map((email) => add({ email, role: 'viewer' })),
  );
  expect(added.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
  await addActive('bob', 'viewer');
  const { body } = await add({ issuer: login.provider.url, subject: 'bob', role: 'owner' });
  expect(body.code).toBe('member_exists');
});

test.each([
  [{ role: 'viewer' }, 'email'],
  [{ email: 'ann', role: 'viewer' }, 'email'],
  [{ email: 'a@b', issuer: 'i', subject: 's', role: 'viewer' }, 'email'],
  [{ issuer: 'i', role: 'viewer' }, 'email'],
  [{ email: 'a@b.c', role: 'admin' }, 'role'],
  [{ email: 'a@b.c' }, 'role'],
])('%j is rejected', async (member, path) => {
  const { status, body } = await add(member);
  expect([status, body.code, body.errors?.[0].pointer]).toEqual([400, 'invalid_request', `/${path}`]);
});

test('members are listed in pages, the first added first', async () => {
  const ids: string[] = [];
  for (const name of ['a', 'b', 'c']) ids.push(await addActive(name, 'viewer'));
  const first = (await api.server.get('/api/v1/members?limit=2')).body;
  expect(first.members.map((member: { member_id: string }) => member.member_id)).toEqual(ids.slice(0, 2));
  const second = (await api.server.get(`/api/v1/members?limit=2&after=${first.next}`)).body;
  expect([second.members.length, second.members[0].member_id, second.next]).toEqual([1, ids[2], null]);
});

test('the last owner who can log in is neither removed nor demoted', async () => {
  const ann = await addActive('ann', 'owner');
  await add({ email: 'invited@example.com', role: 'owner' });
  for (const answer of [await remove(ann), await change(ann, { role: 'editor' })]) {
    expect([answer.status, answer.body.code]).toEqual([409, 'last_owner']);
  }
  expect((await change(ann, { name: 'Ann' })).body).toMatchObject({ name: 'Ann', role: 'owner' });
  const bob = await addActive('bob', 'owner');
  expect((await remove(ann)).status).toBe(200);
  expect((await remove(bob)).body.code).toBe('last_owner');
});

test('of two owners who remove each other at once, one stays', async () => {
  for (let round = 0; round < 5; round++) {
    await api.tidings.database.pool.query('delete from members');
    const [ann, bob] = [await addActive('ann', 'owner'), await addActive('bob', 'owner')];
    const answers = await Promise.all([remove(ann), change(bob, { role: 'viewer' })]);
    expect(answers.filter(({ status }) => status < 300)).toHaveLength(1);
    expect((await list()).filter(({ role }: { role: string }) => role === 'owner')).toHaveLength(1);
  }
});

test('no member changes one with more rights, or gives more than its own', async () => {
  // No role but owner may change members; a key of the tenant may have that scope without others.
  await addActive('ed', 'editor');
  const owner = await addActive('ann', 'owner');
  const editor = login.browser();
  login.provider.account = { sub: 'ed' };
  await editor.visit('/api/v1/login');
  for (const [method, path, body] of [
    ['GET', '/api/v1/members', undefined],
    ['POST', '/api/v1/members', { email: 'eve@example.com', role: 'owner' }],
    ['PATCH', `/api/v1/members/${owner}`, { role: 'viewer' }],
    ['DELETE', `/api/v1/members/${owner}`, undefined],
  ] as const) {
    const answer = await editor.call(method, path, body);
    expect([method, answer.status, answer.body.code]).toEqual([method, 403, 'forbidden']);
  }
});

test('members of another tenant do not exist here', async () => {
  await api.tidings.database.pool.query("insert into tenants (tenant_id, name) values ('acme', 'Acme')");
  const id = await addActive('ann', 'viewer');
  const headers = { 'x-api-key': API_KEY, 'x-tidings-tenant': 'acme' };
  expect((await login.server.get('/api/v1/members', headers)).body.members).toEqual([]);
  for (const method of ['PATCH', 'DELETE']) {
    const body = method === 'PATCH' ? { role: 'owner' } : undefined;
    const answer = await login.server.send(method, `/api/v1/members/${id}`, body, headers);
    expect([method, answer.status, answer.body.code]).toEqual([method, 404, 'not_found']);
  }
});

test.each(['x', '00000000-0000-0000-0000-000000000000', '%00', '..'])('there is no member %s', async (id) => {
  expect((await remove(id)).status).toBe(404);
});

test('each change is in the audit log with what was before and after', async () => {
  const id = await addActive('ann', 'viewer');
  await change(id, { role: 'editor' });
  await change(id, { role: 'editor' });
  await remove(id);
  const { rows } = await api.tidings.database.pool.query(
    `select action, before->>'role' as before, after->>'role' as after from audit_log where subject = $1 order by entry_id`,
    [id],
  );
  expect(rows).toEqual([
    { action: 'member.added', before: null, after: 'viewer' },
    { action: 'member.changed', before: 'viewer', after: 'editor' },
    { action: 'member.removed', before: 'editor', after: null },
  ]);
});
