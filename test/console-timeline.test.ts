import { describe, expect, test } from 'vitest';
import { entry, eventIds, goTo, hasBrowser, useConsole } from './support/console.ts';

describe.skipIf(!hasBrowser)('the timeline of a user', () => {
  const app = useConsole();

  test('loads older events on demand, and those around the event of a link', async () => {
    const many = Array.from({ length: 120 }, (_, n) => ({
      event_id: `view-${n}`,
      user_id: 'busy',
      event_type: 'page_viewed',
      event_timestamp: new Date(Date.UTC(2025, 9, 31, 10, n)).toISOString(),
    }));
    const ids = many.map((one) => one.event_id).reverse();
    await app.post(...many);
    const { page, complaints } = await app.visit('console/users/busy/timeline');
    const entries = page.getByTestId('timeline-entry');
    await entry(page, 'view-119').waitFor();
    expect(await entries.count()).toBe(50);
    await page.getByTestId('load-older').click();
    await entry(page, 'view-20').waitFor();
    expect(await eventIds(entries)).toEqual(ids.slice(0, 100));

    await goTo(page, 'console/users/busy?event=view-60');
    const found = page.locator('article[data-marked][data-event-id="view-60"]');
    await found.waitFor();
    await expect.poll(async () => (await found.boundingBox())?.y).toBeLessThan(720);
    expect(await eventIds(entries)).toEqual(ids.slice(35, 85));
    await page.getByTestId('load-newer').click();
    await expect.poll(() => entries.count()).toBe(85);
    expect(await page.getByTestId('load-newer').count()).toBe(0);
    await page.getByTestId('load-older').click();
    await expect.poll(() => entries.count()).toBe(120);
    expect(await eventIds(entries)).toEqual(ids);
    expect(await page.getByTestId('load-older').count()).toBe(0);

    await goTo(page, 'console/users/busy?event=never-was');
    await page.getByText('The event in this link was not found.').waitFor();
    await entry(page, 'view-119').waitFor();
    expect(complaints.splice(0)).toEqual([expect.stringContaining('404')]);
  });

  test('renders only new entries, and lays out only visible ones', async () => {
    await app.post(
      ...Array.from({ length: 120 }, (_, n) => ({
        event_id: `step-${n}`,
        user_id: 'runner',
        event_type: 'page_viewed',
        event_timestamp: new Date(Date.UTC(2025, 9, 30, 10, 0, n)).toISOString(),
      })),
    );
    // Each render of an entry formats its time, the only text of this page with seconds.
    const { page } = await app.visit('console/users/runner/timeline', {}, (opened) =>
      opened.addInitScript(`{
        const { get } = Object.getOwnPropertyDescriptor(Intl.DateTimeFormat.prototype, 'format');
        globalThis.drawn = 0;
        Object.defineProperty(Intl.DateTimeFormat.prototype, 'format', {
          get() {
            const { second, timeZoneName } = this.resolvedOptions();
            if (second && timeZoneName) globalThis.drawn++;
            return get.call(this);
          },
        });
      }`),
    );
    const entries = page.getByTestId('timeline-entry');
    for (const count of [50, 100, 120]) {
      await expect.poll(() => entries.count()).toBe(count);
      if (count < 120) await page.getByTestId('load-older').click();
    }
    expect(await page.evaluate('drawn')).toBe(120);
    const last = 'getComputedStyle(document.querySelector("[data-event-id=step-0]")).contentVisibility';
    expect(await page.evaluate(last)).toBe('auto');
  });

  test('counts new events while older pages are shown, and shows them on demand', async () => {
    const { page } = await app.visit('console/users/runner/timeline');
    await page.getByTestId('load-older').click();
    await expect.poll(() => page.getByTestId('timeline-entry').count()).toBe(100);
    await app.post({ event_id: 'latest-step', user_id: 'runner', event_type: 'card_frozen' });
    const fresh = page.getByRole('button', { name: 'Show 1 new' });
    await fresh.waitFor();
    expect(await entry(page, 'latest-step').count()).toBe(0);
    await fresh.click();
    await entry(page, 'latest-step').waitFor();
    expect(await page.getByTestId('timeline-entry').count()).toBe(101);
    await fresh.waitFor({ state: 'detached' });
    // More new events than a page: the timeline starts again at the newest, because events in between are not loaded.
    await app.post(
      ...Array.from({ length: 55 }, (_, n) => ({
        event_id: `sprint-${n}`,
        user_id: 'runner',
        event_type: 'card_frozen',
        event_timestamp: new Date(Date.UTC(2025, 10, 19, 11, 0, n)).toISOString(),
      })),
    );
    await page.getByRole('button', { name: 'Show 50 or more new' }).click();
    await entry(page, 'sprint-54').waitFor();
    await expect.poll(() => page.getByTestId('timeline-entry').count()).toBe(50);
    await page.getByTestId('load-older').waitFor();
  });
});
