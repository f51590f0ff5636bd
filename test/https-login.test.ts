import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findChromium, launchBrowser } from './support/browser.ts';
import { type HttpsProxy, startHttpsProxy } from './support/https-proxy.ts';
import { API_KEY, type LoginTest, testLogin } from './support/oidc.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Login to the console where browsers reach Tidings by HTTPS, through a proxy that it trusts. */

const SESSION = '__Host-tidings_session';
const LOGIN = '__Host-tidings_login';
const ANN = { sub: 'ann', name: 'Ann', email: 'ann@example.com', email_verified: true };

let tidings: TestTidings;
let proxy: HttpsProxy;
let login: LoginTest;

const OWN = (): string => proxy.url;
const OWN_WITHOUT_TLS = (): string => proxy.url.replace('https:', 'http:');
const FOREIGN = (): string => 'https://evil.example';

beforeAll(async () => {
  tidings = await testTidings();
  proxy = await startHttpsProxy();
  login = await testLogin(tidings, { proxyUrl: proxy.url });
  proxy.target = Number(new URL(login.server.url).port);
  const member = { email: ANN.email, name: 'Ann', role: 'owner' };
  await login.server.post('/api/v1/members', member, { 'x-api-key': API_KEY });
  login.provider.account = ANN;
});

afterAll(async () => {
  await login.close();
  await proxy.close();
  await tidings.close();
});

beforeEach(() => {
  proxy.rewritesHost = false;
});

/** Cookies by the origin that set them, as a browser keeps those with `__Host-`. */
type Jar = Map<string, Map<string, string>>;

/** Follows redirects from a path of the proxy; returns every cookie that was set, and where it ended. */
async function visit(path: string, jar: Jar = new Map()) {
  const set: string[] = [];
  let url = new URL(path, proxy.url);
  for (let step = 0; step < 20; step++) {
    const own = jar.get(url.origin) ?? new Map<string, string>();
    jar.set(url.origin, own);
    const cookie = [...own].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await proxy.send('GET', url.href, cookie === '' ? {} : { cookie });
    for (const line of answer.setCookies) {
      if (url.origin === proxy.url) set.push(line);
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0/i.test(line)) own.delete(name);
      else own.set(name, value);
    }
    if (answer.location === undefined) break;
    url = new URL(answer.location, url);
  }
  return { set, end: url, jar };
}

async function logIn(): Promise<string> {
  const { jar } = await visit('/api/v1/login');
  return `${SESSION}=${jar.get(proxy.url)?.get(SESSION)}`;
}

test('the cookies of login and session are kept to this host and to HTTPS', async () => {
  const { set, end } = await visit('/api/v1/login?to=%23/deliveries');
  expect(end.href).toBe(`${proxy.url}/console/deliveries`);
  // Each login under way has a cookie of its own.
  expect(set.map((line) => line.slice(0, line.indexOf('=')).replace(/_[0-9a-f]{16}$/, ''))).toEqual([
    LOGIN,
    LOGIN,
    SESSION,
  ]);
  for (const line of set) {
    const attributes = line.split('; ').slice(1);
    expect(attributes).toEqual(expect.arrayContaining(['Path=/', 'HttpOnly', 'Secure', 'SameSite=Lax']));
    expect(line).not.toMatch(/domain=/i);
  }
});

test('the redirects lead to the public address, whatever the proxy passes on as the host', async () => {
  proxy.rewritesHost = true;
  const { end, jar } = await visit('/api/v1/login?to=%23/deliveries');
  expect(end.href).toBe(`${proxy.url}/console/deliveries`);
  expect(jar.get(proxy.url)?.has(SESSION)).toBe(true);
});

test('a session under the name that is used without HTTPS does not count', async () => {
  const cookie = await logIn();
  const ask = async (sent: string) => (await proxy.send('GET', `${proxy.url}/api/v1/members`, { cookie: sent })).status;
  expect(await ask(cookie)).toBe(200);
  expect(await ask(cookie.replace('__Host-', ''))).toBe(401);
});

test.each([
  ['a browser that names its site', OWN, 'same-origin', 200],
  ['an older browser', OWN, undefined, 200],
  ['a page of another site', FOREIGN, 'cross-site', 403],
  ['a page of another site in an older browser', FOREIGN, undefined, 403],
  ['a page of this host without HTTPS', OWN_WITHOUT_TLS, undefined, 403],
] as const)(
  'a change by the session, sent by %s, is accepted only from the console',
  async (_what, origin, site, status) => {
    for (const rewritesHost of [false, true]) {
      proxy.rewritesHost = rewritesHost;
      const headers = { cookie: await logIn(), origin: origin(), ...(site && { 'sec-fetch-site': site }) };
      const answer = await proxy.send('DELETE', `${proxy.url}/api/v1/session`, headers);
      expect([rewritesHost, answer.status < 300 ? 200 : answer.status]).toEqual([rewritesHost, status]);
    }
  },
);

test('a change is recorded with the address of the browser, not that of the proxy', async () => {
  const cookie = await logIn();
  const headers = { cookie, origin: proxy.url, 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.9' };
  // The proxy of the test is itself behind another trusted one on this machine.
  const body = JSON.stringify({ email: 'eve@example.com', role: 'viewer' });
  const answer = await proxy.send('POST', `${proxy.url}/api/v1/members`, headers, body);
  expect(answer.status).toBe(201);
  const { rows } = await tidings.database.pool.query(
    "select origin from audit_log where action = 'member.added' and actor_kind = 'member'",
  );
  expect(rows).toEqual([{ origin: expect.stringMatching(/^203\.0\.113\./) }]);
});

const chromium = findChromium();
describe.runIf(chromium)('a real browser', () => {
  test('keeps the cookies, shows the console to the member and logs out', async () => {
    const browser = await launchBrowser(chromium as string);
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await page.goto(`${proxy.url}/#/deliveries`);
    await page.getByRole('link', { name: 'Log in' }).click();
    await page.getByRole('heading', { name: 'Deliveries', exact: true }).waitFor();
    const own = (await context.cookies(proxy.url)).filter(({ name }) => name.startsWith('__Host-'));
    expect(own).toMatchObject([{ name: SESSION, secure: true, httpOnly: true, sameSite: 'Lax', path: '/' }]);
    await page.getByRole('button', { name: /^Ann/ }).click();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('link', { name: 'Log in' }).waitFor();
    expect((await context.cookies(proxy.url)).filter(({ name }) => name === SESSION)).toEqual([]);
    await browser.close();
  });
});
