import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { networkSettled } from './support/browser.ts';
import { goTo, HOUR, hasBrowser, postExample, useConsole } from './support/console.ts';
import { foldAll } from './support/metrics.ts';

/** Numbers of the console lead to lists that have just what they count, or nowhere. */

const TYPE = 'ORDER_SHIPPED';
const SENT = { type: TYPE, channel: 'email', provider: 'smtp', version: 1, attempts: 1, class: 0, latency_ms: 40 };
/** Messages that ended an hour ago: for most of them, no list has just these. */
const OUTCOMES = [
  { ...SENT, sent: 50, confirmable: 50, delivered: 40, bounced: 3, failed: 2 },
  { ...SENT, dead: 7 },
  { ...SENT, undeliverable: 11 },
  { ...SENT, cancelled: 4 },
  // At the decision, so that there is no delivery.
  { type: TYPE, channel: 'email', version: 1, dropped: 13 },
  { type: TYPE, rule: TYPE, version: 1, decided: 90, planned: 90 },
];

interface NumberLink {
  readonly href: string;
  readonly text: string;
  readonly count: number;
}

describe.skipIf(!hasBrowser)('numbers of the console', () => {
  const app = useConsole(async (started) => {
    await postExample(started);
    const { pool, clock } = started.tidings;
    const minute = Math.floor((clock.now - HOUR) / 60_000);
    const items = OUTCOMES.map((one) => ({ minute, ...one }));
    await pool.query('insert into metric_deltas (tenant_id, items) values ($1, $2)', [
      'default',
      JSON.stringify(items),
    ]);
    // A fact for a webhook is a delivery, and no message that counts.
    const endpoint = { url: 'https://hooks.invalid/hook' };
    expect((await started.server.post('/api/v1/webhooks', endpoint)).status).toBe(201);
    await started.post({ user_id: 'ida', event_type: 'signup_completed', user_traits: { marketing_opt_in: true } });
    await foldAll(pool, clock.now);
  });
  /** Opens a page at the time of the test, which is ahead. */
  const visit = async (path: string) => {
    const { page } = await app.visit(path, {}, (opened) => opened.clock.install({ time: app.tidings.clock.now }));
    return page;
  };

  test.each([
    ['console/', [/\b2\d failed/, /Dropped or cancelled 17/], ['/console/waiting']],
    ['console/?range=7d', [/Dropped or cancelled 17/, /Failed 2\d/, /Sent, no receipt yet \d/], ['/console/waiting']],
    ['console/analytics', [/Dropped or cancelled 17/, /Failed 2\d/], []],
    ['console/channels', [/50 sent, 23 failed/], []],
  ])('lead to lists with just as much, or nowhere, on %s', async (path, numbers, exact) => {
    const page = await visit(path);
    await networkSettled(page);
    const readText = async () => (await page.locator('main').innerText()).replace(/\s+/g, ' ');
    for (const number of numbers) await expect.poll(readText, { timeout: 20_000 }).toMatch(number);
    await networkSettled(page);
    const links = await listNumberLinks(page);
    expect(links.map(({ href }) => href)).toEqual(exact);
    for (const { href, text, count } of links) {
      await goTo(page, href.slice(1));
      await networkSettled(page);
      expect(await countListed(page), `${text} leads to ${href}`).toBe(count);
    }
  });

  test('have links in words beside them, with the same span', async () => {
    const page = await visit('console/?range=7d');
    const tiles = page.getByRole('region', { name: 'Last 24 hours' });
    expect(await tiles.getByRole('link', { name: 'See deliveries' }).getAttribute('href')).toBe(
      '/console/deliveries?since=24h',
    );
    const legend = page.getByRole('list', { name: 'Outcomes' });
    const all = await legend.getByRole('link', { name: 'See deliveries' }).getAttribute('href');
    const { searchParams } = new URL(all!, page.url());
    expect(Date.parse(searchParams.get('until')!) - Date.parse(searchParams.get('since')!)).toBeGreaterThan(167 * HOUR);
    for (const table of ['top-volume-row', 'top-failures-row']) {
      const row = page.getByTestId(table).filter({ hasText: TYPE });
      const link = await row.getByTestId('type-deliveries').getAttribute('href');
      expect(link).toBe(`/console/deliveries?type=${TYPE}&since=7d`);
    }
    await goTo(page, 'console/channels');
    const provider = page.getByTestId('installation-row').filter({ hasText: '50 sent' });
    expect(await provider.getByRole('link', { name: 'See deliveries' }).getAttribute('href')).toBe(
      '/console/deliveries?provider=smtp&since=24h',
    );
  });

  test('of a span that has not begun, or that ends before it begins, are not those of another one', async () => {
    for (const [query, words] of [
      ['since=2099-01-01T00:00:00Z', 'The span begins in the future.'],
      ['since=2099-01-01T00:00:00Z&until=2099-02-01T00:00:00Z', 'The span begins in the future.'],
      ['since=2025-02-01T00:00:00Z&until=2025-01-01T00:00:00Z', 'The span ends before it begins'],
    ]) {
      for (const path of ['analytics', 'analytics/experiments', 'types/WELCOME_EMAIL']) {
        const page = await visit(`console/${path}?${query}`);
        await page.getByTestId('not-begun').getByText(words!).waitFor();
        expect(await page.getByTestId('metric-tiles').count()).toBe(0);
        await app.leave();
      }
    }
  });

  test('are beside the values of the filter, the most first', async () => {
    const page = await visit('console/analytics');
    await page.getByTestId('filter-type').click();
    await page.getByTestId('filter-value').first().waitFor();
    const texts = await page.getByTestId('filter-value').allInnerTexts();
    const counts = texts.map((text) => Number(/(\d+)\s*$/.exec(text)?.[1]));
    expect(texts[0]).toContain(TYPE);
    expect(counts.length).toBeGreaterThan(1);
    expect(counts).toEqual(counts.toSorted((a, b) => b - a));
  });
});

/** Returns the links of the shown page whose text counts something, and labels of tiles, with the number. Times, names and the choice of a span count nothing. */
async function listNumberLinks(page: Page): Promise<NumberLink[]> {
  const links = await page.locator('main a[href]').evaluateAll((all) =>
    all.map((link) => {
      const copy = link.cloneNode(true);
      for (const time of copy.querySelectorAll('time')) time.remove();
      const isName = link.closest('nav') !== null || link.matches('.name, .break');
      const value = link.closest('.tile-head')?.parentElement?.querySelector('.tile-value')?.textContent ?? '';
      return {
        href: link.getAttribute('href') ?? '',
        text: `${isName ? '' : copy.textContent} ${value}`,
      };
    }),
  );
  return links.flatMap(({ href, text }) => {
    const count = /(?<!\S)\d[\d,]*/.exec(text)?.[0];
    return count === undefined || href.includes('/costs')
      ? []
      : [{ href, text, count: Number(count.replace(',', '')) }];
  });
}

/** Returns how much the list of the shown page has: rows, or what its rows count. */
async function countListed(page: Page): Promise<number> {
  const waits = page.getByTestId('waiting-rules');
  if ((await waits.count()) > 0) {
    const cells = await waits.locator('[data-row] [data-heading=Waits]').allInnerTexts();
    return cells.reduce((sum, cell) => sum + Number(/\d+/.exec(cell)?.[0]), 0);
  }
  return page.locator('main [data-row]').count();
}
