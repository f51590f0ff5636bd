import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';
import { bearer, isLoopback, type TestIssuer, testIssuer } from './support/tokens.ts';

/** Tokens whose keys come from a JWK set on a real server: one that changes, lies, is slow or gone. */

let tidings: TestTidings;
let server: TestServer;
let issuer: TestIssuer;

beforeAll(async () => {
  tidings = await testTidings();
});

afterAll(() => tidings.close());

// Each test with a cache of its own.
beforeEach(async () => {
  server = await testServer(tidings, { exempt: isLoopback });
  issuer = await testIssuer(() => tidings.clock.now);
  await trust(issuer);
});

afterEach(async () => {
  await server.close();
  await issuer.close();
  await tidings.database.pool.query('delete from issuers');
});

async function trust({ issuer, jwksUrl }: TestIssuer): Promise<void> {
  const path = `/api/v1/issuers/${encodeURIComponent(issuer)}`;
  expect((await server.send('PUT', path, { jwks_url: jwksUrl, audiences: ['app'] })).status).toBe(201);
}

const getMe = (token: string) => server.get('/api/v1/me', bearer(token));

test('many tokens at once cost one fetch of the key set', async () => {
  const key = await issuer.makeKey('one');
  const answers = await Promise.all(Array.from({ length: 20 }, async () => getMe(await key.sign())));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  expect(issuer.requests).toBe(1);
});

test('tokens with unknown keys cost one fetch in half a minute, however many come', async () => {
  const key = await issuer.makeKey('one');
  expect((await getMe(await key.sign())).status).toBe(200);
  for (let round = 0; round < 10; round++) {
    const { status, body } = await getMe(await key.sign({}, { kid: `unknown ${round}` }));
    expect([status, body.code]).toEqual([401, 'unauthorized']);
  }
  expect(issuer.requests).toBe(1);
  expect((await getMe(await key.sign())).status).toBe(200);
});

test('a key set on a server that is down is named as the cause, and is not asked for again at once', async () => {
  const key = await issuer.makeKey('one');
  issuer.respond = (_request, response) => response.writeHead(503).end();
  for (let round = 0; round < 5; round++) {
    const { status, body, headers } = await getMe(await key.sign());
    expect([status, body.code, headers.get('retry-after')]).toEqual([401, 'issuer_unavailable', '30']);
  }
  expect(issuer.requests).toBe(1);
});

test.each([
  ['is not JSON', 'keys'],
  ['is not a key set', '[]'],
  ['has no keys', '{"keys":[]}'],
  ['has common secrets only', '{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"one"}]}'],
  ['has more than 64 KiB', `{"keys":[${'{"kty":"RSA"},'.repeat(10_000)}{}]}`],
])('a key set that %s gives no key', async (_name, body) => {
  const key = await issuer.makeKey('one');
  issuer.respond = (_request, response) => response.end(body);
  expect((await getMe(await key.sign())).body.code).toBe('issuer_unavailable');
});

test('a redirect is not followed', async () => {
  const key = await issuer.makeKey('one');
  issuer.respond = (request, response) => {
    if (request.url === '/elsewhere') response.end(JSON.stringify({ keys: issuer.keys }));
    else response.writeHead(302, { location: '/elsewhere' }).end();
  };
  expect((await getMe(await key.sign())).body.code).toBe('issuer_unavailable');
  expect(issuer.requests).toBe(1);
});

test('a server that never responds keeps no other caller waiting', async () => {
  const stuck = await issuer.makeKey('one');
  issuer.respond = () => {};
  const other = await testIssuer(() => tidings.clock.now);
  try {
    await trust(other);
    const key = await other.makeKey('two');
    let isStuckAnswered = false;
    const pending = getMe(await stuck.sign()).then((answer) => {
      isStuckAnswered = true;
      return answer;
    });
    expect((await getMe(await key.sign())).status).toBe(200);
    expect((await server.get('/api/v1/activity')).status).toBe(200);
    expect(isStuckAnswered).toBe(false);
    expect((await pending).body.code).toBe('issuer_unavailable');
  } finally {
    await other.close();
  }
});

test('without the exception of this test, a server of this machine is never asked', async () => {
  const key = await issuer.makeKey('one');
  const guarded = await testServer(tidings);
  try {
    const { body } = await guarded.get('/api/v1/me', bearer(await key.sign()));
    expect(body.code).toBe('issuer_unavailable');
    expect(issuer.requests).toBe(0);
  } finally {
    await guarded.close();
  }
});
