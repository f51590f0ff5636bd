import { describe, expect, test } from 'vitest';
import { findViolations } from './support/axe.ts';
import { hasBrowser, TYPES, useConsole, waited } from './support/console.ts';

describe.skipIf(!hasBrowser)('the catalog page', () => {
  const app = useConsole();

  test('shows the version, the rules in words, and the notification types with their channels', async () => {
    const { page } = await app.visit('console/live');
    await page.getByRole('link', { name: 'Catalog', exact: true }).click();
    await page.getByTestId('catalog-version').getByText('version 1, applied').waitFor();
    const nudge = page.getByTestId('rule').filter({ hasText: 'BANK_LINK_NUDGE_SMS' });
    expect(await nudge.innerText()).toMatch(
      /On\s+link_bank_success\s+After\s+within 24h after signup_completed\s+Limit\s+once/,
    );
    const alert = page.getByTestId('rule').filter({ hasText: 'HIGH_RISK_ALERT' });
    expect(await alert.innerText()).toMatch(/When\s+event\.attempt_number >= 3\s+Limit\s+none/);
    const types = page.getByTestId('notification-type');
    expect(await types.count()).toBe(TYPES.length);
    expect(await types.first().innerText()).toMatch(/WELCOME_EMAIL\s+Welcomes a new customer .*\s+Email\s+marketing/);
    const followUp = page.getByTestId('rule').filter({ has: page.getByRole('heading', { name: 'FOLLOW_UP' }) });
    expect(await followUp.innerText()).toMatch(
      /signup_completed, then within 30d\s+link_bank_success, then within 30d\s+Count\s+at least 1 of plan_bought within day/,
    );
    expect(await followUp.innerText()).toMatch(/Delay\s+5m\s+Limit\s+none\s+Split\s+control 0%, all 100%\s+FOLLOW_UP/);
    const tip = page.getByTestId('rule').filter({ has: page.getByRole('heading', { name: 'PRO_TIP' }) });
    expect(await tip.innerText()).toMatch(
      /On\s+plan becomes "pro"\s+[\s\S]*Choose\s+user\.plan == "basic" → NEWSLETTER\s+otherwise → PRO_TIP/,
    );
    const keep = page.getByTestId('rule').filter({ has: page.getByRole('heading', { name: 'KEEP_PLAN' }) });
    expect(await keep.innerText()).toMatch(/Do\s+set plan to event\.plan\s+nothing is sent/);
    await page.getByTestId('event-type').getByText('A payment did not go through.').waitFor();
    await page.goto(`${app.server.url}/console/elsewhere`);
    await page.getByText('Page not found').waitFor();
  });

  test('shows the changes of each version, and rolls back after a confirmation', async () => {
    const changed = new Map(app.catalog);
    changed.set('rules.yaml', changed.get('rules.yaml')!.replace('event.starts_at - 24h', 'event.starts_at - 2h'));
    expect(await app.tidings.apply(changed)).toBe(2);
    const { page } = await app.visit('console/catalog');
    await page.getByTestId('catalog-version').getByText('version 2, applied').waitFor();
    await page.getByRole('link', { name: 'Versions', exact: true }).click();
    const versions = page.getByTestId('version');
    await versions.nth(1).waitFor();
    expect(await versions.allInnerTexts()).toEqual([
      expect.stringMatching(/^Version 2\s+active\s+applied .* by test · \d+ rules, \d+ notification types/),
      expect.stringMatching(/^Version 1\s+applied .*Roll back/s),
    ]);
    await versions.first().getByTestId('version-changes').click();
    const differences = page.getByTestId('difference');
    expect(await waited(differences)).toEqual([
      expect.stringMatching(/^changed\s+rule REMINDER\s+at\s+event\.starts_at - 24h\s+event\.starts_at - 2h$/),
    ]);
    await versions.last().getByTestId('rollback-button').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Roll back to version 1?').waitFor();
    expect(await waited(dialog.getByTestId('difference'))).toEqual([
      expect.stringMatching(/^changed\s+rule REMINDER\s+at\s+event\.starts_at - 2h\s+event\.starts_at - 24h$/),
    ]);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect((await app.server.get('/api/v1/catalog')).body.version).toBe(2);
    await versions.last().getByTestId('rollback-button').click();
    await page.getByTestId('rollback-confirm').click();
    await versions.last().getByText('active', { exact: true }).waitFor();
    expect((await app.server.get('/api/v1/catalog')).body.version).toBe(1);
    await versions.first().getByTestId('rollback-button').waitFor();
    await versions
      .last()
      .getByText(/^Rollback from version 2 by api, /)
      .waitFor();
    await page.getByTestId('announcements').getByText('Version 1 is active instead of version 2.').waitFor();
    // The button is gone; the keyboard stays in its row.
    await expect.poll(() => page.evaluate(`document.activeElement.closest('[data-row]')?.dataset.version`)).toBe('1');
    await page.getByRole('link', { name: 'Catalog', exact: true }).click();
    await page.getByTestId('catalog-version').getByText('version 1, applied').waitFor();
  });

  test('templates are shown as they would be sent, activated, rolled back, and sent as a test', async () => {
    const { server, tidings, post } = app;
    await post({
      user_id: 'tess',
      event_type: 'signup_completed',
      user_traits: { email: 'tess@example.com', first_name: 'Tess', marketing_opt_in: true },
    });
    const { page } = await app.visit('console/catalog');
    await page.getByRole('link', { name: 'Templates', exact: true }).click();
    await page.getByTestId('managed-by-files').waitFor();
    await page.getByRole('link', { name: 'Email: preview of WELCOME_EMAIL' }).click();
    await page.getByTestId('preview').waitFor();
    const frame = page.getByTestId('message-frame');
    await frame.waitFor();
    await page.getByText('Dark', { exact: true }).click();
    await page.locator('[data-testid=message-frame][data-dark]').waitFor();
    await page.getByText('Text', { exact: true }).click();
    await page.getByTestId('message-text').waitFor();
    expect(await page.getByTestId('preview-sizes').innerText()).toMatch(/Locale\s+en[\s\S]*KB of the 102 KB/);
    await page.getByTestId('preview-user').fill('tess');
    await page.getByTestId('preview-last').check();
    await page.getByTestId('preview-user').press('Enter');
    await page.getByTestId('message-text').getByText('Tess', { exact: false }).waitFor();
    expect(page.url()).toContain('user=tess');
    await page.getByTestId('test-send').click();
    expect(await page.getByTestId('test-to').inputValue()).toBe('tess');
    expect(await findViolations(page)).toEqual([]);
    await page.getByTestId('confirm').click();
    await page.getByTestId('send-state').getByText('Accepted').waitFor();
    await page.getByTestId('preview-last').uncheck();
    await page.getByTestId('preview-show').click();
    await page.getByTestId('preview-type').selectOption('BANK_LINK_NUDGE_SMS');
    await page
      .getByTestId('preview-sizes')
      .getByText(/segments? that (is|are) billed/)
      .waitFor();

    const settings = { settings: { template_source: 'api' } };
    expect((await server.send('PATCH', '/api/v1/tenant', settings)).status).toBe(200);
    const welcome = { name: 'CLIENT_WELCOME', type: 'WELCOME_EMAIL', channel: 'email', locale: 'en' };
    const made = await server.post('/api/v1/templates', { ...welcome, parts: { subject: 'One', text: 'First' } });
    expect(made.status).toBe(201);
    const id = made.body.template_id as string;
    await page.goto(`${server.url}/console/templates`);
    await page.reload();
    await page.getByTestId('template-link').click();
    await page.getByTestId('template-activate').click();
    await page.getByTestId('confirm').click();
    await page.getByTestId('version-state').getByText('Active').waitFor();
    expect((await server.send('PATCH', `/api/v1/templates/${id}`, { parts: { subject: 'Two' } })).status).toBe(200);
    await page.reload();
    await page.getByTestId('template-activate').click();
    expect(await findViolations(page)).toEqual([]);
    await page.getByTestId('confirm').click();
    await page.getByTestId('template-rollback').click();
    await page.getByTestId('confirm').click();
    await page.getByTestId('announcements').getByText('Version 1 of CLIENT_WELCOME is active.').waitFor();
    expect((await server.get(`/api/v1/templates/${id}`)).body.active_version).toBe(1);
    await page.getByTestId('template-activations').getByText('version 1 rolled back to', { exact: false }).waitFor();
    await page.getByTestId('template-preview').click();
    await page.getByTestId('message-subject').getByText('Two').waitFor();
    expect(await findViolations(page)).toEqual([]);
    await tidings.apply(app.catalog);
  });
});
