import { afterAll, beforeAll, expect, test } from 'vitest';
import { API_KEY, type LoginTest, type TestBrowser, testLogin } from './support/oidc.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/* Logins of one browser at the same time, and providers with other ways to prove who a client is. */

let tidings: TestTidings;
let login: LoginTest;
const ANN = { sub: 'ann', email: 'ann@example.com', email_verified: true };
const invite = (to: LoginTest) =>
  to.server.post(
    '/api/v1/members',
    { issuer: to.provider.url, subject: 'ann', role: 'viewer' },
    { 'x-api-key': API_KEY },
  );

beforeAll(async () => {
  tidings = await testTidings();
  login = await testLogin(tidings);
  await invite(login);
});
afterAll(async () => {
  await login.close();
  await tidings.close();
});

/** Begins a login. Returns the address to which the provider sends the browser back, which it has not visited yet. */
async function begin(browser: TestBrowser, to: string): Promise<string> {
  login.provider.account = ANN;
  const back = await browser.visit(`/api/v1/login?to=${encodeURIComponent(to)}`, ({ pathname }) =>
    pathname.endsWith('/login/callback'),
  );
  return back.href;
}

const countLogins = ({ cookies }: TestBrowser) => [...cookies.keys()].filter((name) => name.includes('_login')).length;

test('a login that is begun in a second tab does not end the one in the first', async () => {
  const browser = login.browser();
  const first = await begin(browser, '/console/deliveries');
  // As far as the provider, which asks for a password there.
  const second = await browser.visit('/api/v1/login?to=/console/waits', ({ href }) =>
    href.startsWith(login.provider.url),
  );
  expect((await browser.visit(first)).pathname).toBe('/console/deliveries');
  expect((await browser.visit(second.href)).pathname).toBe('/console/waits');
  expect(countLogins(browser)).toBe(0);
});

test('a callback that is visited again does not end the login of another tab', async () => {
  const browser = login.browser();
  const first = await begin(browser, '/console/deliveries');
  await browser.visit(first);
  const second = await begin(browser, '/console/waits');
  expect((await browser.visit(first)).hash).toBe('#/login?problem=login_expired');
  expect((await browser.visit(second)).pathname).toBe('/console/waits');
});

test('another browser completes none of them', async () => {
  const [browser, other] = [login.browser(), login.browser()];
  const first = await begin(browser, '/console/');
  await begin(other, '/console/');
  expect((await other.visit(first)).hash).toBe('#/login?problem=login_expired');
});

test('the cookies of logins that were never completed do not grow without a bound', async () => {
  const browser = login.browser();
  for (let count = 0; count < 12; count++) {
    await begin(browser, '/console/');
    expect(countLogins(browser)).toBeLessThanOrEqual(5);
  }
  expect((await browser.visit(await begin(browser, '/console/waits'))).pathname).toBe('/console/waits');
});

test('a provider that accepts the secret in the body only gets it there', async () => {
  const posting = await testLogin(tidings, { clientAuth: 'client_secret_post' });
  await invite(posting);
  posting.provider.account = ANN;
  expect((await posting.browser().visit('/api/v1/login?to=/console/waits')).pathname).toBe('/console/waits');
  await posting.close();
});
