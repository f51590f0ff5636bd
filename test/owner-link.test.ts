import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeOwnerLink } from '../src/members/owner-link.ts';
import { type TestServer, testServer } from './support/http.ts';
import { testBrowser } from './support/oidc.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** The link that a start prints on a machine without an OpenID provider: it logs in an owner, once. */

let tidings: TestTidings;
let server: TestServer;

beforeAll(async () => {
  tidings = await testTidings();
  server = await testServer(tidings, { apiKeys: ['a key of the environment'] });
});

afterAll(async () => {
  await server.close();
  await tidings.close();
});

/** Returns what the console sends of a new link. */
async function newLink(): Promise<string> {
  const link = await makeOwnerLink(tidings.database.pool, 'default', server.url, tidings.clock.now);
  expect(link.startsWith(`${server.url}/console/#/login/`)).toBe(true);
  return link.slice(link.lastIndexOf('/') + 1);
}

test('a link logs in an owner, who stays one when the next link is used', async () => {
  for (let round = 0; round < 2; round++) {
    const browser = testBrowser(server);
    const { status } = await browser.call('POST', '/api/v1/session', { link: await newLink() });
    expect(status).toBe(200);
    expect(browser.setCookies[0]).toMatch(
      /^tidings_session=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    const { body } = await browser.call('GET', '/api/v1/session');
    expect(body).toMatchObject({ actor: { kind: 'member', name: 'owner' }, tenant_id: 'default' });
    expect((await browser.call('GET', '/api/v1/members')).body.members).toMatchObject([{ role: 'owner' }]);
  }
});

test('a link works once, also for many requests at once', async () => {
  const link = await newLink();
  const answers = await Promise.all(Array.from({ length: 6 }, () => server.post('/api/v1/session', { link })));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401, 401]);
  expect(answers.find(({ status }) => status === 401)?.body.code).toBe('link_used');
});

test('a link works for 10 minutes', async () => {
  const link = await newLink();
  tidings.clock.now += 10 * 60_000;
  expect((await server.post('/api/v1/session', { link })).body.code).toBe('link_used');
});

test('the secret of a link is stored as its hash only', async () => {
  const link = await newLink();
  const { rows } = await tidings.database.pool.query(
    "select encode(state_hash, 'escape') as hash, a::text from login_attempts a",
  );
  expect(rows.length).toBeGreaterThan(0);
  expect(JSON.stringify(rows)).not.toContain(link);
});

test('without a login, the console learns that a key or a link is needed', async () => {
  const { status, body } = await server.get('/api/v1/session');
  expect([status, body]).toEqual([
    200,
    {
      login: { oidc: false, required: true },
      actor: null,
      code: 'unauthorized',
      tenant_id: null,
      environment: null,
      scopes: [],
      tenants: [],
    },
  ]);
});

test('an old cookie takes nothing from a key, and nothing from programs on this machine', async () => {
  const cookie = `tidings_session=${'a'.repeat(43)}`;
  const withKey = await server.get('/api/v1/activity', { cookie, 'x-api-key': 'a key of the environment' });
  expect(withKey.status).toBe(200);
  const open = await testServer(tidings);
  try {
    expect((await open.get('/api/v1/activity', { cookie })).status).toBe(200);
    expect((await open.get('/api/v1/session', { cookie })).body).toMatchObject({
      login: { oidc: false, required: false },
      actor: { kind: 'local' },
    });
  } finally {
    await open.close();
  }
});

test('without a provider, there is no login by one', async () => {
  for (const path of ['/api/v1/login', '/api/v1/login/callback?code=x&state=y']) {
    expect((await server.get(path)).body.code).toBe('not_found');
  }
});
