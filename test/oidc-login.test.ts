import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { API_KEY, type LoginTest, type TestAccount, type TestBrowser, testLogin } from './support/oidc.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Login to the console by a real OpenID provider. */

let tidings: TestTidings;
let login: LoginTest;
const key = { 'x-api-key': API_KEY };
const MINUTE = 60_000;

beforeAll(async () => {
  tidings = await testTidings();
  login = await testLogin(tidings);
});

afterAll(async () => {
  await login.close();
  await tidings.close();
});

beforeEach(() => tidings.database.pool.query('delete from members'));

function invite(member: object) {
  return login.server.post('/api/v1/members', member, key);
}

/** Logs a account in with a new browser; returns it and where it ended. */
async function logIn(account: TestAccount | null, to = ''): Promise<{ browser: TestBrowser; end: string }> {
  const browser = login.browser();
  login.provider.account = account;
  const end = await browser.visit(`/api/v1/login${to}`);
  return { browser, end: end.pathname + end.hash };
}

const ANN = { sub: 'ann', name: 'Ann', email: 'Ann@Example.com', email_verified: true };

test('an invited member logs in by the verified address, and stays one when the address changes', async () => {
  const { body } = await invite({ email: ' ann@example.COM', role: 'operator' });
  expect(body).toMatchObject({ state: 'invited', email: 'a…@example.com', role: 'operator' });
  const { browser, end } = await logIn(ANN, '?to=%23/deliveries');
  expect(end).toBe('/console/deliveries');
  const session = await browser.call('GET', '/api/v1/session');
  expect(session.body).toMatchObject({
    login: { oidc: true, required: true },
    actor: { kind: 'member', name: 'a…@example.com' },
    tenant_id: 'default',
    tenants: [{ tenant_id: 'default', role: 'operator', environment: 'live' }],
  });
  expect(session.body.scopes).toContain('deliveries:write');
  expect((await browser.call('GET', '/api/v1/deliveries')).status).toBe(200);
  const [member] = (await login.server.get('/api/v1/members', key)).body.members;
  expect(member).toMatchObject({ state: 'active', issuer: login.provider.url, subject: 'ann' });
  const again = await logIn({ sub: 'ann', email: 'new@example.com', email_verified: false });
  expect((await again.browser.call('GET', '/api/v1/deliveries')).status).toBe(200);
});

test('an address that the provider has not verified binds no invitation', async () => {
  await invite({ email: 'ann@example.com', role: 'owner' });
  for (const email_verified of [false, 'true' as never]) {
    const { end, browser } = await logIn({ ...ANN, email_verified });
    expect(end).toBe('/#/login?problem=not_a_member');
    expect((await browser.call('GET', '/api/v1/deliveries')).body.code).toBe('unauthorized');
  }
});

test('one who is no member gets no session', async () => {
  const { end, browser } = await logIn({ sub: 'eve', email: 'eve@example.com', email_verified: true });
  expect(end).toBe('/#/login?problem=not_a_member');
  expect([...browser.cookies.keys()].filter((name) => name.includes('tidings'))).toEqual([]);
});

test('a member may be named by issuer and subject', async () => {
  await invite({ issuer: login.provider.url, subject: 'bob', role: 'viewer', name: 'Bob' });
  const { browser } = await logIn({ sub: 'bob' });
  expect((await browser.call('GET', '/api/v1/session')).body.actor).toEqual({ kind: 'member', name: 'Bob' });
});

test('a account who says no comes back to the console, which says so', async () => {
  expect((await logIn(null)).end).toBe('/#/login?problem=login_denied');
});

test('the session cookie is kept from scripts and other sites, and only its hash is stored', async () => {
  await invite({ email: 'ann@example.com', role: 'viewer' });
  const { browser } = await logIn(ANN);
  const value = browser.cookies.get('tidings_session') as string;
  expect(value).toHaveLength(43);
  const { rows } = await tidings.database.pool.query(
    "select encode(session_hash, 'hex') as hash, s::text from sessions s",
  );
  expect(JSON.stringify(rows)).not.toContain(value);
  expect(JSON.stringify(rows)).not.toContain(Buffer.from(value, 'base64url').toString('hex'));
});

test('a login counts once, also for two requests at once', async () => {
  await invite({ email: 'ann@example.com', role: 'viewer' });
  const browser = login.browser();
  login.provider.account = ANN;
  const isCallback = (url: URL) => url.pathname === '/api/v1/login/callback';
  const back = await browser.visit('/api/v1/login', isCallback);
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const ends = await Promise.all(
    [1, 2, 3].map(async () => {
      const response = await fetch(back, { redirect: 'manual', headers: { cookie } });
      return response.headers.get('location');
    }),
  );
  expect(ends.sort()).toEqual(['/#/login?problem=login_expired', '/#/login?problem=login_expired', '/console/']);
});

test('a callback in another browser than the one that began logs no member in', async () => {
  await invite({ email: 'ann@example.com', role: 'viewer' });
  const attacker = login.browser();
  login.provider.account = ANN;
  const back = await attacker.visit('/api/v1/login', (url) => url.pathname === '/api/v1/login/callback');
  const victim = login.browser();
  const end = await victim.visit(back.pathname + back.search);
  expect(end.hash).toBe('#/login?problem=login_expired');
});

test.each([
  ['no query', ''],
  ['an unknown state', '?code=x&state=y'],
  ['odd characters', '?code=%00&state=%ff&state=b'],
])('a callback with %s is answered by the console', async (_name, query) => {
  const end = await login.browser().visit(`/api/v1/login/callback${query}`);
  expect(end.pathname + end.hash).toBe('/#/login?problem=login_expired');
});

