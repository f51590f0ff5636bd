import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { findViolations } from './support/axe.ts';
import { findChromium, launchBrowser, openVisit, tooWide, type Visit } from './support/browser.ts';
import { PUBLIC_URL, useReceipts } from './support/receipts.ts';

/** The page of preferences, and that to unsubscribe, as their readers use them: in a browser, without scripts. */

const chromium = findChromium();
if (!chromium) console.log('skipped: the page of preferences, because no Chromium was found (CHROMIUM can name one)');

const start = useReceipts();
const DAY = 86_400_000;
const FILES = {
  'templates/MAIL/email.en.txt': 'Your messages: {{preferences_url}}',
  'templates/PREFERENCES_LINK/email.en.subject.txt': 'Your link',
  'templates/PREFERENCES_LINK/email.en.txt': 'Here it is: {{preferences_url}}',
  'preferences.yaml': 'required: [MAIL]\nlocks: { types: { STEPS: { sms: false } } }',
  'notifications.yaml': `notifications:
  MAIL: { category: TRANSACTIONAL, channels: [email] }
  PROMO: { category: MARKETING, channels: [email], description: "عروض الأسبوع (Sales & more)" }
  NEWS: { category: OPERATIONAL, channels: [email] }
  CODE: { category: SECURITY, channels: [email] }
  TEXT: { category: TRANSACTIONAL, channels: [sms] }
  STEPS: { category: TRANSACTIONAL, channels: { first_of: [email, sms], wait: 1d, until: delivered } }
  PREFERENCES_LINK: { category: TRANSACTIONAL, channels: [email] }
variables: { legal_name: { default: Acme }, postal_address: { default: 'Main Street 1, Springfield' } }`,
};

