import { describe, expect, test } from 'vitest';
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
    expect(await page.title()).toBe('reader: timeline · Tidings');
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
    await page.getByRole('link', { name: 'Sandboxed', exact: true }).click();
    await row.getByText('by sandbox').waitFor();
    await expect.poll(() => statuses(page)).toEqual(['sandboxed']);
    await row.getByTestId('message-button').click();
    await page.getByTestId('message').getByText('to i…@example.com').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('message').waitFor({ state: 'detached' });
    await row.getByRole('link', { name: 'ines' }).click();
    await entry(page, 'ines-signup').getByText('2 attempts').waitFor();
    await page.goto(`${app.server.url}/console/deliveries?status=dead`);
    await page.getByText('No deliveries with status “Dead”').waitFor();
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
    await expect.poll(() => rows.count()).toBeGreaterThan(50);
    const before = await rows.count();
    await app.post(...alerts(2, 'later'));
    await page.getByRole('button', { name: 'Show 2 new' }).click();
    await deliveryRow(page, 'later-1').waitFor();
    expect(await rows.count()).toBe(before + 2);
  });
});
