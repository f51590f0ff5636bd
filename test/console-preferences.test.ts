import { describe, expect, test } from 'vitest';
import { findViolations } from './support/axe.ts';
import { tooWide } from './support/browser.ts';
import { hasBrowser, useConsole } from './support/console.ts';

const POLICY = `consent:
  MARKETING: { any: [record, { trait: marketing_opt_in }] }
required: [INSUFFICIENT_FUNDS_EMAIL]
locks: { types: { BANK_LINK_NUDGE_SMS: { sms: false } } }
quiet_hours: 22:00-08:00
`;

describe.skipIf(!hasBrowser)('the preferences of a user in the console', () => {
  const app = useConsole(async ({ tidings, catalog, post, server }) => {
    await tidings.apply(new Map([...catalog, ['preferences.yaml', POLICY]]));
    await post({
      user_id: 'maria',
      event_type: 'known',
      user_traits: { email: 'maria@example.com', phone: '+15550100' },
    });
    tidings.clock.now += 1000;
    const users = '/api/v1/users/maria';
    const consent = { purpose: 'MARKETING', channel: 'email', source: 'checkout form', method: 'double_opt_in' };
    expect((await server.post(`${users}/consents`, { ...consent, state: 'granted' })).status).toBe(201);
    tidings.clock.now += 1000;
    const change = { types: { NEWSLETTER: { email: false } } };
    expect((await server.send('PATCH', `${users}/preferences`, change)).status).toBe(200);
    expect(
      (
        await server.post('/api/v1/suppressions', {
          channel: 'email',
          address: 'maria@example.com',
          scope: 'type:WELCOME_EMAIL',
        })
      ).status,
    ).toBe(201);
    expect((await server.post('/api/v1/suppressions', { channel: 'email', address: 'other@example.com' })).status).toBe(
      201,
    );
  });

  const cell = (page: import('playwright-core').Page, type: string, channel: string) =>
    page.locator(`[data-testid=preference-row][data-type=${type}] [data-channel=${channel}]`);

  test('say for each type and channel whether it goes, what decides that, since when, and what is locked', async () => {
    const { page } = await app.visit('console/users/maria');
    const tabs = page.getByRole('navigation', { name: 'User', exact: true });
    await tabs.getByRole('link', { name: 'Preferences and consent' }).click();
    await page.getByTestId('preferences').waitFor();
    await expect.poll(() => page.title()).toBe('maria: preferences and consent · Tidings');
    expect(await cell(page, 'NEWSLETTER', 'email').innerText()).toMatch(
      /Off\s+turned off by the user\s+by the user: type NEWSLETTER \/ Email, since /,
    );
    await cell(page, 'WELCOME_EMAIL', 'email').getByText('On, address suppressed').waitFor();
    expect(await cell(page, 'WELCOME_EMAIL', 'email').innerText()).toMatch(/\s+on by default/);
    expect(await cell(page, 'INSUFFICIENT_FUNDS_EMAIL', 'email').innerText()).toMatch(/On\s+required/);
    const locked = cell(page, 'BANK_LINK_NUDGE_SMS', 'sms');
    expect(await locked.innerText()).toMatch(/Off\s+locked off by the policy/);
    await locked.getByLabel('The user cannot change it').waitFor();
    expect(await page.getByTestId('user-times').innerText()).toMatch(/Quiet hours\s+22:00-08:00/);
    const consents = page.getByTestId('consents-row');
    expect(await consents.innerText()).toMatch(
      /MARKETING by email[\s\S]*Granted[\s\S]*m…@example\.com[\s\S]*checkout form/,
    );
    expect(await page.content()).not.toContain('maria@example.com');
    await page.getByRole('link', { name: 'Devices and addresses' }).click();
    await expect.poll(() => page.getByTestId('addresses-row').count()).toBe(2);
    expect(await page.getByTestId('addresses').innerText()).toContain('Not verified');
    await expect.poll(() => page.getByTestId('user-suppressions-row').allInnerTexts()).toHaveLength(1);
    expect(await page.getByTestId('user-suppressions-row').innerText()).toContain('messages of the type WELCOME_EMAIL');
    expect(await page.content()).not.toContain('maria@example.com');
  });

  test('follow what the user says while one looks at them', async () => {
    const { page } = await app.visit('console/users/maria/preferences');
    await cell(page, 'WELCOME_EMAIL', 'email').getByText('on by default').waitFor();
    app.tidings.clock.now += 1000;
    const withdrawn = { purpose: 'MARKETING', channel: 'email', state: 'withdrawn', source: 'phone' };
    await app.server.post('/api/v1/users/maria/consents', withdrawn);
    await cell(page, 'WELCOME_EMAIL', 'email').getByText('consent was withdrawn').waitFor();
    await page.getByRole('button', { name: /^Show . new$/ }).click();
    await expect
      .poll(() => page.getByTestId('consent-state').allInnerTexts(), { timeout: 20_000 })
      .toEqual(['Withdrawn', 'Granted']);
  });

  test('are changed by type, in general and by time; what is locked says why', async () => {
    const { page } = await app.visit('console/users/maria/preferences');
    const change = async (type: string) => {
      app.tidings.clock.now += 1000;
      await page.locator(`[data-testid=preference-row][data-type=${type}]`).getByTestId('change-type').click();
    };
    await change('BANK_LINK_NUDGE_SMS');
    expect(await page.getByTestId('change-sms').isDisabled()).toBe(true);
    await page.getByText('Cannot be changed: locked off by the policy').waitFor();
    expect(await findViolations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await change('NEWSLETTER');
    await page.getByTestId('change-email').selectOption('clear');
    await page.getByTestId('change-frequency').selectOption('DAILY');
    await page.getByTestId('confirm').click();
    await cell(page, 'NEWSLETTER', 'email').getByText('on by default').waitFor();
    await page.getByTestId('preferences').getByText('OPERATIONAL · DAILY').first().waitFor();
    app.tidings.clock.now += 1000;
    await page.getByTestId('change-general').click();
    await page.getByTestId('change-of-OPERATIONAL').selectOption('off');
    await page.getByTestId('confirm').click();
    await cell(page, 'NEWSLETTER', 'email').getByText('turned off by the user').waitFor();
    app.tidings.clock.now += 1000;
    await page.getByTestId('change-times').click();
    await page.getByTestId('quiet-these').check();
    await page.getByTestId('quiet-start').fill('21:00');
    await page.getByTestId('quiet-end').fill('07:30');
    await page.getByTestId('confirm').click();
    await page.getByTestId('user-times').getByText('21:00-07:30', { exact: false }).waitFor();
  });

  test('quiet hours say in the language of the page of which zone they are, and who said so', async () => {
    await app.post({ user_id: 'gerd', event_type: 'known', user_traits: { timezone: 'Europe/Berlin' } });
    const { page } = await app.visit('console/users/gerd/preferences', { locale: 'de-DE' });
    await page.getByTestId('user-times').getByText('22:00-08:00', { exact: false }).waitFor();
    expect(await page.getByTestId('user-times').innerText()).toMatch(
      /22:00-08:00 \S+ \((Zeitzone des Nutzers|Zeitzone des Mandanten: Die des Nutzers ist nicht bekannt)\) \(vom Mandanten\)/,
    );
  });

  test('consent and its withdrawal are recorded with evidence', async () => {
    await app.post({ user_id: 'olga', event_type: 'known', user_traits: { email: 'olga@example.com' } });
    const { page } = await app.visit('console/users/olga/preferences');
    await page.getByTestId('record-consent').click();
    await page.getByTestId('consent-evidence-field').fill('no json');
    await page.getByTestId('consent-source').fill('phone call');
    await page.getByText('This is not a JSON object.').waitFor();
    expect(await findViolations(page)).toEqual([]);
    await page.getByTestId('consent-evidence-field').fill('{ "call_id": "c-17" }');
    await page.getByTestId('consent-method').fill('spoken');
    app.tidings.clock.now += 1000;
    await page.getByTestId('confirm').click();
    await page.getByTestId('announcements').getByText('The consent is recorded.').waitFor();
    await page.getByTestId('consent-evidence').click();
    await page.getByText('c-17').waitFor();
    app.tidings.clock.now += 1000;
    await page.getByTestId('record-withdrawal').click();
    await page.getByTestId('consent-source').fill('letter');
    await page.getByTestId('confirm').click();
    await expect.poll(() => page.getByTestId('consent-state').allInnerTexts()).toEqual(['Withdrawn', 'Granted']);
    await cell(page, 'WELCOME_EMAIL', 'email').getByText('consent was withdrawn').waitFor();
  });

  test('of a user who is not known are not shown as if they were', async () => {
    const { page, complaints } = await app.visit('console/users/unknown-user/preferences');
    await page.getByText('No user has this ID').waitFor();
    expect(await page.getByTestId('preferences').count()).toBe(0);
    complaints.splice(0);
  });

  test.each(['light', 'dark'] as const)(
    'axe finds nothing in %s colors, and a phone shows all of it',
    async (colorScheme) => {
      const { page } = await app.visit('console/users/maria/preferences', {
        colorScheme,
        viewport: { width: 1280, height: 900 },
      });
      await page.getByTestId('preferences').waitFor();
      expect(await findViolations(page)).toEqual([]);
      await page.setViewportSize({ width: 390, height: 844 });
      expect(await findViolations(page)).toEqual([]);
      expect(await tooWide(page)).toBeLessThanOrEqual(0);
    },
  );

  test('a user is merged and erased only after their ID was typed', async () => {
    await app.post({ user_id: 'old', event_type: 'known', user_traits: { email: 'old@example.com' } });
    await app.post({ user_id: 'new', event_type: 'known', user_traits: { email: 'new@example.com' } });
    const { page, complaints } = await app.visit('console/users/old/raw');
    await page.getByTestId('merge-user').click();
    await page.getByTestId('confirm-typed').fill('old');
    await page.getByTestId('confirm-typed').press('Enter');
    await page.getByTestId('merge-into').fill('new');
    await page.getByTestId('confirm-typed').fill('o');
    await page.getByTestId('confirm-typed').press('Enter');
    expect((await app.server.get('/api/v1/users/old')).status).toBe(200);
    expect(await findViolations(page)).toEqual([]);
    await page.getByTestId('confirm-typed').fill('old');
    await page.getByTestId('confirm').click();
    await page.getByTestId('announcements').getByText('old was merged into new.').waitFor();
    await page.getByTestId('user-id').getByText('new', { exact: true }).waitFor();
    app.tidings.jobs();
    await page.getByTestId('erase-user').click();
    await page.getByTestId('confirm-typed').fill('new');
    await page.getByTestId('confirm').click();
    await page.locator('[data-testid=erasure][data-status=done]').waitFor({ timeout: 30_000 });
    await page.getByTestId('erasure').getByText('This user is erased').waitFor();
    expect(page.url()).toContain('?erasure=');
    expect((await app.server.get('/api/v1/users/new')).status).toBe(404);
    complaints.splice(0);
  });

  test('messages are paused with a reason, and resumed; everything about a user is saved as a file', async () => {
    await app.post({ user_id: 'loud', event_type: 'known', user_traits: { email: 'loud@example.com' } });
    app.tidings.clock.now = Date.now();
    const { page } = await app.visit('console/users/loud');
    await page.getByTestId('pause-user').click();
    await page.getByTestId('pause-length').selectOption('72');
    await page.getByText('Something is not filled in yet.').waitFor();
    await page.getByTestId('pause-reason').fill('ticket 4711');
    expect(await findViolations(page)).toEqual([]);
    await page.getByTestId('confirm').click();
    const notice = page.getByTestId('pause-notice');
    await notice.getByText('Messages are paused until').waitFor();
    await notice.getByText('ticket 4711').waitFor();
    app.tidings.clock.now += 1000;
    expect((await app.server.get('/api/v1/users/loud/preferences')).body.pause).toMatchObject({
      reason: 'ticket 4711',
    });
    await page.getByTestId('resume-user').click();
    await notice.waitFor({ state: 'detached' });
    await page.getByTestId('export-user').click();
    await page.getByTestId('export-reason').fill('ticket 4712');
    const saved = page.waitForEvent('download');
    await page.getByTestId('confirm').click();
    expect((await saved).suggestedFilename()).toBe('user.tar');
  });
});
