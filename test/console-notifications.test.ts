import { describe, expect, test } from 'vitest';
import { ROLES } from '../src/model/principal.ts';
import { findViolations } from './support/axe.ts';
import { networkSettled, tooWide } from './support/browser.ts';
import { entry, hasBrowser, openEvidence, useConsole, waitForDeliveries } from './support/console.ts';
import { testServer } from './support/http.ts';

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
    const { page } = await app.visit('console/notifications');
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
    expect(page.url()).toContain(`console/notifications/${sent}`);
    expect(await page.getByTestId('notification-facts').innerText()).toMatch(
      /Asked by\s+a request[\s\S]*Source\s+shop[\s\S]*c-81/,
    );
    await page.getByTestId('notification-context').click();
    await page.getByText('A-1').waitFor();
    await page.getByTestId('message-button').click();
    await page.getByText('Hello there').waitFor();

    await page.goto(`${app.server.url}/console/notifications/${planned}`);
    await page.getByTestId('cancel-notification').click();
    await page.getByTestId('confirm').click();
    await page.getByTestId('notification-state').getByText('Cancelled').waitFor();
    expect(await page.getByTestId('cancel-notification').count()).toBe(0);
  });

  test('that are held say so in every list, with the cause and until when', async () => {
    const until = new Date(app.tidings.clock.now + 86_400_000).toISOString();
    const pause = { until, reason: 'ticket 4711' };
    await app.post({ user_id: 'held', event_type: 'known', user_traits: { email: 'held@example.com' } });
    expect((await app.server.send('PUT', '/api/v1/users/held/pause', pause)).status).toBe(200);
    await ask({ recipients: [{ user_id: 'held' }] });
    const { page } = await app.visit('console/users/held/messages');
    for (const path of ['console/notifications', 'console/users/held/messages']) {
      await page.goto(`${app.server.url}/${path}`);
      const row = page.locator('[data-row]').filter({ has: page.getByTestId('hold-cause') });
      await row.waitFor();
      expect(await row.innerText()).toMatch(/Held[\s\S]*Email\s+Held\s+messages to the user are paused, until /);
      expect(await row.innerText()).not.toMatch(/Queued|Sent/);
    }
    expect(await findViolations(page)).toEqual([]);
    // A time in the past says nothing: what holds it now is not in its row.
    await page.clock.setFixedTime(Date.parse(until) + 60_000);
    for (const path of ['console/notifications', 'console/users/held/messages']) {
      await page.goto(`${app.server.url}/${path}`);
      const row = page.locator('[data-row]').filter({ hasText: 'Queued' });
      await row.waitFor();
      expect(await row.innerText()).not.toMatch(/Held|paused/);
    }
    await page.goto(`${app.server.url}/console/deliveries?user_id=held`);
    const delivery = page.getByTestId('delivery-row').first();
    await delivery.getByText('Queued').waitFor();
    expect(await delivery.innerText()).not.toMatch(/Held|Waits|paused/);
    expect((await app.server.send('DELETE', '/api/v1/users/held/pause')).status).toBe(200);
    await waitForDeliveries(app);
  });

  test('are checked and sent from a form, with what became of each recipient', async () => {
    const { tidings, catalog, post, server } = app;
    const types = `${catalog.get('notifications.yaml')}
  LETTER:
    category: MARKETING
    channels: [email, sms]
    variables: { name: { type: string, required: true }, points: { type: number, default: 0 } }
`;
    await tidings.apply(
      new Map([
        ...catalog,
        ['notifications.yaml', types],
        ['preferences.yaml', 'consent: { MARKETING: { any: [record] } }\n'],
        ['templates/LETTER/email.en.subject.txt', 'Hello {{name}}'],
        ['templates/LETTER/email.en.html', '<p>{{points}} points</p>'],
        ['templates/LETTER/sms.en.txt', '{{points}} points'],
      ]),
    );
    const known = { event_type: 'known', user_traits: { email: 'rui@example.com' } };
    await post({ ...known, user_id: 'rui' }, { ...known, user_id: 'no', user_traits: { email: 'no@example.com' } });
    tidings.clock.now += 1000;
    const consent = { purpose: 'MARKETING', channel: 'email', state: 'granted', source: 'shop' };
    expect((await server.post('/api/v1/users/rui/consents', consent)).status).toBe(201);
    tidings.clock.now += 1000;
    const { page } = await app.visit('console/notifications');
    await page.getByRole('link', { name: 'Send', exact: true }).click();
    await page.getByTestId('send-check').click();
    await page.getByText('Write at least one recipient.').waitFor();
    await page.getByText('Choose a type.').waitFor();
    await page.getByTestId('send-type').selectOption('LETTER');
    await page.getByLabel('Email', { exact: true }).check();
    await page.getByTestId('send-to').fill('user:rui\nRui@example.com\nno\n+351 912 345 678');
    await page.getByText('Understood as: 2 users, 1 email address, 1 phone number').waitFor();
    await page.getByTestId('variable-name').fill('Rui');
    await page.getByTestId('variable-points').fill('many');
    await page.getByTestId('send-check').click();
    await page.getByText('This is not a number.').waitFor();
    await page.getByTestId('variable-points').fill('12');
    await page.getByTestId('send-check').press('Enter');
    const rows = page.getByTestId('send-results-row');
    await expect.poll(() => rows.count()).toBe(4);
    const texts = await rows.allInnerTexts();
    expect(texts[0]).toMatch(/rui[\s\S]*Would be sent[\s\S]*Email goes/);
    expect(texts[1]).toMatch(/R…@example\.com[\s\S]*of user rui[\s\S]*the same user as recipient 1/);
    expect(texts[2]).toMatch(/no[\s\S]*Would not be sent[\s\S]*no consent/);
    expect((await server.get('/api/v1/notifications?user_id=rui')).body.notifications).toEqual([]);
    // A check counts only for what is typed now.
    await page.getByTestId('variable-points').fill('13');
    expect(await page.getByTestId('send-send').count()).toBe(0);
    await page.getByTestId('send-check').click();
    await page.getByTestId('send-send').click();
    expect(await findViolations(page)).toEqual([]);
    await page.getByTestId('confirm').click();
    await page
      .getByTestId('send-sent')
      .getByText(/Accepted for [12] of 4/)
      .waitFor();
    await page.getByTestId('send-notification').first().click();
    await page.getByTestId('notification-facts').waitFor();
    await expect.poll(() => page.title()).toBe('Notification · Tidings');
    await waitForDeliveries(app);
    const { body } = await server.get('/api/v1/notifications?user_id=rui');
    expect(body.notifications).toHaveLength(1);
    await tidings.apply(catalog);
  });

  test('are moved to another time, and say when it was too late', async () => {
    await app.post({ user_id: 'leo', event_type: 'known', user_traits: { email: 'leo@example.com' } });
    const recipients = [{ user_id: 'leo' }];
    const planned = await ask({ recipients, scheduled_at: '2041-05-01T10:00:00Z' });
    const { page } = await app.visit(`console/notifications/${planned}`);
    await page.getByTestId('reschedule-notification').click();
    await page.getByTestId('send-time').fill('2041-06-02T08:30');
    await page.getByTestId('confirm').click();
    await page.getByTestId('notification-said').getByText('2 Jun 2041, 08:30').waitFor();
    const { body } = await app.server.get(`/api/v1/notifications/${planned}`);
    expect(body.due_at).toBe('2041-06-02T08:30:00.000Z');
    await page.getByTestId('reschedule-notification').click();
    expect(await findViolations(page)).toEqual([]);
    await page.getByTestId('send-time').fill('2041-07-03T08:30');
    await page.route('**/reschedule', async (route) => {
      await app.server.post(`/api/v1/notifications/${planned}/cancel`);
      await route.continue();
    });
    await page.getByTestId('confirm').click();
    await page.getByTestId('notification-said').getByText('Too late').waitFor();
    await page.getByTestId('notification-state').getByText('Cancelled').waitFor();
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
    const { page } = await app.visit('console/users/bia/timeline');
    const [evidence] = await openEvidence(entry(page, 'muted'));
    expect(evidence).toMatch(
      /Channels[\s\S]*Email[\s\S]*Dropped[\s\S]*turned off by the user[\s\S]*preference_off · by the user: category OPERATIONAL \/ Email: off[\s\S]*since/,
    );
    expect(await entry(page, 'muted').getByTestId('plan-verdict').getAttribute('data-verdict')).toBe('drop');
  });

  test.each(['console/notifications?state=bogus', 'console/deliveries?status=bogus'])(
    'of an address that names an unknown state are not shown: %s',
    async (path) => {
      const { page, complaints } = await app.visit(path);
      await page.getByTestId('problem').first().waitFor();
      expect(await page.getByTestId('problem').first().innerText()).toContain('invalid');
      expect(await page.getByRole('row').count()).toBe(0);
      expect(complaints.splice(0).filter((one) => !one.includes('status of 400'))).toEqual([]);
    },
  );

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
    const { page } = await app.visit(`console/notifications/${held}`);
    const verdict = page.getByTestId('plan-verdict');
    await verdict.waitFor();
    expect(await verdict.innerText()).toMatch(/^quiet hours, until [\s\S]*quiet_hours · by the user/i);
    await page.goto(`${app.server.url}/console/deliveries?status=queued`);
    const row = page.getByTestId('delivery-row').filter({ hasText: 'eva' });
    expect(await row.getByTestId('plan-verdict').innerText()).toContain('quiet hours, until');
    expect((await row.innerText()).match(/\bHeld\b/g)).toEqual(['Held']);
    const { body } = await app.server.get('/api/v1/explain/eva/NEWSLETTER');
    expect(body.paragraph).toContain('A request decided to send NEWSLETTER to eva');
    await page.goto(`${app.server.url}/console/users/eva/timeline`);
    await page.getByTestId('timeline-entry').filter({ hasText: 'notification.requested' }).first().waitFor();
    expect(await page.locator('main').innerText()).not.toContain('"kind"');
  });

  test('and every page beside them offer only what the caller may do', async () => {
    await app.post({ user_id: 'ana', event_type: 'known', user_traits: { email: 'ana@example.com' } });
    const planned = await ask({ scheduled_at: '2041-05-01T10:00:00Z' });
    const { server, tidings } = app;
    const list = await server.post('/api/v1/lists', { name: 'Readers' });
    await server.post(`/api/v1/lists/${list.body.list_id}/members`, { user_ids: ['ana'] });
    await server.post('/api/v1/suppressions', { channel: 'email', address: 'ana@example.com' });
    const made = await server.post('/api/v1/keys', { name: 'viewer', scopes: [...ROLES.viewer] });
    const closed = await testServer(tidings, { apiKeys: ['the-key-of-this-test'] });
    try {
      const { page } = await app.visit(`console/notifications/${planned}`, {}, undefined, closed.url);
      await page.getByTestId('key-form').getByLabel('API key').fill(made.body.key);
      await page.keyboard.press('Enter');
      await page.getByTestId('notification-facts').waitFor();
      const shown = {
        [`console/notifications/${planned}`]: 'notification-facts',
        'console/users/ana/preferences': 'preferences',
        'console/channels/suppressions': 'suppressions-row',
        'console/lists': 'lists-row',
        [`console/lists/${list.body.list_id}`]: 'members-row',
        'console/templates': 'template-types',
        'console/send': 'not-permitted',
        'console/new-batch': 'not-permitted',
        'console/preview': 'not-permitted',
      };
      for (const [path, content] of Object.entries(shown)) {
        await page.goto(`${closed.url}/${path}`);
        await page.getByTestId(content).first().waitFor();
        await networkSettled(page);
        // Buttons that act, or open a dialog for that; an export only reads.
        expect(await page.locator('main [data-action]:not([data-action=export])').count(), path).toBe(0);
      }
    } finally {
      await app.leave();
      await closed.close();
    }
  });

  test.each(['light', 'dark'] as const)(
    'axe finds nothing in %s colors, and a phone shows all of it',
    async (colorScheme) => {
      const id = await ask({ context: { source: 'a_source_without_spaces'.repeat(6) } });
      const { page } = await app.visit('console/notifications', { colorScheme, viewport: { width: 390, height: 844 } });
      await page.getByTestId('notifications-row').first().waitFor();
      expect(await findViolations(page)).toEqual([]);
      expect(await tooWide(page)).toBeLessThanOrEqual(0);
      await page.goto(`${app.server.url}/console/notifications/${id}`);
      await page.getByTestId('notification-facts').waitFor();
      expect(await findViolations(page)).toEqual([]);
      expect(await tooWide(page)).toBeLessThanOrEqual(0);
      await page.setViewportSize({ width: 1280, height: 900 });
      expect(await findViolations(page)).toEqual([]);
    },
  );
});
