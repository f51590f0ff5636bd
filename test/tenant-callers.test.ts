import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bearer, createKey, ROOT_KEY } from './support/api-keys.ts';
import { expectUnknown, findCursors, withQuery } from './support/foreign-rows.ts';
import { type Callers, startCallers } from './support/tenant-callers.ts';
import { call, FILTERS, isOfTenant, listOperations, mayCall, type Operation } from './support/tenant-operations.ts';
import { TENANT } from './support/tidings.ts';
import { OTHER, type Rows, SECRET, type TwoTenants, twoTenants } from './support/two-tenants.ts';

/** Keys, test keys, tokens and sessions of a tenant reach nothing of another one: over every operation of the OpenAPI document. */

let both: TwoTenants;
let callers: Callers;
let before: string;
let cursorsOfOther: ReadonlyMap<string, string>;

beforeAll(async () => {
  both = await twoTenants();
  callers = await startCallers(both);
  cursorsOfOther = await findCursors(both);
  before = await both.digest(OTHER);
});
afterAll(async () => {
  await callers.server.close();
  await both.close();
});

/** Returns the operations whose scope is of one tenant, without credentials, for these rows. */
async function listOfTenant(rows: Rows): Promise<Operation[]> {
  const operations = await listOperations(both.server, rows);
  return operations
    .filter((one) => one.scope !== 'public' && isOfTenant(one))
    .map((operation) => {
      const { authorization: _, ...headers } = operation.headers;
      return { ...operation, headers };
    });
}

/** Expects that nothing of the other tenant is in an answer; its ids that the caller sent may be. */
function expectNothing(name: string, shown: unknown, sent = ''): void {
  const text = JSON.stringify(shown).replaceAll(JSON.stringify(sent).slice(1, -1) || '\0', '');
  expect(text, name).not.toMatch(SECRET);
}

const NAMES = [
  'a live key',
  'a live key that only views',
  'a test key',
  'a token of a user',
  'a member',
  'a key of the installation',
];

describe.each(NAMES)('%s', (name) => {
  const find = () => callers.list.find((one) => one.name === name)!;

  test('sees nothing of another tenant in any list, and its filters find nothing of it', async () => {
    const { headers, scopes } = find();
    let seen = 0;
    for (const operation of await listOfTenant(both.own)) {
      if (operation.method !== 'GET') continue;
      const answer = await call(callers, operation, headers);
      expectNothing(`${name} ${operation.name}`, answer.body);
      if (!mayCall(operation, scopes)) expect([operation.name, answer.status]).toEqual([operation.name, 403]);
      else seen++;
      for (const [parameter, read] of Object.entries(FILTERS)) {
        if (!operation.parameters.has(parameter)) continue;
        const value = read(both.other);
        const filtered = await call(callers, withQuery(operation, { [parameter]: value }), headers);
        expect([operation.name, parameter, filtered.status >= 500]).toEqual([operation.name, parameter, false]);
        expectNothing(`${name} ${operation.name} by ${parameter}`, filtered.body, value);
      }
    }
    expect(seen).toBeGreaterThan(1);
  });

  test('may not use a cursor of another tenant', async () => {
    const { headers, scopes } = find();
    let cursors = 0;
    for (const operation of await listOfTenant(both.own)) {
      const after = cursorsOfOther.get(operation.name);
      if (after === undefined || !mayCall(operation, scopes)) continue;
      cursors++;
      const { status, body } = await call(callers, withQuery(operation, { limit: '1', after }), headers);
      // The own job of live does not exist for a test key.
      if (!find().isLive && operation.hasIds) expect(status).toBeOneOf([400, 404]);
      else expect([operation.name, status, body.code]).toEqual([operation.name, 400, 'invalid_request']);
      expectNothing(operation.name, body, after);
    }
    expect(cursors).toBeGreaterThan(0);
  });

  test('gets 404 for every id of another tenant, or 403 where it lacks the scope', async () => {
    const { headers, scopes } = find();
    for (const operation of await listOfTenant(both.other)) {
      if (!operation.hasIds) continue;
      if (mayCall(operation, scopes)) {
        // Makes a row of the own tenant with a name of the other's: see the last test.
        if (operation.method === 'PUT') continue;
        await expectUnknown(operation, (sent) => call(callers, sent, headers), name);
      } else {
        const { status, body } = await call(callers, operation, headers);
        expect([operation.name, status, body.code]).toEqual([operation.name, 403, 'forbidden']);
        expectNothing(operation.name, body);
      }
    }
    expect(await both.digest(OTHER)).toBe(before);
  });

  test('does not reach another tenant by naming it, except a key of the installation', async () => {
    if (name === 'a key of the installation') return;
    const headers = { ...find().headers, 'x-tidings-tenant': OTHER };
    for (const operation of await listOfTenant(both.other)) {
      const { status, body } = await call(callers, operation, headers);
      expect([operation.name, status]).toEqual([operation.name, name === 'a token of a user' ? 401 : 404]);
      expectNothing(operation.name, body);
    }
    expect(await both.digest(OTHER)).toBe(before);
  });
});

