import { describe, expect, test } from 'vitest';
import { findViolations } from './support/axe.ts';
import {
  deliveryRow,
  entry,
  hasBrowser,
  postExample,
  statuses,
  useConsole,
  waitForDeliveries,
} from './support/console.ts';

describe.skipIf(!hasBrowser)('deliveries', () => {
  const app = useConsole(async (app) => {
    await postExample(app);
    await waitForDeliveries(app);
  });

  test('shows a sent message with its recipient, subject, HTML and text', async () => {
    const { page } = await app.visit('console/users/maria/timeline');
    await entry(page, 'maria-signup').getByTestId('message-button').click();
    const message = page.getByTestId('message');
    expect(await message.getByTestId('message-subject').innerText()).toBe('Welcome to Alder, Maria');
    await message.getByText('to m…@example.com').waitFor();
    expect(await message.getByTestId('message-frame').getAttribute('sandbox')).toBe('');
    await page.frameLocator('[data-testid=message-frame]').getByText('Hello Maria, good to have you').waitFor();
    await message.getByText('Text', { exact: true }).click();
    expect(await message.getByTestId('message-text').innerText()).toMatch(/^Hello Maria,\n\nGood to have you\./);
    await page.keyboard.press('Escape');
    await message.waitFor({ state: 'detached' });
  });

  test('runs no scripts of the HTML of a message, and loads and opens no other pages', async () => {
    await app.post({
      event_id: 'news',
      user_id: 'reader',
      event_type: 'newsletter_due',
      user_traits: { email: 'r@example.com' },
    });
    const { page, complaints } = await app.visit('console/users/reader/timeline');
    // The browser announces some requests before the policy blocks them. `outside` has the requests that arrived.
    const stopped = new Set<string>();
    page.on('requestfailed', (request) => {
      if (request.failure()?.errorText === 'csp') stopped.add(`a request to ${request.url()}`);
    });
    await entry(page, 'news').getByTestId('message-button').click();
    const frame = page.frameLocator('[data-testid=message-frame]');
    expect(await frame.locator('#words').innerText()).toBe('Read this.');
    await expect.poll(() => page.title()).toBe('reader: timeline · Tidings');
    await frame.getByRole('link', { name: 'More' }).click();
    // The browser logs what it blocked.
    await expect
      .poll(() => complaints.join('\n'))
      .toContain(`Blocked opening '${app.outside.url}/link' in a new window`);
    for (const file of ['style.css', 'import.css', 'background.png', 'pixel.png']) {
      expect(complaints).toContainEqual(expect.stringMatching(`'${app.outside.url}/${file}' violates .* blocked`));
    }
    expect(complaints).toContainEqual(expect.stringContaining(`Framing '${app.outside.url}/' violates`));
    expect(complaints).toContainEqual(expect.stringMatching(/^Refused to execute the redirect/));
    expect(complaints).toContainEqual(expect.stringMatching(/^Blocked script execution/));
    const others = complaints.filter((one) => !/^Blocked |^Refused |Content Security Policy/.test(one));
    expect(others.filter((one) => !stopped.has(one))).toEqual([]);
    expect(page.context().pages()).toEqual([page]);
    expect([await page.title(), await frame.locator('#words').innerText()]).toEqual([
      'reader: timeline · Tidings',
      'Read this.',
    ]);
    expect(app.outside.asked).toEqual([]);
    complaints.length = 0;
  });

  test('lists by status, and an undeliverable one is revived once the address is known', async () => {
    const signup = { user_id: 'ines', event_type: 'signup_completed', user_traits: { marketing_opt_in: true } };
    await app.post({ event_id: 'ines-signup', ...signup });
    const { page } = await app.visit('console/deliveries');
    const row = deliveryRow(page, 'ines');
    await row.getByText('No email address is known for this user').waitFor();
    await page.getByRole('link', { name: 'Undeliverable' }).click();
    await row.waitFor();
    await expect.poll(() => statuses(page)).toEqual(['undeliverable']);
    await app.post({
      event_id: 'ines-mail',
      user_id: 'ines',
      event_type: 'x',
      user_traits: { email: 'ines@example.com' },
    });
    await row.waitFor({ state: 'detached' });
    await page.getByRole('link', { name: /^Sandboxed/ }).click();
    await row.getByText('by sandbox').waitFor();
    await expect.poll(() => statuses(page)).toEqual(['sandboxed']);
    await row.getByTestId('message-button').click();
    await page.getByTestId('message').getByText('to i…@example.com').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('message').waitFor({ state: 'detached' });
    await row.getByRole('link', { name: 'ines' }).click();
    await page.getByRole('navigation', { name: 'User' }).getByRole('link', { name: 'Timeline' }).click();
    await entry(page, 'ines-signup').getByText('2 attempts').waitFor();
    await page.goto(`${app.server.url}/console/deliveries?status=dead`);
    await page.getByText('No deliveries with status “Dead”').waitFor();
  });

  test('narrows by what is chosen or typed, in the address; the filter is saved as a view, and copied with fixed times', async () => {
    const { page } = await app.visit('console/deliveries');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByTestId('filter-channel').click();
    await page.locator('[data-testid=filter-value][data-value=email]').click();
    await page.getByTestId('chip-channel').waitFor();
    await page.getByTestId('count-sandboxed').waitFor();
    await page.getByTestId('filter-text').fill('status:sandboxed since:2h');
    await page.getByTestId('filter-text').press('Enter');
    await page.getByTestId('chip-since').waitFor();
    expect(new URL(page.url()).search).toBe('?status=sandboxed&channel=email&since=2h');
    expect(await findViolations(page)).toEqual([]);

    await page.getByTestId('views').click();
    await page.getByTestId('view-name').fill('Emails of today');
    await page.getByTestId('view-save').click();
    await page.keyboard.press('Escape');
    await page.getByTestId('copy-link').click();
    await page.getByTestId('announcements').getByText('Link copied').waitFor();
    const copied = await page.evaluate('navigator.clipboard.readText()');
    expect(copied).toMatch(/channel=email&since=\d{4}-\d\d-\d\dT/);

    await page.getByTestId('filter-clear').click();
    await expect.poll(() => new URL(page.url()).search).toBe('');
    await page.getByTestId('filter-text').fill('pigeon:yes');
    await page.getByTestId('filter-text').press('Enter');
    await page.getByText('There is no “pigeon”').waitFor();
    await page.getByTestId('views').click();
    await page.getByTestId('view').getByText('Emails of today').click();
    await expect.poll(() => new URL(page.url()).search).toBe('?status=sandboxed&channel=email&since=2h');
  });

  test('narrows to what is held, by what holds it in words, and then offers no job, which would act on more', async () => {
    await app.tidings.database.pool.query(
      `insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, hold_code, in_doubt_policy, due_at,
         retry_until, created_at)
       select 'default', ('ffffffff-0000-7000-8000-00000000000' || n)::uuid, 'sms', 'held-' || code, 'N', code, 'resend', due, due, now()
       from (values (1, 'quiet_hours', timestamptz '2100-01-01'), (2, 'legal_hours', '2100-01-01')) as held (n, code, due)`,
    );
    const { page } = await app.visit('console/deliveries?status=queued');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByTestId('cancel-all').waitFor();
    await page.getByTestId('filter-held').click();
    const value = page.locator('[data-testid=filter-value][data-value=quiet_hours]');
    expect(await value.innerText()).toMatch(/^Quiet hours\s*1$/);
    await value.click();
    await deliveryRow(page, 'held-legal_hours').waitFor({ state: 'detached' });
    await deliveryRow(page, 'held-quiet_hours').getByText('Held', { exact: true }).waitFor();
    expect(new URL(page.url()).search).toBe('?status=queued&held=quiet_hours');
    expect(await page.getByTestId('chip-held').innerText()).toMatch(/^Held by: Quiet hours/);
    await page.getByTestId('delivery-total').getByText('1 delivery').waitFor();
    expect(await page.getByTestId('cancel-all').count()).toBe(0);
    expect(await findViolations(page)).toEqual([]);

    await page.getByTestId('views').click();
    await page.getByTestId('view-name').fill('Night');
    await page.getByTestId('view-save').click();
    await page.keyboard.press('Escape');
    await page.getByTestId('copy-link').click();
    await page.getByTestId('announcements').getByText('Link copied').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toContain('status=queued&held=quiet_hours');

    await page.getByTestId('filter-clear').click();
    await page.getByTestId('filter-text').fill('held:account_paused');
    await page.getByTestId('filter-text').press('Enter');
    await page.getByText('No deliveries match this filter').waitFor();
    expect(await page.getByTestId('chip-held').innerText()).toMatch(
      /^Held by: The account with the provider is paused/,
    );
    await page.getByTestId('views').click();
    await page.getByTestId('view').getByText('Night').click();
    await deliveryRow(page, 'held-quiet_hours').waitFor();
    await app.tidings.database.pool.query(`delete from deliveries where user_id like 'held-%'`);
  });

  test('asks before it retries one in doubt', async () => {
    await app.post({ event_id: 'doubt', user_id: 'doubt', event_type: 'alert_raised' });
    const { page } = await app.visit('console/deliveries?status=in_doubt');
    const row = deliveryRow(page, 'doubt');
    await row.getByText('The message may have been sent').waitFor();
    await row.getByTestId('retry-button').click();
    await page.getByText('the user may receive it twice').waitFor();
    await page.getByTestId('retry-confirm').click();
    await row.waitFor({ state: 'detached' });
    await page.goto(`${app.server.url}/console/deliveries?status=sent`);
    await row.waitFor();
  });

  test('reports that the delivery was queued by something else first', async () => {
    await app.post({
      event_id: 'eva',
      user_id: 'eva',
      event_type: 'signup_completed',
      user_traits: { marketing_opt_in: true },
    });
    const { page, complaints } = await app.visit('console/deliveries?status=undeliverable');
    const row = deliveryRow(page, 'eva');
    await row.waitFor();
    // From here on, the page receives no new data.
    await page.route('**/api/v1/deliveries?*', () => {});
    await app.post({
      event_id: 'eva-mail',
      user_id: 'eva',
      event_type: 'x',
      user_traits: { email: 'eva@example.com' },
    });
    await expect
      .poll(async () => (await app.server.get('/api/v1/audit/eva')).body.notifications[0].deliveries[0].status)
      .toBe('sandboxed');
    await row.getByTestId('retry-button').click();
    await page.getByTestId('problem').getByText('Not retryable').waitFor();
    await page.getByTestId('problem').getByText('The delivery is sandboxed; only').waitFor();
    expect(complaints.splice(0)).toEqual([expect.stringContaining('status of 409')]);
  });

  test('shows older ones, and counts new ones meanwhile', async () => {
    const alerts = (count: number, name: string) =>
      Array.from({ length: count }, (_, n) => ({
        event_id: `${name}-${n}`,
        user_id: `${name}-${n}`,
        event_type: 'alert_raised',
      }));
    await app.post(...alerts(60, 'many'));
    const { page } = await app.visit('console/deliveries');
    const rows = page.getByTestId('delivery-row');
    await page.getByTestId('load-older').click();
    const table = page.getByTestId('deliveries');
    const count = async () => Number(await table.getAttribute('aria-rowcount')) - 1;
    await expect.poll(count).toBeGreaterThan(60);
    const before = await count();
    // Only rows near the window are in the page.
    expect(await rows.count()).toBeLessThan(40);
    await app.post(...alerts(2, 'later'));
    await page.getByRole('button', { name: 'Show 2 new' }).click();
    await deliveryRow(page, 'later-1').waitFor();
    expect(await count()).toBe(before + 2);
  });

  test('asks for next to nothing while nothing happens, and holds new rows back', async () => {
    const asked: string[] = [];
    const { page } = await app.visit('console/deliveries', {}, async (opened) => {
      await opened.clock.install({ time: app.tidings.clock.now });
      opened.on('request', (request) => asked.push(new URL(request.url()).pathname));
    });
    await deliveryRow(page, 'later-1').waitFor();
    await expect.poll(() => asked.includes('/api/v1/stream')).toBe(true);
    // The first answers are loaded once more when the stream is open; then time alone changes them.
    await page.clock.runFor(30_000);
    asked.length = 0;
    await page.clock.runFor(60_000);
    const loaded = asked.filter((path) => path !== '/api/v1/stream');
    expect(loaded.length).toBeLessThanOrEqual(new Set(loaded).size);
    await app.post({ event_id: 'held-1', user_id: 'held-1', event_type: 'alert_raised' });
    const shown = page.getByRole('button', { name: 'Show 1 new' });
    await shown.waitFor();
    expect(await deliveryRow(page, 'held-1').count()).toBe(0);
    await shown.focus();
    await page.keyboard.press('Enter');
    await deliveryRow(page, 'held-1').waitFor();
  });

  test('polls while the server has no room for its stream, and reads the stream when it has', async () => {
    let streams = 0;
    await app.post({ event_id: 'first-1', user_id: 'first-1', event_type: 'alert_raised' });
    const { page, complaints } = await app.visit('console/deliveries', {}, async (opened) => {
      await opened.clock.install({ time: app.tidings.clock.now });
      await opened.route('**/api/v1/stream', (route) =>
        ++streams === 1 ? route.fulfill({ status: 429, json: { code: 'too_many_streams' } }) : route.continue(),
      );
    });
    await deliveryRow(page, 'first-1').waitFor();
    await expect.poll(() => streams).toBe(1);
    await app.post({ event_id: 'polled-1', user_id: 'polled-1', event_type: 'alert_raised' });
    await page.clock.runFor(20_000);
    await page.getByRole('button', { name: 'Show 1 new' }).waitFor();
    expect(streams).toBe(1);
    await page.clock.runFor(60_000);
    await expect.poll(() => streams).toBe(2);
    expect(complaints.splice(0)).toEqual([expect.stringContaining('status of 429')]);
  });
});
