import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';
import { bearer, type TestIssuer, testIssuer } from './support/tokens.ts';

/** Issuers of tokens: what may be registered, and tokens of one with static public keys. */

let api: TestApi;
let issuer: TestIssuer;

beforeAll(async () => {
  api = await testApi();
  issuer = await testIssuer(() => api.tidings.clock.now);
});

afterAll(async () => {
  await issuer.close();
  await api.close();
});

const pathOf = (name: string) => `/api/v1/issuers/${encodeURIComponent(name)}`;
const put = (body: object, name = issuer.issuer) => api.server.send('PUT', pathOf(name), body);
const getMe = (token: string) => api.server.get('/api/v1/me', bearer(token));

test('an issuer is added, shown, changed and deleted, and each change is in the audit log', async () => {
  const url = 'https://id.example.com/jwks.json';
  const added = await put({ jwks_url: url, audiences: ['app'] }, 'https://id.example.com');
  expect([added.status, added.body]).toEqual([
    201,
    {
      issuer: 'https://id.example.com',
      jwks_url: url,
      public_keys: null,
      audiences: ['app'],
      algorithms: ['RS256', 'ES256', 'EdDSA'],
      user_claim: 'sub',
      revision: 1,
      created_at: expect.any(String),
      updated_at: expect.any(String),
    },
  ]);
  const changed = await put(
    { jwks_url: url, audiences: ['web'], user_claim: 'customer_uuid' },
    'https://id.example.com',
  );
  expect([changed.status, changed.body.revision, changed.body.user_claim]).toEqual([200, 2, 'customer_uuid']);
  expect((await api.server.get(pathOf('https://id.example.com'))).body).toEqual(changed.body);
  expect((await api.server.get('/api/v1/issuers')).body).toEqual({ issuers: [changed.body] });
  expect((await api.server.send('DELETE', pathOf('https://id.example.com'))).body.revision).toBe(2);
  expect((await api.server.send('DELETE', pathOf('https://id.example.com'))).body.code).toBe('not_found');
  expect((await api.server.get(pathOf('https://id.example.com'))).status).toBe(404);
  const { rows } = await api.tidings.database.pool.query(
    'select action, before is null as new, after is null as gone from audit_log order by entry_id desc limit 3',
  );
  expect(rows).toEqual([
    { action: 'issuer.deleted', new: false, gone: true },
    { action: 'issuer.changed', new: false, gone: false },
    { action: 'issuer.added', new: true, gone: false },
  ]);
});

test('a change of an issuer that was deleted since does not add it again', async () => {
  const name = 'https://gone.example.com';
  const settings = { jwks_url: 'https://id.example.com/jwks.json', audiences: ['app'] };
  const { body: added } = await put(settings, name);
  await api.server.send('DELETE', pathOf(name));
  const headers = { 'if-match': `"${added.revision}"` };
  const changed = await api.server.send('PUT', pathOf(name), settings, headers);
  expect([changed.status, changed.body.code]).toEqual([412, 'outdated']);
  expect((await api.server.get(pathOf(name))).status).toBe(404);
});

test.each([
  'http://id.example.com/jwks',
  'https://127.0.0.1/jwks',
  'https://[::1]/jwks',
  'https://[::ffff:10.0.0.1]/jwks',
  'https://2130706433/jwks',
  'https://0x7f.1/jwks',
  'https://10.1.2.3/jwks',
  'https://169.254.169.254/latest/meta-data',
  'https://100.64.1.1/jwks',
  'https://[64:ff9b::7f00:1]/jwks',
  'https://[fe80::1]/jwks',
  'https://localhost/jwks',
  'https://kubernetes/jwks',
  'https://metadata.google.internal/jwks',
  'https://user:password@id.example.com/jwks',
  'file:///etc/passwd',
  'jwks',
])('the JWKS URL %s is rejected', async (jwks_url) => {
  const { status, body } = await put({ jwks_url, audiences: ['app'] });
  expect([status, body.code, body.errors?.[0].pointer]).toEqual([422, 'invalid_issuer', '/jwks_url']);
});

test.each(['HS256', 'none', 'RSA1_5'])('the algorithm %s is rejected', async (algorithm) => {
  const { status } = await put({ jwks_url: 'https://id.example.com/x', audiences: ['app'], algorithms: [algorithm] });
  expect(status).toBe(400);
});

test('an issuer needs one source of keys, and an audience', async () => {
  const keys = { keys: [(await issuer.makeKey('k', 'ES256', true)).publicKey] };
  const url = 'https://id.example.com/jwks';
  expect((await put({ audiences: ['app'] })).body.code).toBe('invalid_issuer');
  expect((await put({ audiences: ['app'], jwks_url: url, public_keys: keys })).body.code).toBe('invalid_issuer');
  expect((await put({ audiences: [], jwks_url: url })).status).toBe(400);
  expect((await put({ jwks_url: url })).status).toBe(400);
  expect((await put({ jwks_url: url, audiences: ['app'] }, 'urn:tidings:default')).body.code).toBe('invalid_issuer');
});

