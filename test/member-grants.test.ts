import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ROLES, type Role, type Scope } from '../src/model/principal.ts';
import { bearer, createKey, ROOT_KEY } from './support/api-keys.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Members that keys make: no key makes a member with more rights than it has. */

let tidings: TestTidings;
let server: TestServer;

beforeAll(async () => {
  tidings = await testTidings();
  server = await testServer(tidings, { apiKeys: [ROOT_KEY] });
});

afterAll(async () => {
  await server.close();
  await tidings.close();
});

beforeEach(() => tidings.database.pool.query('delete from members'));

const NAMES = Object.keys(ROLES) as Role[];

/** Returns the headers of a new key with these scopes. */
async function keyWith(scopes: Iterable<Scope>, environment = 'live'): Promise<Record<string, string>> {
  const { key } = await createKey(server, { scopes: [...new Set<Scope>([...scopes, 'members:write'])], environment });
  return bearer(key);
}

async function add(role: Role, headers: Record<string, string>, subject = `${role}-${Math.random()}`) {
  const member = { issuer: 'https://id.example.com', subject, role };
  const { status, body } = await server.post('/api/v1/members', member, headers);
  return status === 201 ? body.member_id : `${status} ${body.code}: ${body.detail}`;
}

async function listRoles(): Promise<string[]> {
  const { body } = await server.get('/api/v1/members', bearer(ROOT_KEY));
  return body.members.map(({ role }: { role: string }) => role);
}

test.each(NAMES)(
  'a key without one scope of the role %s adds no such member, and the response names the scope',
  async (role) => {
    const missing = ROLES[role].find((scope) => scope !== 'members:write') as Scope;
    const narrow = await keyWith(ROLES[role].filter((scope) => scope !== missing));
    expect(await add(role, narrow)).toMatch(new RegExp(`^403 forbidden: .*${missing}`));
    expect(await listRoles()).toEqual([]);
  },
);

test.each(NAMES)('a key with the scopes of the role %s adds exactly the roles within them', async (role) => {
  const own = new Set<Scope>([...ROLES[role], 'members:write']);
  const headers = await keyWith(own);
  for (const wanted of NAMES) {
    const answer = await add(wanted, headers);
    const isWithin = ROLES[wanted].every((scope) => own.has(scope));
    expect([wanted, /^403 forbidden/.test(answer)]).toEqual([wanted, !isWithin]);
  }
});

test('a narrow key neither raises, lowers nor removes a member with more rights', async () => {
  const owner = await add('owner', bearer(ROOT_KEY));
  await add('owner', bearer(ROOT_KEY));
  const viewer = await add('viewer', bearer(ROOT_KEY));
  const narrow = await keyWith(ROLES.viewer);
  for (const [method, id, body] of [
    ['PATCH', viewer, { role: 'owner' }],
    ['PATCH', viewer, { role: 'support' }],
    ['PATCH', owner, { role: 'viewer' }],
    ['PATCH', owner, { name: 'Eve' }],
    ['DELETE', owner, undefined],
  ] as const) {
    const answer = await server.send(method, `/api/v1/members/${id}`, body, narrow);
    expect([method, body, answer.status, answer.body.code]).toEqual([method, body, 403, 'forbidden']);
  }
  expect(await listRoles()).toEqual(['owner', 'owner', 'viewer']);
  expect((await server.send('DELETE', `/api/v1/members/${viewer}`, undefined, narrow)).status).toBe(200);
});

test('a key that may not write members adds none, whatever else it may do', async () => {
  const { key } = await createKey(server, { scopes: ROLES.owner.filter((scope) => scope !== 'members:write') });
  expect(await add('viewer', bearer(key))).toMatch(/^403 forbidden: .*members:write/);
});

test('what a test key does to members changes nothing for the live tenant', async () => {
  const owner = await add('owner', bearer(ROOT_KEY), 'ann');
  const test = await keyWith(ROLES.owner, 'test');
  expect((await server.get('/api/v1/members', test)).body.members ?? []).toEqual([]);
  expect((await server.send('DELETE', `/api/v1/members/${owner}`, undefined, test)).status).toBe(404);
  await add('owner', test, 'eve');
  expect(await listRoles()).toEqual(['owner']);
});
