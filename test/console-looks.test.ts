import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { findViolations } from './support/axe.ts';
import { faintText, tooWide } from './support/browser.ts';
import {
  goTo,
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
    const { page } = await app.visit('console/live', { colorScheme: 'dark' });
    const scheme = page.locator('html');
    const desktop = page.viewportSize() as { width: number; height: number };
    for (const path of [...PAGES, `console/users/${encodeURIComponent(ODD_ID)}/timeline`]) {
      await page.setViewportSize(desktop);
      await page.emulateMedia({ colorScheme: 'dark' });
      await goTo(page, path);
      await settled(page);
      await expectLevels(page, path);
      expect(await findViolations(page), path).toEqual([]);
      for (const card of await page.getByTestId('timeline-entry').all()) await openEvidence(card);
      if (/users\/\w+$/.test(path)) await openWhy(page);
      await page.mouse.move(0, 0);
      for (const colorScheme of ['dark', 'light'] as const) {
        await page.emulateMedia({ colorScheme });
        await expect.poll(() => scheme.getAttribute('data-mantine-color-scheme')).toBe(colorScheme);
        expect(await faintText(page), `${path} ${colorScheme}`).toEqual([]);
      }
      await page.setViewportSize(PHONE);
      await expect.poll(() => tooWide(page), { message: path }).toBeLessThanOrEqual(0);
    }
  });

  test('have one heading of the first level where nothing is found', async () => {
    const { page } = await app.visit('console/live');
    for (const path of ['console/elsewhere', 'console/users/unknown-user']) {
      await goTo(page, path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await expectLevels(page, path);
    }
  });

  test('have one heading, fit 320 pixels, and axe finds nothing there, also without data', async () => {
    const { page } = await app.visit('console/live', { viewport: { width: 320, height: 640 } });
    for (const path of OTHER_PAGES) {
      await goTo(page, path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.locator('.mantine-Skeleton-root').first().waitFor({ state: 'detached' });
      expect(await page.getByRole('heading', { level: 1 }).count(), path).toBe(1);
      expect(await tooWide(page), path).toBeLessThanOrEqual(0);
      expect(await findViolations(page), path).toEqual([]);
    }
  });

  test('can be reached on a phone, with each of their buttons', async () => {
    const { page } = await app.visit('console/live', { viewport: PHONE });
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByRole('dialog', { name: 'All pages' }).waitFor();
    expect(await findViolations(page)).toEqual([]);
    await page.getByRole('link', { name: 'Deliveries', exact: true }).click();
    await page.getByTestId('deliveries').waitFor();
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
async function expectLevels(page: Page, path: string): Promise<void> {
  const levels = await page.evaluate<number[]>(
    '[...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].map(({ tagName }) => Number(tagName[1]))',
  );
  expect([levels[0], levels.filter((level) => level === 1).length], path).toEqual([1, 1]);
  expect(
    levels.filter((level, index) => level > (levels[index - 1] ?? 0) + 1),
    path,
  ).toEqual([]);
}
