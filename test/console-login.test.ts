import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeOwnerLink } from '../src/members/owner-link.ts';
import { findViolations } from './support/axe.ts';
import { findChromium, launchBrowser } from './support/browser.ts';
import { API_KEY, type LoginTest, testLogin } from './support/oidc.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Login to the console in a real browser, with a real OpenID provider. */

const chromium = findChromium();

describe.runIf(chromium)('the console', () => {
  let tidings: TestTidings;
  let login: LoginTest;
  let browser: Browser;

  beforeAll(async () => {
    tidings = await testTidings();
    login = await testLogin(tidings);
    browser = await launchBrowser(chromium as string);
    await tidings.database.pool.query("insert into tenants (tenant_id, name) values ('acme', 'Acme')");
    for (const tenant of ['default', 'acme']) {
      const member = { email: 'ann@example.com', name: 'Ann', role: 'operator' };
      await login.server.post('/api/v1/members', member, { 'x-api-key': API_KEY, 'x-tidings-tenant': tenant });
    }
    login.provider.account = { sub: 'ann', email: 'ann@example.com', email_verified: true };
  });

  afterAll(async () => {
    await browser?.close();
    await login?.close();
    await tidings?.close();
  });

  async function open(path: string): Promise<Page> {
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${login.server.url}/${path}`);
    return page;
  }

  test('leads a member to the provider and back to the same page, and logs out', async () => {
    const page = await open('console/deliveries');
    await page.getByRole('link', { name: 'Log in' }).click();
    await page.getByRole('heading', { name: 'Deliveries', exact: true }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/console/deliveries');
    await page.getByRole('button', { name: /^Ann/ }).click();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('link', { name: 'Log in' }).waitFor();
    expect((await page.context().cookies()).filter(({ name }) => name === 'tidings_session')).toEqual([]);
  });

  test('lets a member of several tenants choose one', async () => {
    const page = await open('console/live');
    await page.getByRole('link', { name: 'Log in' }).click();
    await page.getByRole('button', { name: /^Ann · / }).click();
    await page.getByRole('button', { name: 'Log out' }).waitFor();
    expect(await findViolations(page)).toEqual([]);
    const asked = page.waitForRequest((request) => request.headers()['x-tidings-tenant'] === 'default');
    await page
      .getByRole('button', { name: /operator/ })
      .last()
      .click();
    await asked;
    await page.getByText('Ann · default').waitFor();
  });

  test('opens and closes the menu of a member by the keyboard, within the screen of a phone', async () => {
    const page = await open('console/live');
    await page.getByRole('link', { name: 'Log in' }).click();
    const menu = page.getByRole('button', { name: /^Ann · / });
    await menu.focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    const focused = () => page.evaluate('document.activeElement.textContent');
    expect(await focused()).toMatch(/\(operator\)$/);
    await page.setViewportSize({ width: 320, height: 640 });
    const { x, width } = (await page.locator('.account-menu').boundingBox())!;
    expect([x >= 0, x + width <= 320]).toEqual([true, true]);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Log out' }).waitFor({ state: 'hidden' });
    expect(await focused()).toMatch(/^Ann · /);
  });

  test('names the tenant in each address, so that a link shows the same in another tab', async () => {
    const post = (user: string, tenant: string) =>
      login.server.post(
        '/api/v1/events',
        { user_id: user, event_type: 'seen', event_timestamp: new Date(tidings.clock.now).toISOString() },
        { 'x-api-key': API_KEY, 'x-tidings-tenant': tenant },
      );
    await post('of-acme', 'acme');
    const page = await open('console/live');
    await page.getByRole('link', { name: 'Log in' }).click();
    await page.getByText('Ann · default').waitFor();
    const at = (one: Page) => one.url().slice(login.server.url.length);
    await expect.poll(() => at(page)).toBe('/console/live?tenant=default');
    await page.goto(`${login.server.url}/console/users/of-acme`);
    // The tenant of the tab: there is no such user, and the other tenant is offered.
    await page.getByTestId('other-tenants').getByText('in the tenant default').waitFor();
    await page.getByRole('button', { name: 'Look in acme' }).click();
    await page.getByText('Ann · acme').waitFor();
    expect(at(page)).toBe('/console/users/of-acme?tenant=acme');
    await page.getByRole('link', { name: 'Timeline' }).click();
    await page.getByTestId('timeline-entry').waitFor();
    expect(at(page)).toBe('/console/users/of-acme/timeline?tenant=acme');
    // A link that is opened in another tab, also by the menu of the browser, names it as well.
    const link = page.getByRole('link', { name: 'Messages', exact: true });
    await link.focus();
    expect(await link.getAttribute('href')).toBe('/console/users/of-acme/messages?tenant=acme');
    const other = await page.context().newPage();
    await other.goto(page.url());
    await other.getByTestId('timeline-entry').waitFor();
    await page.goBack();
    await page.goBack();
    await page.getByText('Ann · default').waitFor();
    // A tenant of which Ann is no member.
    await other.goto(`${login.server.url}/console/live?tenant=cedar`);
    await other.getByText('The tenant cedar cannot be shown').waitFor();
    await other.getByTestId('wrong-tenant').getByRole('button', { name: 'Look in acme' }).click();
    await other.getByText('Ann · acme').waitFor();
    expect(at(other)).toBe('/console/live?tenant=acme');
    await page.context().close();
  });

  test('says why one who is no member cannot log in', async () => {
    login.provider.account = { sub: 'eve', email: 'eve@example.com', email_verified: true };
    const page = await open('console/live');
    await page.getByRole('link', { name: 'Log in' }).click();
    await page.getByText('You are not a member here').waitFor();
  });

  test('logs in by a one-time link, whose secret leaves the address; a second use is explained', async () => {
    const link = await makeOwnerLink(tidings.database.pool, 'default', login.server.url, tidings.clock.now);
    const hash = link.slice(link.indexOf('#'));
    const page = await open(hash);
    await page.getByRole('button', { name: /^owner/ }).waitFor();
    expect(page.url()).toBe(`${login.server.url}/console/`);
    const second = await open(hash);
    await second.getByText('link_used').waitFor();
  });

  test('offers a saved view in the tenant in which it was saved, also before one can be chosen, and in no other', async () => {
    const page = await (await browser.newContext()).newPage();
    const logIn = async (tenant: string) => {
      // The page is that of the earlier session until the link is used.
      const used = page.waitForResponse((response) => response.request().method() === 'POST' && response.ok());
      await page.goto(await makeOwnerLink(tidings.database.pool, tenant, login.server.url, tidings.clock.now));
      await used;
    };
    const openViews = async (query: string) => {
      await page.goto(`${login.server.url}/console/deliveries${query}`);
      await page.getByTestId('views').click();
      await page.getByTestId('view-name').waitFor();
    };
    await logIn('default');
    await openViews('?status=sent');
    await page.getByTestId('view-name').fill('Sent here');
    await page.getByTestId('view-save').click();
    await page.getByTestId('view').getByText('Sent here').waitFor();
    // From now on the owner is one of two tenants, and may choose.
    await logIn('acme');
    await openViews('?status=sent&tenant=default');
    await page.getByTestId('view').getByText('Sent here').waitFor();
    await openViews('?status=sent&tenant=acme');
    await page.getByText('owner · acme').waitFor();
    expect(await page.getByTestId('view').count()).toBe(0);
    await page.context().close();
  });
});
