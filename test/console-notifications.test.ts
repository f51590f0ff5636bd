import { describe, expect, test } from 'vitest';
import { findViolations } from './support/axe.ts';
import { tooWide } from './support/browser.ts';
import { entry, hasBrowser, openEvidence, useConsole, waitForDeliveries } from './support/console.ts';

/** Notifications, and the verdicts of the plan wherever a decision or a delivery is shown. */

describe.skipIf(!hasBrowser)('notifications in the console', () => {
  const app = useConsole();
  const ask = async (body: object) => {
    app.tidings.clock.now += 1000;
    const { status, body: answer } = await app.server.post('/api/v1/notifications', {
      type: 'NEWSLETTER',
      recipients: [{ user_id: 'ana' }],
      content: { title: 'Hello', text: 'Hello there' },
      ...body,
    });
    expect(status).toBeLessThan(300);
    return answer.results[0].notification_id as string;
  };

  test('are listed with who asked, filtered, opened, and cancelled while they are scheduled', async () => {
    const { page } = await app.visit('#/notifications');
    await page.getByText('No notifications yet').waitFor();
    await app.post({
      user_id: 'ana',
      event_type: 'known',
      user_traits: { email: 'ana@example.com', marketing_opt_in: true },
    });
    const context = { source: 'shop', correlation_id: 'c-81', metadata: { order: 'A-1' } };
    const sent = await ask({ context });
    await waitForDeliveries(app);
    const planned = await ask({ scheduled_at: new Date(app.tidings.clock.now + 3_600_000).toISOString() });
    const rows = page.getByTestId('notifications-row');
    await expect.poll(() => rows.count(), { timeout: 20_000 }).toBe(2);
    await expect
      .poll(() => page.getByTestId('notification-state').allInnerTexts(), { timeout: 20_000 })
      .toEqual(['Scheduled', 'Sandboxed']);
    expect(await rows.last().innerText()).toMatch(/NEWSLETTER[\s\S]*ana[\s\S]*Email[\s\S]*a request[\s\S]*shop/);
    await page.getByRole('link', { name: 'Sent', exact: true }).click();
    await expect.poll(() => rows.count()).toBe(1);
    await page.getByTestId('notification-link').click();
    expect(page.url()).toContain(`#/notifications/${sent}`);
    expect(await page.getByTestId('notification-facts').innerText()).toMatch(
      /Asked by\s+a request[\s\S]*Source\s+shop[\s\S]*c-81/,
    );
    await page.getByTestId('notification-context').click();
    await page.getByText('A-1').waitFor();
    await page.getByTestId('message-button').click();
    await page.getByText('Hello there').waitFor();

    await page.goto(`${app.server.url}/#/notifications/${planned}`);
    await page.getByTestId('cancel-notification').click();
    await page.getByTestId('confirm').click();
    await page.getByTestId('notification-state').getByText('Cancelled').waitFor();
    expect(await page.getByTestId('cancel-notification').count()).toBe(0);
  });

  test('of a decision that the plan changed show each channel with its verdict, level, value and time', async () => {
    await app.post({
      user_id: 'bia',
      event_type: 'known',
      user_traits: { email: 'bia@example.com', marketing_opt_in: true },
    });
    app.tidings.clock.now += 1000;
    await app.server.send('PATCH', '/api/v1/users/bia/preferences', { categories: { OPERATIONAL: { email: false } } });
    app.tidings.clock.now += 1000;
    const at = new Date(app.tidings.clock.now).toISOString();
    await app.post({ event_id: 'muted', user_id: 'bia', event_type: 'newsletter_due', event_timestamp: at });
    const { page } = await app.visit('#/users/bia');
    const [evidence] = await openEvidence(entry(page, 'muted'));
    expect(evidence).toMatch(
      /Channels[\s\S]*Email[\s\S]*Dropped[\s\S]*turned off by the user[\s\S]*preference_off · user: category OPERATIONAL \/ email[\s\S]*since/,
    );
    expect(await entry(page, 'muted').getByTestId('plan-verdict').getAttribute('data-verdict')).toBe('drop');
  });

  test('of a delivery that is held say until when, on its page, in the list and with the user', async () => {
    await app.post({
      user_id: 'eva',
      event_type: 'known',
      user_traits: { email: 'eva@example.com', marketing_opt_in: true, time_zone: 'UTC' },
    });
    app.tidings.clock.now += 1000;
    const now = new Date(app.tidings.clock.now);
    const clock = (minutes: number) => new Date(now.getTime() + minutes * 60_000).toISOString().slice(11, 16);
    const hours = { quiet_hours: { start: clock(-60), end: clock(180), zone: 'UTC' } };
    expect((await app.server.send('PATCH', '/api/v1/users/eva/preferences', hours)).status).toBe(200);
    const held = await ask({ recipients: [{ user_id: 'eva' }] });
    const { page } = await app.visit(`#/notifications/${held}`);
    const verdict = page.getByTestId('plan-verdict');
    await verdict.waitFor();
    expect(await verdict.innerText()).toMatch(/Held[\s\S]*quiet hours, until [\s\S]*quiet_hours · user/);
    await page.goto(`${app.server.url}/#/deliveries?status=queued`);
    const row = page.getByTestId('delivery-row').filter({ hasText: 'eva' });
    expect(await row.getByTestId('plan-verdict').innerText()).toContain('quiet hours, until');
  });

  test.each(['light', 'dark'] as const)(
    'axe finds nothing in %s colors, and a phone shows all of it',
    async (colorScheme) => {
      const id = await ask({ context: { source: 'a_source_without_spaces'.repeat(6) } });
      const { page } = await app.visit('#/notifications', { colorScheme, viewport: { width: 390, height: 844 } });
      await page.getByTestId('notifications-row').first().waitFor();
      expect(await findViolations(page)).toEqual([]);
      expect(await tooWide(page)).toBeLessThanOrEqual(0);
      await page.goto(`${app.server.url}/#/notifications/${id}`);
      await page.getByTestId('notification-facts').waitFor();
      expect(await findViolations(page)).toEqual([]);
      expect(await tooWide(page)).toBeLessThanOrEqual(0);
      await page.setViewportSize({ width: 1280, height: 900 });
      expect(await findViolations(page)).toEqual([]);
    },
  );
});
