import { describe, expect, test } from 'vitest';
import { findViolations } from './support/axe.ts';
import { hasBrowser, useConsole } from './support/console.ts';

describe.skipIf(!hasBrowser)('the pages of keys, members and the audit log', () => {
  const app = useConsole();

  test('a key is created, shown once, rotated and revoked, and each step is in the audit log', async () => {
    const { page } = await app.visit('console/keys');
    await page.getByTestId('key-create').click();
    expect(await page.getByTestId('issue').getAttribute('aria-disabled')).toBe('true');
    await page.getByTestId('key-name').fill('shop');
    await page.getByLabel('users:read', { exact: true }).check();
    expect(await findViolations(page)).toEqual([]);
    await page.getByTestId('issue').click();
    const first = await page.getByTestId('issued-text').innerText();
    expect(first).toMatch(/^td_live_/);
    expect((await app.server.get('/api/v1/users', { authorization: `Bearer ${first}` })).status).toBe(200);
    await page.getByTestId('issued-done').click();
    const rows = page.getByTestId('keys-row');
    await rows.getByText('shop').waitFor();
    expect(await page.content()).not.toContain(first);

    await rows.getByTestId('key-rotate').click();
    await page.getByLabel('The old key works').selectOption('1h');
    await page.getByTestId('issue').click();
    await page.getByTestId('issued-text').waitFor();
    await page.getByTestId('issued-done').click();
    await expect.poll(() => rows.count()).toBe(2);
    await rows.first().getByTestId('key-revoke').click();
    await page.getByTestId('confirm-typed').fill('shop');
    await page.getByTestId('confirm').click();
    await rows.first().getByTestId('key-state').getByText('Revoked').waitFor();

    await page.getByRole('link', { name: 'Audit log', exact: true }).click();
    const entries = page.getByTestId('audit-row');
    await entries.getByText('key.created').waitFor();
    await page.getByTestId('audit-action').fill('key.revoked');
    await page.getByTestId('audit-show').click();
    await expect.poll(() => entries.count()).toBe(1);
    expect(new URL(page.url()).search).toBe('?action=key.revoked');
    await entries.getByTestId('audit-detail').click();
    expect(await findViolations(page)).toEqual([]);
  });

  test('a member is invited, gets another role, and is removed', async () => {
    const { page } = await app.visit('console/members');
    await page.getByTestId('member-invite').click();
    await page.getByTestId('member-email').fill('ann@example.com');
    await page.getByTestId('member-role-field').selectOption('support');
    await page.getByTestId('confirm').click();
    const row = page.getByTestId('members-row');
    await row.getByText('a…@example.com').last().waitFor();
    expect(await row.getByTestId('member-state').innerText()).toBe('Invited');
    expect(await findViolations(page)).toEqual([]);
    await row.getByTestId('member-role').selectOption('operator');
    await expect
      .poll(async () => (await app.server.get('/api/v1/members')).body.members)
      .toMatchObject([{ role: 'operator' }]);
    await row.getByTestId('member-remove').click();
    await page.getByTestId('confirm').click();
    await page.getByTestId('members-empty').waitFor();
  });

  test('preferences and consent of all users are shown, with a ledger that is filtered in the address', async () => {
    await app.post({ user_id: 'maria', event_type: 'signup_completed', properties: { signup_method: 'google' } });
    const preferences = { types: { NEWSLETTER: { email: false } } };
    expect((await app.server.send('PATCH', '/api/v1/users/maria/preferences', preferences)).status).toBe(200);
    const consent = { purpose: 'MARKETING', channel: 'email', state: 'withdrawn', source: 'phone' };
    expect((await app.server.post('/api/v1/users/maria/consents', consent)).status).toBe(201);
    const { page } = await app.visit('console/preferences');
    await page.getByText(/1 user chose something else/).waitFor();
    await page.locator('[data-type="NEWSLETTER"]').getByText('1 off').waitFor();
    await page.getByTestId('ledger-row').getByRole('link', { name: 'maria' }).waitFor();
    expect(await findViolations(page)).toEqual([]);
    await page.getByTestId('ledger-state').selectOption('granted');
    await page.getByText('No consent matches').waitFor();
    expect(new URL(page.url()).search).toBe('?state=granted');
  });
});