describe.skipIf(!chromium)('the pages behind the links of a message', () => {
  let browser: Browser;
  let visits: Visit[] = [];

  beforeAll(async () => {
    browser = await launchBrowser(chromium as string);
  });
  afterEach(async () => {
    const complaints = visits.flatMap((visit) => visit.complaints);
    await Promise.all(visits.map(({ page }) => page.context().close()));
    visits = [];
    expect(complaints).toEqual([]);
  });
  afterAll(() => browser?.close());

  /** Sends a message with the links; `unsubscribe` and `preferences` are their paths. */
  async function open(locale = 'en', settings: object = {}) {
    const world = await start({ files: FILES });
    const { send, email, server, tidings } = world;
    await send('mail');
    await tidings.database.pool.query(`update users set traits = (traits::jsonb || $1)::json`, [{ locale }]);
    await tidings.database.pool.query(
      `update tenants set name = 'Acme', settings = (settings::jsonb || $1)::json where tenant_id = 'default'`,
      [settings],
    );
    await send('promo');
    const [, url = ''] = /Your messages: (\S+)/.exec(email.calls[0]?.message.text ?? '') ?? [];
    const preferences = url.slice(PUBLIC_URL.length);
    const unsubscribe = String(email.calls[1]?.unsubscribeUrl).slice(PUBLIC_URL.length);
    const visit = async (path: string, how: BrowserContextOptions = {}): Promise<Page> => {
      const opened = await openVisit(browser, server.url, { javaScriptEnabled: false, ...how });
      visits.push(opened);
      await opened.page.goto(`${server.url}${path}`);
      return opened.page;
    };
    const isOn = async (type: string, channel = 'email') => {
      const { body } = await server.get('/api/v1/users/u1/preferences');
      const cells = body.types.find((one: { type: string }) => one.type === type);
      return cells.channels[channel].on as boolean;
    };
    return { ...world, preferences, unsubscribe, visit, isOn };
  }

  const switchOf = (page: Page, scope: string) => page.locator(`input[name=on][value="${scope}"]`);

  test('choices are made and saved by the keyboard alone, without scripts, and are shown as they are stored', async () => {
    const { visit, preferences, isOn } = await open();
    const page = await visit(preferences);
    await switchOf(page, 't:NEWS/email').focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('Enter');
    await page.getByRole('status').getByText('Your choice is saved.').waitFor();
    expect(await switchOf(page, 't:NEWS/email').isChecked()).toBe(false);
    expect(await isOn('NEWS')).toBe(false);
    await page.goto(page.url());
    expect(await switchOf(page, 't:NEWS/email').isChecked()).toBe(false);
    expect(await page.getByRole('status').count()).toBe(0);
    // Every switch that can be changed, and the button, is reached by Tab alone.
    const wanted = await page.locator('input[name=on]:enabled, button').count();
    await page.locator('h1').click();
    const reached = new Set<string>();
    for (let n = 0; n < wanted; n++) {
      await page.keyboard.press('Tab');
      reached.add(await page.locator(':focus').evaluate((element) => element.outerHTML));
    }
    expect(reached.size).toBe(wanted);
  });

  test('consent is confirmed by the button behind its link, without scripts, and axe finds nothing', async () => {
    const world = await start({
      files: {
        ...FILES,
        'preferences.yaml': 'consent: { MARKETING/email: { double_opt_in: MAIL } }',
        'templates/MAIL/email.en.txt': 'Confirm: {{confirm_url}}',
      },
    });
    const { server, email, tidings } = world;
    await world.send('text');
    tidings.clock.now += 1000;
    const grant = { purpose: 'MARKETING', channel: 'email', state: 'granted', source: 'form' };
    const { body } = await server.post('/api/v1/users/u1/consents', grant);
    await tidings.becomes(`${body.notification_id}.email`, 'sent');
    const [, url = ''] = /Confirm: (\S+)/.exec(email.calls[0]?.message.text ?? '') ?? [];
    for (const javaScriptEnabled of [true, false]) {
      const opened = await openVisit(browser, server.url, { javaScriptEnabled });
      visits.push(opened);
      const { page } = opened;
      await page.goto(`${server.url}${url.slice(PUBLIC_URL.length)}`);
      if (javaScriptEnabled) {
        expect(await findViolations(page)).toEqual([]);
        continue;
      }
      await page.getByRole('button', { name: 'Yes, I want them' }).click();
      await page.getByRole('status').getByText('You get these messages').waitFor();
    }
    const { body: shown } = await server.get('/api/v1/users/u1/consents');
    expect(shown.consents[0]).toMatchObject({ state: 'granted', method: 'double_opt_in' });
  });

  test('what is locked is shown, cannot be changed, and says why', async () => {
    const { visit, preferences } = await open();
    const page = await visit(preferences);
    for (const [scope, isChecked, reason] of [
      ['t:CODE/email', true, 'necessary, always on'],
      ['t:MAIL/email', true, 'necessary, always on'],
      ['t:STEPS/sms', false, 'not offered'],
    ] as const) {
      const box = switchOf(page, scope);
      expect([await box.isDisabled(), await box.isChecked()], scope).toEqual([true, isChecked]);
      expect(await page.locator('label', { has: box }).innerText(), scope).toContain(reason);
    }
  });

  test.each([
    ['en', 'light'],
    ['en', 'dark'],
    ['de', 'light'],
    ['ar', 'light'],
    ['ar', 'dark'],
  ] as const)(
    'axe finds nothing in %s and %s colors, and nothing is wider than a phone',
    async (locale, colorScheme) => {
      const { visit, preferences, unsubscribe } = await open(locale, { branding: { color: '#0b5d3b' } });
      for (const path of [preferences, unsubscribe]) {
        const page = await visit(path, { javaScriptEnabled: true, colorScheme, viewport: { width: 390, height: 844 } });
        expect(await page.locator('html').getAttribute('lang')).toBe(locale);
        expect(await findViolations(page), path).toEqual([]);
        expect(await tooWide(page), path).toBeLessThanOrEqual(0);
        expect(await page.locator('.sender').innerText()).toBe('Acme');
        const ground = await page.locator('body').evaluate('getComputedStyle(document.body).backgroundColor');
        expect(ground).toBe(colorScheme === 'dark' ? 'rgb(22, 24, 28)' : 'rgb(255, 255, 255)');
        expect(
          await page
            .locator('button')
            .first()
            .evaluate('getComputedStyle(document.querySelector("button")).backgroundColor'),
        ).toBe('rgb(11, 93, 59)');
      }
    },
  );

  test('a page from right to left begins at the right, and foreign words keep their order', async () => {
    const { visit, preferences } = await open('ar');
    const page = await visit(preferences, { viewport: { width: 390, height: 844 } });
    expect(await page.locator('html').getAttribute('dir')).toBe('rtl');
    const label = page.locator('label', { has: switchOf(page, 't:NEWS/email') });
    const [box, text] = [
      await switchOf(page, 't:NEWS/email').boundingBox(),
      await label.locator('span').first().boundingBox(),
    ];
    expect(box?.x).toBeGreaterThan((text?.x ?? 0) + (text?.width ?? 0) - 1);
    await page.locator('p bdi', { hasText: /^u…@example\.com$/ }).waitFor();
  });

  test('an old link stops messages, and asks for a new one by mail; it tells no address', async () => {
    const { visit, preferences, tidings, email, isOn } = await open();
    tidings.clock.now += 31 * DAY;
    const page = await visit(preferences, { viewport: { width: 390, height: 844 } });
    await page.getByText('This link is old.').waitFor();
    expect(await page.locator('input').count()).toBe(0);
    expect(await tooWide(page)).toBeLessThanOrEqual(0);
    await page.getByRole('button', { name: 'Send me a new link' }).click();
    await page.getByRole('status').getByText('A new link is on its way to you.').waitFor();
    await expect.poll(() => email.calls.length, { timeout: 30_000 }).toBe(3);
    await page.getByRole('button', { name: 'Stop all messages that are not necessary' }).click();
    await page.getByRole('status').getByText('You get only what is necessary from now on.').waitFor();
    expect([await isOn('NEWS'), await isOn('CODE')]).toEqual([false, true]);
  });

  test('a reader unsubscribes by a button, goes on to all choices, and finds it there', async () => {
    const { visit, unsubscribe, isOn } = await open('de');
    const page = await visit(unsubscribe);
    expect(await isOn('PROMO')).toBe(true);
    await page.getByText('Neuigkeiten und Angebote').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('status').getByText('Neuigkeiten und Angebote').waitFor();
    expect(await isOn('PROMO')).toBe(false);
    await page.getByRole('link', { name: 'Wählen Sie, was Sie sonst bekommen' }).click();
    expect(await switchOf(page, 'c:MARKETING/email').isChecked()).toBe(false);
  });

  test('no page can be framed, keeps a cookie, or passes its address on', async () => {
    const { visit, preferences, unsubscribe, server } = await open();
    for (const path of [preferences, unsubscribe, '/preferences/x', '/unsubscribe/x']) {
      const { headers } = await server.get(path, { accept: 'text/html' });
      expect(headers.get('content-security-policy'), path).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
      expect(headers.get('x-frame-options'), path).toBe('DENY');
      expect(headers.get('referrer-policy'), path).toBe('no-referrer');
      expect(headers.get('cache-control'), path).toBe('no-store');
      expect(headers.get('set-cookie'), path).toBeNull();
    }
    const page = await visit(unsubscribe);
    const referrers: (string | undefined)[] = [];
    page.context().on('request', (request) => referrers.push(request.headers().referer));
    await page.getByRole('button').click();
    await page.getByRole('link').click();
    await page.getByRole('heading', { level: 1 }).waitFor();
    expect(referrers).toEqual(referrers.map(() => undefined));
    expect(referrers.length).toBeGreaterThan(1);
    expect(await page.context().cookies()).toEqual([]);
  });

  test('a link that leads nowhere is said in the language of the browser; a program gets the problem', async () => {
    const { server, preferences } = await open();
    const broken = `${preferences.slice(0, -3)}abc`;
    const { status, body } = await server.get(broken, { accept: 'text/html', 'accept-language': 'es-MX,en;q=0.5' });
    expect(status).toBe(404);
    expect(body).toContain('<html lang="es" dir="ltr">');
    expect(body).toContain('Este enlace no lleva a ninguna parte');
    expect((await server.get(broken)).body).toMatchObject({ code: 'not_found' });
  });
});
