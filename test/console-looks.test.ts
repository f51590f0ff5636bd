import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { findViolations } from './support/axe.ts';
import { faintText, tooWide } from './support/browser.ts';
import {
  hasBrowser,
  ODD_ID,
  OTHER_PAGES,
  openEvidence,
  openWhy,
  PAGES,
  postAllPages,
  settled,
  useConsole,
} from './support/console.ts';

const PHONE = { width: 390, height: 844 };

describe.skipIf(!hasBrowser)('the looks of all pages of the console', () => {
  const app = useConsole(postAllPages);

  test('have headings in order, readable text in both schemes, and nothing that axe finds, and fit the width of a phone', async () => {
    const { page } = await app.visit('#/', { colorScheme: 'dark' });
    const scheme = page.locator('html');
    const desktop = page.viewportSize() as { width: number; height: number };
    for (const hash of [...PAGES, `#/users/${encodeURIComponent(ODD_ID)}`]) {
      await page.setViewportSize(desktop);
      await page.emulateMedia({ colorScheme: 'dark' });
      await page.goto(`${app.server.url}/${hash}`);
      await settled(page);
      await expectLevels(page, hash);
      expect(await findViolations(page), hash).toEqual([]);
      if (hash.startsWith('#/users')) {
        for (const card of await page.getByTestId('timeline-entry').all()) await openEvidence(card);
        await openWhy(page);
      }
      await page.mouse.move(0, 0);
      for (const colorScheme of ['dark', 'light'] as const) {
        await page.emulateMedia({ colorScheme });
        await expect.poll(() => scheme.getAttribute('data-mantine-color-scheme')).toBe(colorScheme);
        expect(await faintText(page), `${hash} ${colorScheme}`).toEqual([]);
      }
      await page.setViewportSize(PHONE);
      await expect.poll(() => tooWide(page), { message: hash }).toBeLessThanOrEqual(0);
    }
  });

  test('have one heading of the first level where nothing is found', async () => {
    const { page } = await app.visit('#/');
    for (const hash of ['#/elsewhere', '#/users/unknown-user']) {
      await page.goto(`${app.server.url}/${hash}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await expectLevels(page, hash);
    }
  });

  test('have one heading, fit 320 pixels, and axe finds nothing there, also without data', async () => {
    const { page } = await app.visit('#/', { viewport: { width: 320, height: 640 } });
    for (const hash of OTHER_PAGES) {
      await page.goto(`${app.server.url}/${hash}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.locator('.mantine-Skeleton-root').first().waitFor({ state: 'detached' });
      expect(await page.getByRole('heading', { level: 1 }).count(), hash).toBe(1);
      expect(await tooWide(page), hash).toBeLessThanOrEqual(0);
      expect(await findViolations(page), hash).toEqual([]);
    }
  });

  test('can be reached on a phone, with each of their buttons', async () => {
    const { page } = await app.visit('#/', { viewport: PHONE });
    // By name: a phone shows no texts in the menu.
    await page.getByRole('link', { name: 'Deliveries', exact: true }).click();
    for (const button of await page.getByTestId('delivery-row').getByRole('button').all()) {
      const box = await button.boundingBox();
      expect((box?.x ?? 0) + (box?.width ?? 1000)).toBeLessThanOrEqual(390);
    }
    await page.getByTestId('message-button').first().click();
    await page.getByTestId('message').waitFor();
    expect(await tooWide(page)).toBeLessThanOrEqual(0);
    expect(await findViolations(page)).toEqual([]);
  });
});

/** The headings of a page: one of the first level at the top, and no level skipped. */
async function expectLevels(page: Page, hash: string): Promise<void> {
  const levels = await page.evaluate<number[]>(
    '[...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].map(({ tagName }) => Number(tagName[1]))',
  );
  expect([levels[0], levels.filter((level) => level === 1).length], hash).toEqual([1, 1]);
  expect(
    levels.filter((level, index) => level > (levels[index - 1] ?? 0) + 1),
    hash,
  ).toEqual([]);
}
