import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { findViolations } from './support/axe.ts';
import { tooWide } from './support/browser.ts';
import { type ConsoleTest, goTo, hasBrowser, postExample, useConsole } from './support/console.ts';
import { foldAll } from './support/metrics.ts';

/** Pages that measure: analytics, notification types, tenants; and the webhook portal. Each language is seen on one of them. */

const DAY_MINUTES = 1440;
/** Script of a browser that keeps nothing for frames of other sites. */
const WITHOUT_STORAGE =
  "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('', 'SecurityError'); } });";

describe.skipIf(!hasBrowser)('the pages that measure', () => {
  const app = useConsole(async (started) => {
    await postExample(started);
    const { pool, clock } = started.tidings;
    const now = Math.floor(clock.now / 60_000);
    const type = 'WELCOME_EMAIL';
    const sent = { type, channel: 'email', provider: 'smtp', version: 1, attempts: 1, class: 0, latency_ms: 40 };
    const items = [
      ...[0, 1, 8].map((days) => ({
        minute: now - 60 - days * DAY_MINUTES,
        ...sent,
        sent: 50,
        confirmable: 50,
        delivered: 40,
        opened: 10,
        ...(days === 0 && { bounced: 3 }),
      })),
      { minute: now - 90, type, rule: 'WELCOME_EMAIL', version: 1, decided: 60, planned: 60 },
      // Weeks of a type that always spoke at this hour.
      ...[1, 2, 3, 4].map((weeks) => ({
        minute: now - 60 - weeks * 7 * DAY_MINUTES,
        type,
        rule: 'R',
        version: 1,
        decided: 30,
      })),
      ...[1, 2, 3, 4].map((weeks) => ({ minute: now - 60 - weeks * 7 * DAY_MINUTES, event: 'silent_now', events: 40 })),
    ];
    await pool.query('insert into metric_deltas (tenant_id, items) values ($1, $2)', [
      'default',
      JSON.stringify(items),
    ]);
    await foldAll(pool, clock.now);
  });
  /** Opens a page at the time of the test, which is ahead. */
  const visit = (path: string, settings = {}, script = '') =>
    app.visit(path, settings, async (page) => {
      await page.clock.install({ time: app.tidings.clock.now });
      await page.addInitScript(script);
    });

  test('analytics tell what came how far, and who did not get what and why', async () => {
    const { page } = await visit('console/analytics');
    await page.getByTestId('metric-tiles').waitFor();
    await page.getByTestId('funnel-row').first().waitFor();
    // A number leads to a list only if that has what it counts; links in words lead on.
    const links = page.getByTestId('metric-tiles').getByRole('link');
    expect(await links.evaluateAll((all) => all.map((link) => link.textContent))).toEqual(['Costs of 31 days']);
    const deliveries = page.getByRole('region', { name: 'Sums' }).getByRole('link', { name: 'See deliveries' });
    expect(await deliveries.getAttribute('href')).toBe('/console/deliveries?since=7d');
    const row = page.getByTestId('held-reasons-row').filter({ hasText: 'limit_reached' });
    await row.getByTestId('held-users-button').click();
    await page.getByTestId('held-user').getByRole('link', { name: 'maria', exact: true }).waitFor();
    expect(new URL(page.url()).searchParams.get('reason')).toBe('limit_reached');
    expect(await findViolations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByTestId('peek').waitFor({ state: 'detached' });
    // Messages that came back have no reason code, and are a part of what failed.
    const failed = page.getByTestId('held-reasons-row').filter({ hasText: 'Bounced after it was sent' });
    expect(await failed.innerText()).toMatch(/bounced\s+–\s+–\s+–\s+3\s/);
    const messages = await failed.getByTestId('returned-bounced').getAttribute('href');
    expect(messages).toBe('/console/deliveries?status=sent&since=7d&receipt=bounced');

    // Narrowed by a menu, and by what is typed; of what is kept apart the last one counts.
    await page.getByTestId('filter-version').click();
    await page.getByTestId('filter-value').first().click();
    await page.getByText('Reasons are not kept by version.').waitFor();
    await page.getByTestId('filter-text').fill('locale:en type:WELCOME_EMAIL');
    await page.keyboard.press('Enter');
    await page.getByTestId('chip-locale').waitFor();
    expect(Object.fromEntries(new URL(page.url()).searchParams)).toEqual({ locale: 'en', type: 'WELCOME_EMAIL' });
    await page.getByTestId('filter-clear').click();
    await page.getByRole('link', { name: '28 days' }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByTestId('export-series-csv').click(),
    ]);
    expect(download.suggestedFilename()).toBe('series.csv');
    expect(await findViolations(page)).toEqual([]);
    await expectPhone(page);
  });

  test('a chart is zoomed by dragging, and by links, and a bar leads to its deliveries', async () => {
    const { page } = await visit('console/analytics?since=7d');
    const chart = page.getByTestId('outcome-chart');
    await chart.getByTestId('bar').first().waitFor();
    await chart.scrollIntoViewIfNeeded();
    const box = (await chart.boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.5, box.y + 100);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.7, box.y + 100, { steps: 4 });
    await page.mouse.up();
    await expect.poll(() => new URL(page.url()).searchParams.has('until')).toBe(true);
    const lengthOf = () => {
      const { searchParams } = new URL(page.url());
      return Date.parse(searchParams.get('until')!) - Date.parse(searchParams.get('since')!);
    };
    const zoomed = lengthOf();
    expect(zoomed).toBeLessThan(3 * 86_400_000);
    await page.getByRole('link', { name: 'Zoom out' }).focus();
    await page.keyboard.press('Enter');
    await expect.poll(lengthOf).toBeGreaterThan(zoomed);
    await chart.getByTestId('bar').last().click();
    await page.getByRole('heading', { level: 1, name: 'Deliveries' }).waitFor();
    expect([...new URL(page.url()).searchParams.keys()]).toEqual(['since', 'until']);
    await goTo(page, 'console/');
    await page.getByRole('link', { name: 'Earlier' }).click();
    await expect.poll(() => new URL(page.url()).searchParams.has('until')).toBe(true);
  });

  test('unusual volumes say since when, and experiments say what is missing', async () => {
    const { page } = await visit('console/analytics/anomalies');
    const row = page.getByTestId('anomalies-row').filter({ hasText: 'silent_now' });
    await row.getByText(/Quiet for more than a week|Quiet since/).waitFor();
    expect(await findViolations(page)).toEqual([]);
    await expectPhone(page);
    await page.getByRole('link', { name: 'Experiments' }).click();
    await page.getByText('No experiments').waitFor();
  });

  test('a notification type has its numbers in the list, as German writes them, and a page with what sends it and what it says', async () => {
    const { page } = await visit('console/types', { locale: 'de-DE' });
    const row = page
      .getByTestId('type-row')
      .filter({ has: page.getByRole('link', { name: 'WELCOME_EMAIL', exact: true }) });
    await row.locator('.spark').waitFor();
    expect(await row.innerText()).toMatch(/15\d\s+(7\d|80),\d\s%\s+25,0\s%/);
    await page.getByTestId('types-find').fill('welcome');
    await expect.poll(() => page.getByTestId('type-row').count()).toBe(1);
    expect(await findViolations(page)).toEqual([]);
    await expectPhone(page);
    await row.getByTestId('type-link').click();
    await page.getByTestId('type-words-row').first().waitFor();
    await page.getByTestId('type-rules').waitFor();
    await page.getByTestId('outcome-chart').getByTestId('bar').first().waitFor();
    expect(await findViolations(page)).toEqual([]);
    await expectPhone(page);
  });

  test('an operator creates a tenant, changes its limits, suspends and resumes it', async () => {
    const { page } = await visit('console/tenants', { locale: 'es-ES' });
    await page.getByTestId('tenant-create').click();
    await page.getByTestId('tenant-id').fill('acme');
    expect(await findViolations(page)).toEqual([]);
    await page.getByTestId('confirm').click();
    const row = page.getByTestId('tenants-row').filter({ hasText: 'acme' });
    await row.getByTestId('tenant-change').click();
    await page.getByTestId('tenant-limits').fill('{"sms": {"tenant": {"per_minute": 600}}}');
    await page.getByTestId('confirm').click();
    await row.getByText('SMS: 600 por minuto').waitFor();
    await row.getByTestId('tenant-suspend').click();
    await page.getByTestId('confirm-typed').fill('acme');
    await page.getByTestId('confirm').click();
    await row.getByTestId('tenant-state').getByText('Suspendido').waitFor();
    await row.getByTestId('tenant-resume').click();
    await page.getByTestId('confirm').click();
    await row.getByTestId('tenant-state').getByText('Activo').waitFor();
    expect(await findViolations(page)).toEqual([]);
    await expectPhone(page);
  });

  test('a link opens the webhook portal, which has no other page, and stays open when it is loaded again', async () => {
    const { url } = (await app.server.post('/api/v1/webhooks/portal-links', { name: 'Ann' })).body;
    const { page } = await visit(url.slice(app.server.url.length + 1));
    await page.getByTestId('webhooks-empty').waitFor();
    expect(await page.getByTestId('rail').count()).toBe(0);
    expect(page.url()).toBe(`${app.server.url}/console/portal`);
    await createEndpoint(page, app);
    await page.reload();
    await page.getByTestId('webhook-link').click();
    await page.getByRole('heading', { level: 1, name: 'https://hooks.invalid/portal' }).waitFor();
    expect(new URL(page.url()).pathname).toMatch(/^\/console\/portal\/[\w-]+$/);
    expect(await findViolations(page)).toEqual([]);
    await expectPhone(page);
    // In the language of the browser, also in a frame that may keep nothing.
    const used = await visit(url.slice(app.server.url.length + 1), { locale: 'pt-PT' }, WITHOUT_STORAGE);
    await used.page.getByText('Esta página terminou').waitFor();
    expect(used.complaints.splice(0)).toEqual([expect.stringContaining('401')]);
  });
});

async function createEndpoint(page: Page, { server }: ConsoleTest): Promise<void> {
  await page.getByTestId('webhook-create').click();
  await page.getByTestId('webhook-url').fill('https://hooks.invalid/portal');
  await page.getByTestId('issue').click();
  await page.getByTestId('issued-done').click();
  await page.getByTestId('webhook-link').waitFor();
  expect((await server.get('/api/v1/webhooks')).body.webhooks.length).toBe(1);
}

/** Nothing of a page is wider than its window, or than a small phone, and axe finds nothing there. */
async function expectPhone(page: Page): Promise<void> {
  const before = page.viewportSize()!;
  expect(await tooWide(page)).toBeLessThanOrEqual(0);
  await page.setViewportSize({ width: 320, height: 640 });
  await expect.poll(() => tooWide(page)).toBeLessThanOrEqual(0);
  expect(await findViolations(page)).toEqual([]);
  await page.setViewportSize(before);
}
