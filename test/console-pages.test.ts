import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { findViolations } from './support/axe.ts';
import { networkSettled } from './support/browser.ts';
import { entry, hasBrowser, postAllPages, statuses, useConsole } from './support/console.ts';
import { testServer } from './support/http.ts';
import { foldAll } from './support/metrics.ts';

describe.skipIf(!hasBrowser)('all pages of the console', () => {
  const app = useConsole(postAllPages);

  test('sets the title, the scroll position and the focus of another page, and restores the position on Back', async () => {
    const { page } = await app.visit('console/users/runner/timeline');
    await page.getByTestId('load-older').scrollIntoViewIfNeeded();
    const place = await page.evaluate<number>('scrollY');
    expect(place).toBeGreaterThan(1000);
    await expect.poll(() => page.title()).toBe('runner: timeline · Tidings');
    await page.getByRole('link', { name: 'Deliveries', exact: true }).click();
    await page.getByTestId('deliveries').waitFor();
    await expect.poll(() => page.title()).toBe('Deliveries · Tidings');
    expect(await page.evaluate('[scrollY, document.activeElement.textContent]')).toEqual([0, 'Deliveries']);
    // A filter is not another page.
    const sandboxed = page.getByRole('link', { name: /^Sandboxed/ });
    await sandboxed.click();
    await expect.poll(() => statuses(page)).toEqual(['sandboxed']);
    expect(await page.evaluate('document.activeElement.textContent')).toMatch(/^Sandboxed/);
    await page.goBack();
    await page.goBack();
    await entry(page, 'sprint-54').waitFor();
    expect(await page.evaluate('[Math.round(scrollY), document.activeElement.textContent]')).toEqual([place, 'runner']);
    await page.goForward();
    await page.getByRole('heading', { name: 'Deliveries' }).waitFor();
    expect(await page.evaluate('scrollY')).toBe(0);
  });

  test('are in one menu, in groups, which folds to its icons, is marked, and stays so', async () => {
    const { page } = await app.visit('console/deliveries');
    const rail = page.getByTestId('rail');
    await rail.getByRole('link', { name: 'Deliveries', exact: true }).waitFor();
    const titles = await page.evaluate(
      `[...document.querySelectorAll('.rail ul')].map((one) => document.getElementById(one.getAttribute('aria-labelledby')).textContent)`,
    );
    expect(titles).toEqual(['Operate', 'Design', 'Send', 'Measure', 'Connect', 'Govern']);
    expect(await rail.locator('[aria-current=page]').allInnerTexts()).toEqual(['Deliveries']);
    await rail.getByRole('button', { name: 'Fold the menu' }).click();
    expect((await rail.boundingBox())?.width).toBe(56);
    await rail.getByRole('link', { name: 'Overview' }).focus();
    await page.getByRole('tooltip', { name: 'Overview' }).waitFor();
    await page.reload();
    await rail.getByRole('button', { name: 'Unfold the menu' }).waitFor();
    expect((await rail.boundingBox())?.width).toBe(56);
    // Each page of the menu is there.
    const hrefs = await page.evaluate<string[]>(
      `[...document.querySelectorAll('.rail a')].map((one) => one.getAttribute('href'))`,
    );
    expect(hrefs.length).toBeGreaterThan(20);
    for (const href of hrefs) {
      await page.goto(`${app.server.url}${href}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      expect(await page.getByText('Page not found').count(), href).toBe(0);
      expect(await rail.locator('[aria-current=page]').getAttribute('href')).toBe(href);
    }
  });

  test('can be reached past the menu by the keyboard, and by links as they were before', async () => {
    const { page } = await app.visit('#/users/maria?event=pay-1');
    await page.locator('article[data-marked]').waitFor();
    expect(page.url()).toBe(`${app.server.url}/console/users/maria?event=pay-1`);
    await page.evaluate('location.hash = "#/deliveries?status=sandboxed"');
    await expect.poll(() => statuses(page)).toEqual(['sandboxed']);
    expect(page.url()).toBe(`${app.server.url}/console/deliveries?status=sandboxed`);
    await page.reload();
    await expect.poll(() => statuses(page)).toEqual(['sandboxed']);
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.closest("main") !== null')).toBe(true);
    // A deep link is answered with the page, and under the same policy.
    const { status, headers } = await app.server.get('/console/users/a%2Fb?event=1');
    expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
      200,
      expect.stringContaining('text/html'),
      'no-cache',
    ]);
    expect(headers.get('content-security-policy')).toContain("script-src 'self'");
  });

  test('are searched together with users, events, messages, waits and the catalog, by the keyboard', async () => {
    const { page } = await app.visit('console/live');
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.getByTestId('activity-row').first().waitFor();
    const field = page.getByTestId('search-field');
    const open = async (text: string) => {
      await page.keyboard.press('ControlOrMeta+k');
      await field.fill(text);
    };
    await open('MARI');
    const option = page.getByRole('option').filter({ hasText: 'maria' });
    await option.waitFor();
    expect(await findViolations(page)).toEqual([]);
    expect(await option.getAttribute('id')).toBe(await field.getAttribute('aria-activedescendant'));
    await page.keyboard.press('Enter');
    await page.getByTestId('user-id').getByText('maria', { exact: true }).waitFor();
    expect(page.url()).toBe(`${app.server.url}/console/users/maria`);
    // Enter before the results are there.
    await open('maria@example.com');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(page.url()).toBe(`${app.server.url}/console/users/maria`);
    expect(asked.filter((url) => /example\.com|%40/.test(url))).toEqual([]);
    await open('pay-2');
    await page.keyboard.press('Enter');
    await page.locator('article[data-marked][data-event-id=pay-2]').waitFor();
    await open('b7');
    await page.getByRole('option').filter({ hasText: 'REMINDER' }).first().click();
    await page.getByTestId('user-id').getByText('wanda', { exact: true }).waitFor();
    await open('dead let');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Failed deliveries' }).waitFor();
    await open('nothing of this name');
    await page.getByTestId('search-status').getByText('Nothing is found').waitFor();
    expect(await page.getByTestId('searched').innerText()).toMatch(
      /users by their id \(any part\)[\s\S]*waits by their whole key/,
    );
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  test('say each problem in the language and zone of the page, with a link to the page that helps', async () => {
    const nothing = { subject: null, since: null, count: null, has_more: false, next_at: null, values: {} };
    const problems = [
      {
        ...nothing,
        code: 'circuit_open',
        subject: 'smtp',
        since: '2026-07-01T20:27:13.755Z',
        detail: 'the mail server cannot be reached (ECONNREFUSED)',
        values: { provider: 'smtp', cause: 'failures' },
        next_at: '2026-07-01T20:30:00.000Z',
      },
      {
        ...nothing,
        code: 'overdue',
        subject: 'deliveries email',
        since: '2026-07-01T20:27:13.755Z',
        count: 29,
        has_more: true,
        detail: 'due since 2026-07-01T20:27:13.755Z, and not done',
        values: { queue: 'deliveries', channel: 'email' },
      },
      {
        ...nothing,
        code: 'webhook_failing',
        subject: '0199',
        count: 3,
        detail: 'Lager: nothing reaches it',
        values: { name: 'Lager' },
      },
      {
        ...nothing,
        code: 'volume_surge',
        subject: 'login.failed',
        count: 102,
        detail: '102 events in 24 hours, usually 5',
        values: { of: 'events', hours: 24, usual: 5.2 },
      },
      {
        ...nothing,
        code: 'type_quiet',
        subject: 'DIGEST',
        count: 0,
        detail: 'no notifications in an hour, usually 7',
        values: { of: 'notifications', hours: 1, usual: 7 },
      },
      { ...nothing, code: 'installation', subject: 'disk', detail: 'the disk of the data directory has 90 MB free' },
    ];
    const { page } = await app.visit('', { locale: 'de-DE', timezoneId: 'Europe/Berlin' }, async (opened) => {
      await opened.clock.install({ time: app.tidings.clock.now });
      await opened.route('**/api/v1/problems', (route) => route.fulfill({ json: { problems, not_looked_at: [] } }));
    });
    const items = page.getByTestId('problem-item');
    await items.getByText('der Mailserver ist nicht erreichbar').waitFor();
    expect(await items.allInnerTexts()).toEqual([
      expect.stringMatching(
        /^Über smtp wird nichts gesendet seit 1\. Juli(?: 2026)?, 22:27 MESZ – der Mailserver ist nicht erreichbar \(ECONNREFUSED\)\. Nächster Versuch 1\. Juli(?: 2026)?, 22:30 MESZ\. /,
      ),
      expect.stringMatching(
        /^Überfällig: mindestens 29 Zustellungen per E.Mail seit 1\. Juli(?: 2026)?, 22:27 MESZ\. /,
      ),
      expect.stringMatching(/^Beim Webhook-Endpunkt Lager kommt nichts an – 3 Fehlschläge in Folge\. /),
      expect.stringMatching(
        /^login\.failed hat eine ungewöhnliche Menge – 102 Ereignisse in 24 Stunden, üblich sind 5\. /,
      ),
      expect.stringMatching(/^DIGEST bleibt aus – keine Benachrichtigung in einer Stunde, üblich sind 7\. /),
      expect.stringMatching(
        /^Der Datenträger braucht Aufmerksamkeit – the disk of the data directory has 90 MB free\. /,
      ),
    ]);
    expect(await items.locator('[lang=en]').allInnerTexts()).toEqual(['the disk of the data directory has 90 MB free']);
    const links = await items.locator('a').evaluateAll((all) => all.map((one) => one.getAttribute('href')));
    expect(links).toHaveLength(problems.length);
    expect(links.slice(3, 5)).toEqual(['/console/analytics/anomalies', '/console/analytics/anomalies']);
  });

  test('begin with what is wrong, the numbers of a day, and charts with a table each', async () => {
    const { server, tidings } = app;
    await foldAll(tidings.pool, tidings.clock.now);
    await tidings.pool.query(
      `insert into circuits (circuit_id, provider, code, cause, since, open_until, pause_ms)
       values ('smtp', 'smtp', 'failures', 'the service is down', now(), now() + interval '1 min', 60000)`,
    );
    try {
      // By the clock of the test, which is ahead.
      const { page } = await app.visit('', {}, (opened) => opened.clock.install({ time: tidings.clock.now }));
      const strip = page.getByTestId('problem-strip');
      await strip.getByText('Nothing is sent by smtp').waitFor();
      expect(await strip.innerText()).toMatch(
        /the service is down\. Next try .* See the accounts[\s\S]*rejected event/,
      );
      await page.getByTestId('problem-sign').getByText('problems').waitFor();
      expect(page.url()).toBe(`${server.url}/console/`);
      const tiles = page.getByTestId('tile');
      expect(await tiles.allInnerTexts()).toEqual([
        expect.stringMatching(/^Events in\s+\d+\s+none a week before$/),
        expect.stringMatching(/^Decided to send\s+\d+/),
        expect.stringMatching(/^Sent, and not returned\s+\d+\s+\d+ failed\s+See deliveries/),
        expect.stringMatching(/^Waiting now\s+\d+\s+in (1 rule|\d rules)$/),
      ]);
      const chart = page.getByTestId('outcome-chart');
      await chart.locator('[data-outcome=sandboxed]').waitFor();
      expect(await chart.getByTestId('bar').count()).toBeGreaterThanOrEqual(24);
      expect(await chart.getByTestId('version-mark').count()).toBe(2);
      // Nothing of this catalog reports on messages: none is known to have arrived.
      expect(await chart.locator('[data-outcome=delivered]').count()).toBe(0);
      await page.getByTestId('outcome-table-button').click();
      const bars = await chart.getByTestId('bar').count();
      await expect.poll(() => page.getByTestId('outcome-table-row').count()).toBe(bars);
      await page.getByTestId('top-volume-row').first().waitFor();
      await page.getByRole('navigation', { name: 'Span' }).getByRole('link', { name: '1 hour' }).click();
      await expect.poll(() => chart.getByTestId('bar').count()).toBeGreaterThanOrEqual(60);
      expect(page.url()).toBe(`${server.url}/console/?range=1h`);
      expect(await findViolations(page)).toEqual([]);
      await page.getByRole('list', { name: 'Outcomes' }).getByRole('link', { name: 'Failed deliveries' }).click();
      await page.getByRole('heading', { name: 'Failed deliveries' }).waitFor();
    } finally {
      await tidings.pool.query('delete from circuits');
    }
  });

  test('show the tables of the overview in full at 1280 pixels and more, in each language', async () => {
    const groups = ['SUBSCRIPTION_PAYMENT_FAILED_AGAIN', 'VERIFICATION_CODE', 'ORDER_SHIPPED'].map((key) => ({
      key,
      metrics: {
        planned: 1_234_567,
        dead: 1_234,
        undeliverable: 123_456,
        bounced: 0,
        failed_later: 0,
        delivery_rate: 1,
      },
    }));
    const anomalies = ['notifications', 'events'].map((of) => ({
      kind: 'quiet',
      of,
      name: 'subscription_payment_failed_again',
      usual: 12_345,
      hours: 24,
      since: '2025-11-19T10:00:00Z',
    }));
    for (const locale of ['en-GB', 'de-DE', 'es-ES', 'pt-PT']) {
      const { page } = await app.visit('', { locale, viewport: { width: 1280, height: 900 } }, async (opened) => {
        await opened.route('**/api/v1/metrics/groups?*', (route) => route.fulfill({ json: { groups } }));
        await opened.route('**/api/v1/metrics/anomalies*', (route) => route.fulfill({ json: { anomalies } }));
      });
      for (const table of ['top-volume-row', 'top-failures-row', 'quiet-types-row'])
        await page.getByTestId(table).first().waitFor();
      for (const width of [1280, 1440, 1600, 1920]) {
        await page.setViewportSize({ width, height: 900 });
        expect(
          await page
            .locator('.overview-tables .facts-frame')
            .evaluateAll((frames) => frames.map((frame) => frame.scrollWidth - frame.clientWidth)),
          `${locale} ${width}`,
        ).toEqual([0, 0, 0]);
      }
      await app.leave();
    }
  });

  test('ask little while nothing happens: an idle overview at most twelve requests in two minutes, a hidden one none', async () => {
    await foldAll(app.tidings.pool, app.tidings.clock.now);
    const { page } = await app.visit('console/', {}, (opened) => opened.clock.install({ time: app.tidings.clock.now }));
    await page.getByTestId('top-volume-row').first().waitFor();
    await networkSettled(page);
    let asked = 0;
    page.on('request', () => asked++);
    await page.clock.runFor(120_000);
    await networkSettled(page);
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThanOrEqual(12);
    await page.evaluate(`Object.defineProperty(document, 'visibilityState', { value: 'hidden' });
      document.dispatchEvent(new Event('visibilitychange')); window.dispatchEvent(new Event('visibilitychange'))`);
    await networkSettled(page);
    asked = 0;
    await page.clock.runFor(120_000);
    expect(asked).toBe(0);
  });

  test('ask for an API key, and keep it in this tab and out of URLs', async () => {
    const closed = await testServer(app.tidings, { apiKeys: ['the-key-of-this-test'] });
    try {
      const { page, complaints } = await app.visit('console/users/maria/timeline', {}, undefined, closed.url);
      const form = page.getByTestId('key-form');
      await form.getByLabel('API key').fill('a-wrong-key-of-this-test');
      await page.keyboard.press('Enter');
      await form.getByText('The API rejected this key.').waitFor();
      await form.getByLabel('API key').fill('the-key-of-this-test');
      await page.keyboard.press('Enter');
      await entry(page, 'maria-signup').waitFor();
      await page.reload();
      await entry(page, 'maria-signup').waitFor();
      expect(complaints.splice(0).filter((one) => !one.includes('status of 401'))).toEqual([]);
      expect(page.url()).toBe(`${closed.url}/console/users/maria/timeline`);
      expect(await page.evaluate('[Object.values(sessionStorage), JSON.stringify(localStorage)]')).toEqual([
        ['the-key-of-this-test'],
        expect.not.stringContaining('the-key'),
      ]);
    } finally {
      // Before the server closes: an open page would keep sending requests.
      await app.leave();
      await closed.close();
    }
  });

  test('show the problem that the API reports, and retry', async () => {
    const problem = {
      type: 'about:blank',
      title: 'Service overloaded',
      status: 503,
      detail: 'Too much.',
      code: 'overloaded',
    };
    const { page, complaints } = await app.visit('console/users/maria/timeline', {}, (opened) =>
      opened.route('**/api/v1/audit/**', (route) =>
        route.fulfill({ status: 503, contentType: 'application/problem+json', json: problem }),
      ),
    );
    const shown = page.getByTestId('problem');
    await shown.getByText('Service overloaded').waitFor();
    expect(await shown.innerText()).toMatch(/Too much\.[\s\S]*overloaded/);
    await page.unroute('**/api/v1/audit/**');
    await shown.getByRole('button', { name: 'Retry' }).click();
    await entry(page, 'maria-signup').waitFor();
    await shown.waitFor({ state: 'detached' });
    expect(complaints.splice(0).filter((one) => !one.includes('status of 503'))).toEqual([]);
  });

  test('keep their content and report it when the server cannot be reached', async () => {
    const passing = await testServer(app.tidings);
    const { page, complaints } = await app.visit('console/live', {}, undefined, passing.url);
    await page.getByTestId('activity-row').first().waitFor();
    await passing.close();
    await page.getByTestId('problem').getByText('Tidings cannot be reached').waitFor();
    expect(await page.getByTestId('live').innerText()).toBe('not updating');
    expect(await page.getByTestId('activity-row').count()).toBeGreaterThan(0);
    expect(complaints.splice(0).filter((one) => !/ERR_|status of 503/.test(one))).toEqual([]);
  });

  test('say in the header that the server is lost, and go on by themselves when it is back', async () => {
    const passing = await testServer(app.tidings);
    const { page, complaints } = await app.visit('console/analytics', {}, undefined, passing.url);
    const sign = page.getByTestId('lost-sign');
    await page.getByRole('heading', { level: 1 }).waitFor();
    await networkSettled(page);
    await passing.close();
    await sign.getByText('the server cannot be reached').waitFor({ timeout: 50_000 });
    expect(await sign.getAttribute('role')).toBe('status');
    expect(await sign.innerText()).toMatch(/^Not updating since \d\d:\d\d:\d\d/);
    await page.getByRole('link', { name: 'Failed', exact: true }).first().click();
    await page.getByTestId('problem').getByText('This page could not be loaded').waitFor();
    const back = await testServer(app.tidings, { port: Number(new URL(passing.url).port) });
    await page.getByRole('heading', { name: 'Failed deliveries' }).waitFor({ timeout: 20_000 });
    await sign.locator('span').first().waitFor({ state: 'detached', timeout: 20_000 });
    await page.close();
    await back.close();
    expect(complaints.splice(0).filter((one) => !/ERR_|status of 503|script_not_loaded/.test(one))).toEqual([]);
  }, 120_000);

  test('say that a part could not be loaded, load it again on demand, and give the focus back after the first opening', async () => {
    const { page, complaints } = await app.visit('console/catalog', { viewport: { width: 390, height: 844 } });
    await page.getByRole('heading', { level: 1 }).waitFor();
    const notice = page.getByTestId('problem');
    const dialog = page.getByRole('dialog');
    const focused = () => page.evaluate('document.activeElement.textContent');
    for (const [script, button] of [
      ['SearchDialog', 'Search'],
      ['MenuSheet', 'More'],
    ] as const) {
      await page.route(`**/assets/${script}-*.js`, (route) => route.abort());
      await page.getByTestId('bottom-bar').getByRole('button', { name: button }).click();
      await notice.getByText('This part could not be loaded').waitFor();
      expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
      await page.unroute(`**/assets/${script}-*.js`);
      await notice.getByRole('button', { name: 'Close' }).click();
      await page.getByTestId('bottom-bar').getByRole('button', { name: button }).click();
      await dialog.waitFor();
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
      await expect.poll(focused).toBe(button);
    }
    // A page: tried again, or left and opened again.
    await page.route('**/assets/*Page-*.js', (route) => route.abort());
    await page.evaluate('history.pushState(null, "", "/console/live"); dispatchEvent(new PopStateEvent("popstate"))');
    await notice.getByText('This page could not be loaded').waitFor();
    await page.goBack();
    await notice.waitFor({ state: 'detached' });
    await page.goForward();
    await notice.waitFor();
    await page.unroute('**/assets/*Page-*.js');
    await notice.getByRole('button', { name: 'Retry' }).click();
    await page.getByTestId('activity-row').first().waitFor();
    // Scripts of an earlier version are gone.
    await page.route('**/assets/*Page-*.js', (route) => route.fulfill({ status: 404 }));
    await page.route(`${app.server.url}/`, (route) => route.fulfill({ body: '<script src="/assets/index-other.js">' }));
    await page.getByTestId('bottom-bar').getByRole('link', { name: 'Failed' }).click();
    await notice.getByText('A new version of the console is there').waitFor();
    await page.unroute('**/assets/*Page-*.js');
    await notice.getByRole('button', { name: 'Reload the page' }).click();
    await page.getByRole('heading', { name: 'Failed deliveries' }).waitFor();
    expect(complaints.splice(0).filter((one) => !/ERR_FAILED|status of 404|script_not_loaded/.test(one))).toEqual([]);
  });

  test('need at most 150 KB of script, compressed, until the first page is shown', async () => {
    const folder = fileURLToPath(new URL('../packages/console/dist/', import.meta.url));
    const page = await readFile(join(folder, 'index.html'), 'utf8');
    const scripts = [...page.matchAll(/(?:href|src)="\/(assets\/[^"]+\.js)"/g)].map(([, path = '']) => path);
    const first = (await readdir(join(folder, 'assets'))).filter((name) => name.startsWith('OverviewPage-'));
    expect([scripts.length > 5, first.length]).toEqual([true, 1]);
    // With what it imports: scripts that are named in it, and not loaded before.
    const text = await readFile(join(folder, 'assets', first[0]!), 'utf8');
    const imported = [...text.matchAll(/from"\.\/([^"]+\.js)"/g)].map(([, name]) => `assets/${name}`);
    const all = new Set([...scripts, `assets/${first[0]}`, ...imported]);
    const sizes = await Promise.all([...all].map(async (path) => gzipSync(await readFile(join(folder, path))).length));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(150 * 1024);
  });

  test('use the color scheme of the system until the user chooses one', async () => {
    const { page } = await app.visit('console/live', { colorScheme: 'dark' });
    const scheme = (name: string) => page.locator(`html[data-mantine-color-scheme=${name}]`).waitFor();
    await scheme('dark');
    await page.getByRole('button', { name: 'Use light colors' }).click();
    await scheme('light');
    await page.reload();
    await scheme('light');
    await page.getByRole('button', { name: 'Use dark colors' }).waitFor();
  });

  test('show the timeline first on a phone, and the rest on demand', async () => {
    const { page } = await app.visit('console/users/maria/timeline', { viewport: { width: 390, height: 844 } });
    const first = page.getByTestId('timeline-entry').first();
    await first.waitFor();
    expect((await first.boundingBox())?.y).toBeLessThan(500);
    await page.getByRole('button', { name: 'Profile' }).click();
    await page.getByTestId('profile').getByText('Europe/Lisbon').waitFor();
    await page.goto(`${app.server.url}/console/users/${'long'.repeat(60)}`);
    await page.getByText('No user has this ID').waitFor();
    expect((await page.locator('.user-icon').boundingBox())?.width).toBe(30);
  });
});
