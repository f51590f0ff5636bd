import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { findViolations } from './support/axe.ts';
import { hasBrowser, useConsole } from './support/console.ts';

describe.skipIf(!hasBrowser)('the page of channels', () => {
  const app = useConsole();

  test('says what is missing while nothing is set up', async () => {
    const { page } = await app.visit('console/live');
    await page.getByRole('link', { name: 'Channels', exact: true }).click();
    await page.getByTestId('accounts-empty').waitFor();
    await page.getByRole('link', { name: 'Suppressions', exact: true }).click();
    await page.getByText('No address is suppressed').waitFor();
  });

  test('shows accounts with their states, none of them green', async () => {
    const settings = { from: 'Acme <a@acme.example>', api_key: 'SG.secret-of-the-account' };
    const account = { account: 'main', provider: 'sendgrid', channels: ['email'], settings };
    expect((await app.server.post('/api/v1/provider-accounts', account)).status).toBe(201);
    const { page } = await app.visit('console/channels');
    const accounts = page.getByTestId('accounts-row');
    await accounts.first().waitFor();
    expect(await accounts.first().innerText()).toMatch(/main\s+sendgrid\s+Email\s+1\s+In use/);
    expect(await page.locator('body').innerText()).not.toContain('SG.secret');
  });

  test('suppressed addresses are added, found, imported, and lifted with their evidence', async () => {
    const { page } = await app.visit('console/channels/suppressions');
    await page.getByTestId('add-suppression').click();
    await page.getByTestId('suppress-address').fill('maria@example.com');
    await page.getByTestId('suppress-scope').fill('category:MARKETING');
    expect(await findViolations(page)).toEqual([]);
    await page.getByTestId('confirm').click();
    const rows = page.getByTestId('suppressions-row');
    await rows.first().waitFor();
    expect(await rows.first().innerText()).toMatch(/m…@example\.com[\s\S]*category:MARKETING[\s\S]*manual/);
    const line = { channel: 'sms', address: '+15550123', reason: 'opted_out' };
    const file = (text: string) => ({ name: 'list.ndjson', mimeType: 'text/plain', buffer: Buffer.from(text) });
    await page.getByTestId('import-suppressions').click();
    await page.getByTestId('import-file').setInputFiles(file(`${JSON.stringify(line)}\nno json\n`));
    await page.getByTestId('confirm').click();
    await page.getByText('Line 2 is not JSON. Nothing was imported.').waitFor();
    await page.getByTestId('import-file').setInputFiles(file(`${JSON.stringify(line)}\n\n`));
    await page.getByTestId('confirm').click();
    await page.getByTestId('announcements').getByText('1 added, 0 known already.').waitFor();
    await expect.poll(() => rows.count()).toBe(2);
    const [saved] = await Promise.all([page.waitForEvent('download'), page.getByTestId('export-suppressions').click()]);
    const exported = (await readFile(await saved.path(), 'utf8')).trim().split('\n');
    expect(exported.map((text) => JSON.parse(text).channel).sort()).toEqual(['email', 'sms']);
    await page.getByTestId('find-address').fill('MARIA@example.com');
    await page.getByTestId('find-address').press('Enter');
    const found = page.getByTestId('found-suppressions-row');
    await found.waitFor();
    expect(page.url()).not.toContain('maria');
    await found.getByTestId('lift-suppression').click();
    await page.getByTestId('lift-note').fill('agreed again by phone');
    await page.getByTestId('confirm').click();
    await page.getByText('That address is not suppressed').waitFor();
    await expect.poll(() => rows.count()).toBe(1);
    const { entries } = (await app.server.get('/api/v1/audit-log?limit=20')).body;
    expect(JSON.stringify(entries)).toContain('agreed again by phone');
  });
});
