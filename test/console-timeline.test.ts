import { describe, expect, test } from 'vitest';
import { entry, eventIds, hasBrowser, useConsole } from './support/console.ts';

describe.skipIf(!hasBrowser)('the timeline of a user', () => {
  const app = useConsole();

  test('loads older events on demand, or until the event of a link is found', async () => {
    const many = Array.from({ length: 60 }, (_, n) => ({
      event_id: `view-${n}`,
      user_id: 'busy',
      event_type: 'page_viewed',
      event_timestamp: new Date(Date.UTC(2025, 9, 31, 10, n)).toISOString(),
    }));
    await app.post(...many);
    const { page } = await app.visit('console/users/busy/timeline');
    await entry(page, 'view-59').waitFor();
    expect(await page.getByTestId('timeline-entry').count()).toBe(50);
    await page.getByTestId('load-older').click();
    await entry(page, 'view-3').waitFor();
    expect(await eventIds(page.getByTestId('timeline-entry'))).toEqual(many.map((one) => one.event_id).reverse());
    expect(await page.getByTestId('load-older').count()).toBe(0);

    const { page: linked } = await app.visit('console/users/busy?event=view-3');
    const found = linked.locator('article[data-marked][data-event-id="view-3"]');
    await found.waitFor();
    expect((await found.boundingBox())?.y).toBeLessThan(720);
    await linked.goto(`${app.server.url}/console/users/busy?event=never-was`);
    await linked.getByText('The event in this link was not found.').waitFor();
  });

  test('shows the progress of the search for the event of a link, which can be stopped', async () => {
    const older = /audit\/busy\?.*after=/;
    // Requests for older pages hang until the route is removed.
    const { page } = await app.visit('console/users/busy?event=view-3', {}, (opened) => opened.route(older, () => {}));
    const search = page.getByTestId('event-search');
    await search.getByText('Searching for the event in this link: not among the latest 50').waitFor();
    await search.getByRole('button', { name: 'Stop' }).click();
    await search.getByText('The event in this link is not among the latest 50.').waitFor();
    await search.getByRole('button', { name: 'Continue' }).click();
    await search.getByText('Searching for the event').waitFor();
    await page.unroute(older);
    await page.locator('article[data-marked][data-event-id="view-3"]').waitFor();
    await search.waitFor({ state: 'detached' });
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
