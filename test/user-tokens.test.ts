import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';
import { bearer } from './support/tokens.ts';

/** Tokens that Tidings signs for users: each reaches /me of its user, and nothing else. */

let api: TestApi;
const MINUTE = 60_000;

beforeAll(async () => {
  api = await testApi();
});

afterAll(() => api.close());

async function makeToken(userId: string, lifetime?: string): Promise<string> {
  const { status, body } = await api.server.post(
    `/api/v1/users/${encodeURIComponent(userId)}/tokens`,
    lifetime === undefined ? undefined : { lifetime },
  );
  expect(status).toBe(201);
  return body.token;
}

const getMe = (token: string) => api.server.get('/api/v1/me', bearer(token));

test('a token says whose it is', async () => {
  const { status, body } = await getMe(await makeToken('ann'));
  expect([status, body]).toEqual([200, { user_id: 'ann', tenant_id: 'default', environment: 'live' }]);
});

test('a user id may have any character that an id may have', async () => {
  const id = `a/b?c=d#e%2F é✓ "<i>'&`;
  expect((await getMe(await makeToken(id))).body.user_id).toBe(id);
});

test('a token expires after its lifetime, with half a minute for clocks that differ', async () => {
  const token = await makeToken('ann', '2m');
  const start = api.tidings.clock.now;
  api.tidings.clock.now = start + 2 * MINUTE + 29_000;
  expect((await getMe(token)).status).toBe(200);
  api.tidings.clock.now = start + 2 * MINUTE + 31_000;
  const { status, body, headers } = await getMe(token);
  expect([status, body.code, headers.get('www-authenticate')]).toEqual([401, 'token_expired', 'Bearer']);
});

test.each(['25h', '10s', 'soon', ''])('the lifetime %j is rejected', async (lifetime) => {
  const { status, body } = await api.server.post('/api/v1/users/ann/tokens', { lifetime });
  expect([status, body.code, body.errors?.[0].pointer]).toEqual([400, 'invalid_request', '/lifetime']);
});

test('a token reaches nothing but its own', async () => {
  const token = await makeToken('ann');
  const { body } = await api.server.get('/api/openapi.json');
  const paths = Object.entries(body.paths as { [path: string]: { [method: string]: unknown } });
  const tried: string[] = [];
  for (const [path, methods] of paths) {
    for (const method of Object.keys(methods)) {
      if (path.startsWith('/healthz') || /^\/api\/v1\/(me|session|login|webhooks\/portal-sessions)\b/.test(path))
        continue;
      // Own data as well: see the tests of customer notifications.
      if (path.includes('/customer-notifications/')) continue;
      const filled = path.replaceAll(/\{\w+\}/g, 'ann');
      const answer = await api.server.send(method.toUpperCase(), filled, undefined, bearer(token));
      expect([`${method} ${path}`, answer.status, answer.body.code]).toEqual([`${method} ${path}`, 403, 'forbidden']);
      tried.push(path);
    }
  }
  expect(tried).toContain('/api/v1/users/{user_id}/tokens');
});

test('a token with any character altered never passes', async () => {
  const token = await makeToken('ann');
  await fc.assert(
    fc.asyncProperty(fc.nat(token.length - 1), fc.constantFrom(...'Aa0_-.b9'), async (index, character) => {
      const altered = token.slice(0, index) + character + token.slice(index + 1);
      // The last character of a base64url part has bits that do not count: those texts are the same token.
      const same = (text: string) =>
        text
          .split('.')
          .map((part) => Buffer.from(part, 'base64url').toString('hex'))
          .join();
      fc.pre(same(altered) !== same(token));
      expect((await getMe(altered)).status).toBe(401);
    }),
    { numRuns: 150 },
  );
});

describe('claims and headers that are altered without the key', () => {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const decode = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());

  test.each([
    ['another user', {}, { sub: 'bob' }],
    ['another tenant', {}, { iss: 'urn:tidings:other' }],
    ['a later end', {}, { exp: 4_000_000_000 }],
    ['no algorithm', { alg: 'none' }, {}],
    ['an algorithm with a common secret', { alg: 'HS256' }, {}],
    ['another key', { kid: 'x' }, {}],
    ['a header that must be understood', { crit: ['x'], x: 1 }, {}],
  ])('%s', async (_name, header, claims) => {
    const [head = '', payload = '', signature] = (await makeToken('ann')).split('.');
    const parts = [encode({ ...decode(head), ...header }), encode({ ...decode(payload), ...claims })];
    for (const end of [signature, '']) {
      const { status, body } = await getMe([...parts, end].join('.'));
      expect([status, body.code]).toEqual([401, 'unauthorized']);
    }
  });
});

test('after a rotation earlier tokens stay valid until they expire; a revocation ends them at once', async () => {
  const first = await makeToken('ann');
  await api.server.post('/api/v1/signing-keys/rotate');
  const second = await makeToken('ann');
  expect([(await getMe(first)).status, (await getMe(second)).status]).toEqual([200, 200]);
  const { body } = await api.server.get('/api/v1/signing-keys');
  expect(body.signing_keys.map(({ retired_at }: { retired_at: unknown }) => retired_at === null)).toEqual([
    true,
    false,
  ]);
  await api.server.post('/api/v1/signing-keys/rotate', { revoke: true });
  expect([(await getMe(first)).status, (await getMe(second)).status]).toEqual([401, 401]);
  expect((await getMe(await makeToken('ann'))).status).toBe(200);
});

test('the first tokens of a tenant, asked for at once, are all valid', async () => {
  await api.tidings.database.pool.query('delete from signing_keys');
  const tokens = await Promise.all(Array.from({ length: 8 }, () => makeToken('ann')));
  for (const token of tokens) expect((await getMe(token)).status).toBe(200);
  expect((await api.server.get('/api/v1/signing-keys')).body.signing_keys).toHaveLength(1);
});

test('no private key is stored in plain', async () => {
  await makeToken('ann');
  const { rows } = await api.tidings.database.pool.query(
    'select row_to_json(k)::text as row, sealed from signing_keys k',
  );
  for (const { row, sealed } of rows) {
    expect(row).not.toContain('"d"');
    expect(sealed.toString('utf8')).not.toContain('"d"');
  }
});
