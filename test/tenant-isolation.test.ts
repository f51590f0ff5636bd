import { afterAll, beforeAll, expect, test } from 'vitest';
import { TENANT } from './support/tidings.ts';
import {
  call,
  listOperations,
  OTHER,
  recordStatements,
  SECRET,
  type TwoTenants,
  twoTenants,
} from './support/two-tenants.ts';

/** No operation of the API shows or changes a row of another tenant: over HTTP, and by its statements alone. */

let both: TwoTenants;

beforeAll(async () => {
  both = await twoTenants();
});
afterAll(() => both.close());

/** Operations that say of an unknown user that nothing is known, and so of a user of another tenant. */
const OF_USERS = /^GET .*\/(audit|explain)\/\{user_id\}/;

/** Operations that make what they name, which another tenant may have as well. */
const MAKES_WHAT_IT_NAMES = new Set(['PUT /api/v1/issuers/{issuer}', 'POST /api/v1/users/{user_id}/tokens']);

/** The session belongs to no tenant, and its link is a one-time one: test/owner-link.test.ts. */
const OWN_LINK = 'POST /api/v1/session';

test('every operation with ids of another tenant responds 404, and changes nothing of it', async () => {
  const before = await both.digest(OTHER);
  const operations = (await listOperations(both.server, both.other)).filter(
    ({ hasIds, name }) => hasIds && !MAKES_WHAT_IT_NAMES.has(name),
  );
  expect(operations.length).toBeGreaterThan(10);
  for (const operation of operations) {
    const answer = await call(both, operation);
    if (OF_USERS.test(operation.name)) {
      const unknown = await call(both, {
        ...operation,
        path: operation.path.replaceAll(/secret/g, 'nobody').replaceAll(/SECRET/g, 'NOBODY'),
      });
      expect([operation.name, answer.status]).toEqual([operation.name, unknown.status]);
      const named = JSON.stringify(answer.body).replaceAll('secret', 'nobody').replaceAll('SECRET', 'NOBODY');
      const { request_id: _, ...expected } = unknown.body;
      expect(JSON.parse(named)).toMatchObject(expected);
    } else expect([operation.name, answer.status, answer.body.code]).toEqual([operation.name, 404, 'not_found']);
  }
  expect(await both.digest(OTHER)).toBe(before);
});

test('no list, count or catalog shows anything of another tenant, and a cursor of it is rejected', async () => {
  const before = await both.digest(OTHER);
  const operations = await listOperations(both.server, both.own);
  let cursors = 0;
  for (const operation of operations.filter(({ method }) => method === 'GET')) {
    const { status, body: shown } = await call(both, operation);
    expect([operation.name, status]).toEqual([operation.name, 200]);
    expect(JSON.stringify(shown), operation.name).not.toMatch(SECRET);
    if (!operation.isPaged) continue;
    const page = `${operation.path}${operation.path.includes('?') ? '&' : '?'}limit=1`;
    const { body } = await both.server.get(page, { 'x-tidings-tenant': OTHER });
    if (!body.next) continue;
    cursors++;
    const answer = await both.server.get(`${page}&after=${encodeURIComponent(body.next)}`);
    expect([operation.name, answer.status, answer.body.code]).toEqual([operation.name, 400, 'invalid_request']);
  }
  expect(cursors).toBeGreaterThan(3);
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

test('an issuer or a token with a name of another tenant is one of the own tenant', async () => {
  const before = await both.digest(OTHER);
  const made = (await listOperations(both.server, both.other)).filter(({ name }) => MAKES_WHAT_IT_NAMES.has(name));
  expect(made.length).toBe(MAKES_WHAT_IT_NAMES.size);
  for (const operation of made) {
    expect([operation.name, (await call(both, operation)).status]).toEqual([operation.name, 201]);
  }
  expect(await both.digest(OTHER)).toBe(before);
});

test('every statement that the API sends for one tenant shows and changes nothing when it runs for another, or for none', async () => {
  const before = await both.digest(OTHER);
  const recorded = await recordStatements(both, [OTHER, '', 'unknown']);
  const statuses = new Map<string, number>();
  try {
    for (const operation of await listOperations(both.server, both.own)) {
      statuses.set(operation.name, (await call(both, operation)).status);
    }
  } finally {
    await recorded.stop();
  }
  // Each operation did what it is for, and so sent all of its statements.
  expect([...statuses].filter(([, status]) => status >= 400)).toEqual([[OWN_LINK, 401]]);
  expect(recorded.sent.filter(({ leak }) => leak !== undefined)).toEqual([]);
  const texts = new Set(recorded.sent.map(({ text }) => text));
  const found = new Set(recorded.sent.filter(({ rows }) => rows > 0).map(({ text }) => text));
  expect(texts.size).toBeGreaterThan(40);
  expect(found.size / texts.size).toBeGreaterThan(0.8);
  expect(await both.digest(OTHER)).toBe(before);
  expect(await both.digest(TENANT)).not.toBe(before);
});