test('a code that was altered logs no member in', async () => {
  await invite({ email: 'ann@example.com', role: 'viewer' });
  const browser = login.browser();
  login.provider.account = ANN;
  const back = await browser.visit('/api/v1/login', (url) => url.pathname === '/api/v1/login/callback');
  const end = await browser.visit(`${back.pathname}${back.search.replace(/code=[^&]+/, 'code=other')}`);
  expect(end.hash).toBe('#/login?problem=login_failed');
});

test.each([
  'https://evil.example',
  '//evil.example',
  '#//evil.example/../',
  '/console/../..//evil.example',
  '/consolex',
  '#/<script>',
  '/\\evil.example',
  '#x',
  'javascript:1',
])('after a login, the browser does not go to %s', async (to) => {
  await invite({ email: 'ann@example.com', role: 'viewer' });
  const browser = login.browser();
  login.provider.account = ANN;
  const end = await browser.visit(`/api/v1/login?to=${encodeURIComponent(to)}`);
  expect([end.origin, end.href.startsWith(`${login.server.url}/`)]).toEqual([login.server.url, true]);
});

test('a session ends by logout, after two hours without use, and after twelve in any case', async () => {
  await invite({ email: 'ann@example.com', role: 'viewer' });
  const start = tidings.clock.now;
  const status = async ({ browser }: { browser: TestBrowser }) =>
    (await browser.call('GET', '/api/v1/deliveries')).status;

  const first = await logIn(ANN);
  const cookie = `tidings_session=${first.browser.cookies.get('tidings_session')}`;
  expect((await first.browser.call('DELETE', '/api/v1/session')).body).toEqual({ logged_in: false });
  expect(first.browser.cookies.has('tidings_session')).toBe(false);
  expect((await login.server.get('/api/v1/deliveries', { cookie })).status).toBe(401);

  const second = await logIn(ANN);
  const third = await logIn(ANN);
  for (let hours = 1; hours < 12; hours++) {
    tidings.clock.now = start + hours * 60 * MINUTE;
    expect(await status(third)).toBe(200);
  }
  expect(await status(second)).toBe(401);
  tidings.clock.now = start + 12 * 60 * MINUTE;
  expect(await status(third)).toBe(401);
  tidings.clock.now = start;
});

test('a change of the role and a removal count at once', async () => {
  await invite({ email: 'ann@example.com', role: 'operator' });
  const { browser } = await logIn(ANN);
  const [{ member_id }] = (await login.server.get('/api/v1/members', key)).body.members;
  await login.server.send('PATCH', `/api/v1/members/${member_id}`, { role: 'viewer' }, key);
  expect((await browser.call('POST', '/api/v1/waits/x/cancel')).body.code).toBe('forbidden');
  await login.server.send('DELETE', `/api/v1/members/${member_id}`, undefined, key);
  const { status, body } = await browser.call('GET', '/api/v1/deliveries');
  expect([status, body.code]).toEqual([403, 'not_a_member']);
  expect((await browser.call('GET', '/api/v1/session')).body).toMatchObject({ actor: null, code: 'not_a_member' });
});

test('a page of another origin can change nothing by the session of a member', async () => {
  await invite({ email: 'ann@example.com', role: 'owner' });
  const { browser } = await logIn(ANN);
  const body = { email: 'eve@example.com', role: 'owner' };
  const foreign = await browser.call('POST', '/api/v1/members', body, { 'sec-fetch-site': 'cross-site' });
  expect([foreign.status, foreign.body.code]).toEqual([403, 'foreign_origin']);
});

test('a member of several tenants chooses one, and reaches no other', async () => {
  const { pool } = tidings.database;
  await pool.query("insert into tenants (tenant_id, name) values ('acme', 'Acme'), ('other', 'Other')");
  await invite({ email: 'ann@example.com', role: 'viewer' });
  await login.server.post(
    '/api/v1/members',
    { email: 'ann@example.com', role: 'owner' },
    { ...key, 'x-tidings-tenant': 'acme' },
  );
  const { browser } = await logIn(ANN);
  const rights = async (tenant?: string) => {
    const headers: Record<string, string> = tenant === undefined ? {} : { 'x-tidings-tenant': tenant };
    return (await browser.call('GET', '/api/v1/session', undefined, headers)).body;
  };
  expect((await rights()).tenants).toMatchObject([
    { tenant_id: 'acme', name: 'Acme', role: 'owner' },
    { tenant_id: 'default', role: 'viewer' },
  ]);
  expect((await rights('default')).scopes).not.toContain('members:write');
  expect((await rights('acme')).scopes).toContain('members:write');
  for (const tenant of ['other', 'unknown', '../acme']) {
    const { status, body } = await browser.call('GET', '/api/v1/deliveries', undefined, { 'x-tidings-tenant': tenant });
    expect([tenant, status, body.code]).toEqual([tenant, 404, 'not_found']);
  }
});

test('while the provider is gone, a login says so', async () => {
  const gone = await testLogin(tidings);
  await gone.provider.close();
  try {
    const end = await gone.browser().visit('/api/v1/login');
    expect(end.pathname + end.hash).toBe('/#/login?problem=provider_unavailable');
  } finally {
    await gone.server.close();
  }
});

test('one address cannot use up the logins under way of all others', async () => {
  const begin = () => fetch(`${login.server.url}/api/v1/login`, { redirect: 'manual' });
  const statuses: number[] = [];
  for (let i = 0; i < 15; i++) {
    const batch = await Promise.all(Array.from({ length: 20 }, begin));
    statuses.push(...batch.map(({ status }) => status));
  }
  expect(new Set(statuses)).toEqual(new Set([302, 429]));
  expect(statuses.filter((status) => status === 302).length).toBeLessThanOrEqual(210);
});