test('a test key gets 404 for the ids of its own live tenant, and 400 for its cursors', async () => {
  const { headers } = callers.list.find(({ isLive }) => !isLive)!;
  const live = callers.list[0]!;
  for (const operation of await listOfTenant(both.own)) {
    if (operation.scope === 'me') continue;
    const name = `a test key ${operation.name}`;
    if (operation.hasIds && operation.method !== 'PUT') {
      const { status, body } = await call(callers, operation, headers);
      const isOfName = /\{(user_id|name)\}/.test(operation.name) && status < 300;
      if (!isOfName) expect([name, status, body.code]).toEqual([name, 404, 'not_found']);
      expect(JSON.stringify(body), name).not.toMatch(/own (text|subject|correlation)|own@/);
    } else if (operation.method === 'GET' && operation.parameters.has('after')) {
      const { body } = await call(callers, withQuery(operation, { limit: '1' }), live.headers);
      if (!body.next) continue;
      const { status } = await call(callers, withQuery(operation, { limit: '1', after: body.next }), headers);
      expect([name, status]).toEqual([name, 400]);
    }
  }
});

test('an idempotency key of another tenant repeats nothing of it', async () => {
  const send = (tenant: string, name: string) =>
    callers.server.post(
      '/api/v1/keys',
      { name, scopes: ['users:read'] },
      {
        ...bearer(ROOT_KEY, { 'x-tidings-tenant': tenant }),
        'idempotency-key': 'the same for both',
      },
    );
  const theirs = await send(OTHER, 'foreign name');
  const ours = await send(TENANT, 'foreign name');
  expect([theirs.status, ours.status]).toEqual([201, 201]);
  expect(ours.body.key_id).not.toBe(theirs.body.key_id);
});

test('a key of another tenant with the tenant header of this one gets 404 everywhere', async () => {
  const { key } = await createKey(callers.server, { scopes: ['users:read'] }, { tenant: OTHER });
  for (const operation of await listOfTenant(both.own)) {
    const { status, body } = await call(callers, operation, bearer(key, { 'x-tidings-tenant': TENANT }));
    expect([operation.name, status]).toEqual([operation.name, 404]);
    expect(JSON.stringify(body)).not.toMatch(/own (text|maria)/);
  }
});

test('an issuer with the name of one of another tenant is of the own tenant, and changes nothing of the other', async () => {
  const theirs = await both.digest(OTHER);
  for (const operation of await listOfTenant(both.other)) {
    if (operation.method !== 'PUT' || !operation.name.includes('/issuers/')) continue;
    for (const { name, headers, scopes } of callers.list) {
      if (!mayCall(operation, scopes)) continue;
      expect([name, (await call(callers, operation, headers)).status]).toEqual([name, 201]);
      const ended = await call(callers, { ...operation, method: 'DELETE', body: undefined }, headers);
      expect([name, ended.status]).toEqual([name, 200]);
    }
  }
  expect(await both.digest(OTHER)).toBe(theirs);
});

test('only the installation follows the catalog of another tenant', async () => {
  for (const { name, headers, scopes } of callers.list) {
    if (scopes.has('tenants:read')) continue;
    const { status, body } = await callers.server.send('PUT', '/api/v1/catalog/follow', { tenant_id: OTHER }, headers);
    expect([name, status]).toEqual([name, scopes.has('catalog:write') ? 404 : 403]);
    expectNothing(name, body);
  }
});
