import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { networkSettled } from './support/browser.ts';
import { activityRow, chips, eventIds, hasBrowser, postExample, useConsole } from './support/console.ts';

const run = promisify(execFile);

describe.skipIf(!hasBrowser)('the activity page', () => {
  const app = useConsole();

  test('shows a command on the empty page that works as printed, and the event that it posts', async () => {
    const { page } = await app.visit('console/live', { permissions: ['clipboard-read', 'clipboard-write'] });
    await page.getByText('No events yet').waitFor();
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByTestId('announcements').getByText('Copied').waitFor();
    const command = await page.evaluate<string>('navigator.clipboard.readText()');
    expect(await page.getByTestId('first-curl').innerText()).toBe(command);
    expect(command).toContain(`curl ${app.server.url}/api/v1/events`);
    await run('bash', ['-c', command]);
    const row = page.getByTestId('activity-row');
    await row.getByText('u_1', { exact: true }).waitFor();
    await row.getByTestId('decision-chip').getByText('Sandboxed').waitFor();
  });

  test('shows new events while it is open, newest first, with a chip for each decision', async () => {
    const { page } = await app.visit('console/live');
    await page.getByTestId('activity-row').waitFor();
    await postExample(app);
    await page.locator('[data-event-id="joao-signup"]').waitFor();
    expect(await eventIds(page.getByTestId('activity-row'))).toEqual([
      ...['joao-signup', 'joao-link', 'maria-link', 'pay-2', 'pay-1', 'maria-signup'],
      expect.any(String),
    ]);
    await expect
      .poll(() => chips(page, 'pay-1'))
      .toEqual(['INSUFFICIENT_FUNDS_EMAIL Sandboxed', 'HIGH_RISK_ALERT Sent']);
    expect(await chips(page, 'pay-2')).toEqual(['INSUFFICIENT_FUNDS_EMAIL Suppressed', 'HIGH_RISK_ALERT Not matched']);
    await app.post({ event_id: 'frozen', user_id: 'maria', event_type: 'card_frozen' });
    await activityRow(page, 'frozen').getByText('No rule triggers on this event').waitFor();
  });

  test('shows the reason of a chip on hover and on keyboard focus, and its event on Enter', async () => {
    const { page } = await app.visit('console/live');
    const reason = /^Limit reached\. Not sent: already sent on .* \(1 of 1 per day\)\.$/;
    const row = activityRow(page, 'pay-2');
    const chip = row.getByTestId('decision-chip').first();
    await chip.hover();
    await page.getByRole('tooltip', { name: reason }).waitFor();
    await page.mouse.move(0, 0);
    await page.getByRole('tooltip').waitFor({ state: 'detached' });
    await row.getByRole('link', { name: 'payment_failed', exact: true }).focus();
    await page.keyboard.press('Tab');
    await page.getByRole('tooltip', { name: reason }).waitFor();
    await page.keyboard.press('Enter');
    await page.locator('article[data-marked]').waitFor();
    expect(await eventIds(page.locator('article[data-marked]'))).toEqual(['pay-2']);
    expect(page.url()).toBe(`${app.server.url}/console/users/maria/timeline?event=pay-2`);
  });

  test('sends no requests while paused, and catches up when resumed', async () => {
    let stream: Promise<unknown> | undefined;
    const { page } = await app.visit('console/live', {}, async (opened) => {
      await opened.clock.install();
      stream = opened.waitForRequest('**/api/v1/stream');
    });
    await page.getByTestId('activity-row').first().waitFor();
    // The stream of changes is opened with the first tick, and stays open.
    await stream;
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByTestId('live').getByText('paused').waitFor();
    // Waits for a request that is under way.
    await networkSettled(page);
    let asked = 0;
    page.on('request', () => asked++);
    await page.clock.runFor(10_000);
    await app.post({ event_id: 'unseen', user_id: 'maria', event_type: 'card_frozen' });
    expect(asked).toBe(0);
    expect(await activityRow(page, 'unseen').count()).toBe(0);
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.clock.runFor(2000);
    await activityRow(page, 'unseen').waitFor();
  });

  test('shows the number of the latest events, and loads more', async () => {
    const views = Array.from({ length: 200 }, (_, n) => ({
      event_id: `view-${n}`,
      user_id: 'busy',
      event_type: 'page_viewed',
    }));
    await app.post(...views);
    const { page } = await app.visit('console/live');
    await page.getByTestId('activity-end').getByText('The latest 50 events, back to').waitFor();
    expect(await page.getByTestId('activity-row').count()).toBe(50);
    await page.getByRole('button', { name: 'Load more' }).click();
    await page.getByText('The latest 200 events').waitFor();
    expect(await page.getByTestId('activity-row').count()).toBe(200);
  });

  test('builds the first command from the active catalog, or a generic one without a suitable rule', async () => {
    const rule = (name: string, event: string, more = {}) => ({
      name,
      on: [event],
      notify: [name],
      after: [],
      limits: [],
      ...more,
    });
    const odd = {
      version: 1,
      applied_at: null,
      notifications: [{ name: 'THANKS', category: 'SYSTEM', channels: ['email'] }],
      groups: [],
      events: [
        {
          name: 'order_placed',
          properties: {
            type: 'object',
            properties: { count: { type: 'integer' }, kind: { enum: ["baker's", 'x'] }, note: { type: 'string' } },
            required: ['count', 'kind'],
          },
        },
      ],
      rules: [
        rule('REPORT', 'notification.failed'),
        rule('THANKS', 'order_placed', { when: 'event.channel == "web" && user.vip == true' }),
      ],
    };
    for (const [answer, type] of [
      [odd, 'order_placed'],
      [{ ...odd, rules: [] }, 'signup_completed'],
    ] as const) {
      const { page } = await app.visit('console/live', {}, async (opened) => {
        await opened.route('**/api/v1/activity?*', (route) => route.fulfill({ json: { events: [] } }));
        await opened.route('**/api/v1/catalog', (route) => route.fulfill({ json: answer }));
      });
      const command = await page.getByTestId('first-curl').innerText();
      const { stdout } = await run('bash', ['-c', command.replace('curl', "printf '%s\\n'")]);
      const event = JSON.parse(stdout.split('-d\n')[1] ?? '');
      expect(event).toMatchObject({ event_type: type, user_traits: { email: 'maria@example.com' } });
      if (type !== 'order_placed') continue;
      expect(event.properties).toEqual({ count: 1, kind: "baker's", note: 'example', channel: 'web' });
      expect(event.user_traits.vip).toBe(true);
    }
  });
});