test('keys that are private, common or too short are rejected by name', async () => {
  const good = (await issuer.makeKey('k', 'ES256', true)).publicKey;
  for (const key of [
    { ...good, d: 'secret' },
    { kty: 'oct', k: 'c2VjcmV0', kid: 'o' },
    { kty: 'RSA', n: 'sXch', e: 'AQAB' },
    { kty: 'EC', crv: 'P-256', x: 'a', y: 'b' },
    { ...good, use: 'enc' },
    {},
  ]) {
    const { status, body } = await put({ public_keys: { keys: [key] }, audiences: ['app'] });
    expect([status, body.code, body.errors?.[0].pointer]).toEqual([422, 'invalid_issuer', '/public_keys/keys/0']);
    expect(body.detail).not.toContain('secret');
  }
  const twice = await put({ public_keys: { keys: [good, good] }, audiences: ['app'] });
  expect(twice.body.errors[0].pointer).toBe('/public_keys/keys/1/kid');
});

test.each(['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'])(
  'a token signed by %s passes with a static public key',
  async (alg) => {
    const key = await issuer.makeKey('static', alg, true);
    await put({ public_keys: { keys: [key.publicKey] }, audiences: ['app', 'web'], algorithms: [alg] });
    expect((await getMe(await key.sign({ aud: ['other', 'web'] }))).body).toMatchObject({ user_id: 'ann' });
  },
);

test('the claim of the user is configurable, and must hold an id', async () => {
  const key = await issuer.makeKey('static', 'ES256', true);
  await put({ public_keys: { keys: [key.publicKey] }, audiences: ['app'], user_claim: 'customer_uuid' });
  expect((await getMe(await key.sign({ customer_uuid: 'c-1' }))).body.user_id).toBe('c-1');
  expect((await getMe(await key.sign({ customer_uuid: 17 }))).body.user_id).toBe('17');
  for (const customer_uuid of [
    undefined,
    '',
    null,
    {},
    ['c-1'],
    1.5,
    true,
    'x'.repeat(257),
    'a\u0000b',
    'a\nb',
    '\ud800',
  ]) {
    const { status, body } = await getMe(await key.sign({ customer_uuid }));
    expect([customer_uuid, status, body.code]).toEqual([customer_uuid, 401, 'unauthorized']);
  }
  await put({ public_keys: { keys: [key.publicKey] }, audiences: ['app'], user_claim: '__proto__' });
  expect((await getMe(await key.sign())).status).toBe(401);
});

test('iss, aud and exp are required, and times count', async () => {
  const key = await issuer.makeKey('static', 'ES256', true);
  await put({ public_keys: { keys: [key.publicKey] }, audiences: ['app'] });
  const now = Math.floor(api.tidings.clock.now / 1000);
  const results: unknown[] = [];
  for (const claims of [
    {},
    { iss: undefined },
    { iss: 'https://other.example.com' },
    { aud: undefined },
    { aud: 'other' },
    { exp: undefined },
    { exp: now - 31 },
    { exp: now - 29 },
    { nbf: now + 31 },
    { nbf: now + 29 },
    { exp: 'never' },
  ]) {
    const { status, body } = await getMe(await key.sign(claims));
    results.push(
      [JSON.stringify(claims).replaceAll(String(now).slice(0, 6), ''), status, body.code].slice(1).join(' '),
    );
  }
  const no = '401 unauthorized';
  expect(results).toEqual(['200 ', no, no, no, no, no, '401 token_expired', '200 ', no, '200 ', no]);
});

test('an algorithm that the issuer may not use, and another key under the same name, are rejected', async () => {
  const key = await issuer.makeKey('static', 'ES256', true);
  const other = await issuer.makeKey('static', 'ES256', true);
  await put({ public_keys: { keys: [key.publicKey] }, audiences: ['app'], algorithms: ['RS256'] });
  expect((await getMe(await key.sign())).body.code).toBe('unauthorized');
  await put({ public_keys: { keys: [key.publicKey] }, audiences: ['app'] });
  expect((await getMe(await other.sign())).body.code).toBe('unauthorized');
});

test('tokens of a deleted issuer pass no more', async () => {
  const key = await issuer.makeKey('static', 'ES256', true);
  await put({ public_keys: { keys: [key.publicKey] }, audiences: ['app'] });
  const token = await key.sign();
  expect((await getMe(token)).status).toBe(200);
  await api.server.send('DELETE', pathOf(issuer.issuer));
  expect((await getMe(token)).body.code).toBe('unauthorized');
});

test('a tenant has at most 20 issuers, also when they are added at once', async () => {
  const url = 'https://id.example.com/jwks';
  const added = await Promise.all(
    Array.from({ length: 24 }, (_, index) => put({ jwks_url: url, audiences: ['a'] }, `https://${index}.example.com`)),
  );
  const statuses = added.map(({ status }) => status);
  expect(statuses.filter((status) => status === 201).length).toBe(20);
  expect(added.filter(({ body }) => body.code === 'too_many_issuers').length).toBe(4);
});
