import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectUnknown, findCursors, withQuery } from './support/foreign-rows.ts';
import { recordStatements } from './support/recorded-statements.ts';
import { endReleases, withRelease } from './support/release-operations.ts';
import { call, isOfTenant, listOperations } from './support/tenant-operations.ts';
import { TENANT } from './support/tidings.ts';
import { OTHER, SECRET, type TwoTenants, twoTenants } from './support/two-tenants.ts';

/** No operation of the API shows or changes a row of another tenant: over HTTP, and by its statements alone. */

/** Paths whose statements the owner of the database sends. */
const OF_OWNER = ['/api/v1/session', '/api/v1/webhooks/portal-sessions'];

let both: TwoTenants;

beforeAll(async () => {
  both = await twoTenants();
});
afterAll(() => both.close());

test('every operation with ids of another tenant responds 404, and changes nothing of it', async () => {
  const before = await both.digest(OTHER);
  // By callers of the own tenant: a user of the other one may reach its own rows.
  const idsOfOther = { ...both.other, token: both.own.token };
  const operations = (await listOperations(both.server, idsOfOther)).filter((one) => one.hasIds && isOfTenant(one));
  expect(operations.length).toBeGreaterThan(20);
  for (const operation of operations) {
    // Makes a row of the own tenant with a name of the other's: see tenant-callers.test.ts.
    if (operation.method === 'PUT') continue;
    await expectUnknown(operation, (sent) => call(both, sent));
  }
  expect(await both.digest(OTHER)).toBe(before);
});

test('no list, count or catalog shows anything of another tenant, and a cursor of it is rejected', async () => {
  const before = await both.digest(OTHER);
  const operations = await listOperations(both.server, both.own);
  const foreign = await findCursors(both);
  let cursors = 0;
  for (const operation of operations.filter((one) => one.method === 'GET' && isOfTenant(one))) {
    const { status, body: shown } = await call(both, operation);
    expect([operation.name, status]).toEqual([operation.name, 200]);
    expect(JSON.stringify(shown), operation.name).not.toMatch(SECRET);
    const cursor = foreign.get(operation.name);
    if (cursor === undefined) continue;
    cursors++;
    const answer = await call(both, withQuery(operation, { limit: '1', after: cursor }));
    expect([operation.name, answer.status, answer.body.code]).toEqual([operation.name, 400, 'invalid_request']);
  }
  expect(cursors).toBeGreaterThan(5);
  expect(await both.digest(OTHER)).toBe(before);
});

test('a job whose filter names a user or rule of another tenant finds nothing', async () => {
  const { userId, rule } = both.other;
  const preview = await both.server.post('/api/v1/jobs/preview', {
    action: 'deliveries.cancel',
    filter: { user_id: userId },
  });
  expect(preview.body).toMatchObject({ count: 0 });
  const waits = await both.server.post('/api/v1/jobs', { action: 'waits.cancel', filter: { rule } });
  expect(waits).toMatchObject({ status: 404, body: { code: 'not_found' } });
});

test('every statement that the API sends for one tenant shows and changes nothing when it runs for another, or for none', async () => {
  const before = await both.digest(OTHER);
  const recorded = await recordStatements(both, [OTHER, '', 'unknown']);
  const statuses = new Map<string, number>();
  try {
    // Each text of a search finds things of other kinds.
    const { sent } = both.own;
    for (const text of ['own', 'own mailed maria', 'own@example.com', sent, sent.split('.')[0]])
      expect((await both.server.post('/api/v1/search', { text })).body.results, text).not.toEqual([]);
    for (const operation of await listOperations(both.server, both.own)) {
      // These run as the owner of the database: they are of no tenant.
      if (!isOfTenant(operation) || OF_OWNER.includes(operation.path)) continue;
      statuses.set(operation.name, (await call(both, await withRelease(both, operation))).status);
      await endReleases(both.server);
    }
  } finally {
    await recorded.stop();
  }
  // Each operation did what it is for, and so sent all of its statements.
  expect([...statuses].filter(([, status]) => status >= 400)).toEqual([]);
  expect(recorded.sent.filter(({ leak }) => leak !== undefined)).toEqual([]);
  // The query of a cursor was tried where it is declared.
  const plain = recorded.sent.filter(({ text }) => !/^(declare|fetch|close) /.test(text));
  const texts = new Set(plain.map(({ text }) => text));
  const found = new Set(plain.filter(({ rows }) => rows > 0).map(({ text }) => text));
  expect(texts.size).toBeGreaterThan(40);
  expect(found.size / texts.size).toBeGreaterThan(0.79);
  expect(await both.digest(OTHER)).toBe(before);
  expect(await both.digest(TENANT)).not.toBe(before);
});

/** Operations that make what they name, which another tenant may have as well. */
const MAKES_WHAT_IT_NAMES = new Map([
  ['PUT /api/v1/issuers/{issuer}', 201],
  ['PUT /api/v1/connectors/{connector}/secrets', 200],
  ['POST /api/v1/users/{user_id}/tokens', 201],
  ['PUT /api/v1/users/{user_id}', 200],
  ['PATCH /api/v1/users/{user_id}', 200],
]);

test('an issuer, a token or a user with a name of another tenant is one of the own tenant', async () => {
  const before = await both.digest(OTHER);
  const made = (await listOperations(both.server, both.other)).filter(({ name }) => MAKES_WHAT_IT_NAMES.has(name));
  expect(made.length).toBe(MAKES_WHAT_IT_NAMES.size);
  for (const operation of made) {
    const status = MAKES_WHAT_IT_NAMES.get(operation.name);
    expect([operation.name, (await call(both, operation)).status]).toEqual([operation.name, status]);
  }
  expect(await both.digest(OTHER)).toBe(before);
});
