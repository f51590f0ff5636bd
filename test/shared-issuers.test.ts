import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';
import { bearer, type TestIssuer, type TestKey, testIssuer } from './support/tokens.ts';

/** Tenants that trust the same issuer, and what a caller without a right token learns. */

const KEY = 'a-key-of-the-installation';
let tidings: TestTidings;
let server: TestServer;
let issuer: TestIssuer;
let key: TestKey;

beforeAll(async () => {
  tidings = await testTidings();
  server = await testServer(tidings, { apiKeys: [KEY] });
  issuer = await testIssuer(() => tidings.clock.now);
  key = await issuer.makeKey('k');
  await tidings.database.pool.query(
    `insert into tenants (tenant_id, name) select 'brand' || n, 'Brand' from generate_series(1, 12) as n`,
  );
});

afterAll(async () => {
  await issuer.close();
  await server.close();
  await tidings.close();
});

beforeEach(() => tidings.database.pool.query('delete from issuers'));

async function trust(tenant: string, settings: object): Promise<void> {
  const body = { public_keys: { keys: issuer.keys }, audiences: ['app'], ...settings };
  const headers = { 'x-api-key': KEY, 'x-tidings-tenant': tenant };
  const path = `/api/v1/issuers/${encodeURIComponent(issuer.issuer)}`;
  expect((await server.send('PUT', path, body, headers)).status).toBe(201);
}

async function getMe(claims: object, headers: Record<string, string> = {}) {
  const { status, body } = await server.get('/api/v1/me', { ...bearer(await key.sign({ ...claims })), ...headers });
  return status === 200 ? body.tenant_id : `${status} ${body.code}: ${body.detail}`;
}

test('the audience of a token tells which of 12 tenants is meant', async () => {
  for (let n = 1; n <= 12; n++) await trust(`brand${n}`, { audiences: [`app${n}`] });
  expect(await getMe({ aud: 'app1' })).toBe('brand1');
  expect(await getMe({ aud: 'app12' })).toBe('brand12');
  expect(await getMe({ aud: ['other', 'app7'] })).toBe('brand7');
});

test('a token of an audience that two tenants trust is rejected until the caller names one', async () => {
  await trust('brand1', {});
  await trust('brand2', {});
  expect(await getMe({})).toMatch(/^401 unauthorized: Several tenants .*x-tidings-tenant/);
  expect(await getMe({}, { 'x-tidings-tenant': 'brand2' })).toBe('brand2');
  expect(await getMe({}, { 'x-tidings-tenant': 'brand1' })).toBe('brand1');
  expect(await getMe({}, { 'x-tidings-tenant': 'brand3' })).toMatch(/^401 unauthorized/);
});

test('of two tenants with one audience, the one whose claim names a user is meant', async () => {
  await trust('brand1', { user_claim: 'customer_uuid' });
  await trust('brand2', { user_claim: 'member_id' });
  expect(await getMe({ customer_uuid: 'c-1' })).toBe('brand1');
  expect(await getMe({ member_id: 'm-1' })).toBe('brand2');
});

describe('a caller who cannot sign learns nothing about the issuers that tenants trust', () => {
  test('an unknown issuer, a foreign audience and a wrong signature have one answer', async () => {
    await trust('brand1', {});
    const forger = await issuer.makeKey('k', 'ES256', true);
    const ask = async (claims: object) =>
      (await server.get('/api/v1/me', bearer(await forger.sign({ ...claims })))).body;
    const answers = [
      await ask({}),
      await ask({ aud: 'another' }),
      await ask({ iss: 'https://unknown.example.com' }),
      await ask({ exp: 1 }),
    ];
    expect(new Set(answers.map(({ status, code, detail }) => `${status} ${code} ${detail}`)).size).toBe(1);
    expect(JSON.stringify(answers)).not.toMatch(/id\.example\.com|unknown\.example|brand|"app"/);
  });
});
