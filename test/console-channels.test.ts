import { describe, expect, test } from 'vitest';
import { hasBrowser, useConsole } from './support/console.ts';

describe.skipIf(!hasBrowser)('the page of channels', () => {
  const app = useConsole();

  test('says what is missing while nothing is set up', async () => {
    const { page } = await app.visit('#/');
    await page.getByRole('link', { name: 'Channels', exact: true }).click();
    for (const table of ['accounts', 'endpoints', 'suppressions']) await page.getByTestId(`${table}-empty`).waitFor();
  });

  test('shows accounts, endpoints and suppressions with their states, none of them green', async () => {
    const settings = { from: 'Acme <a@acme.example>', api_key: 'SG.secret-of-the-account' };
    const account = { account: 'main', provider: 'sendgrid', channels: ['email'], settings };
    expect((await app.server.post('/api/v1/provider-accounts', account)).status).toBe(201);
    const made = await app.server.post('/api/v1/webhooks', { url: 'https://example.com/hook', description: 'orders' });
    expect(made.status).toBe(201);
    const gone = await app.server.post('/api/v1/webhooks', { url: 'https://example.com/gone' });
    await app.server.send('PATCH', `/api/v1/webhooks/${gone.body.endpoint_id}`, { state: 'disabled' });
    await app.tidings.pool.query(
      `update webhook_endpoints set failing_since = now(), failures = 3 where endpoint_id = $1`,
      [made.body.endpoint_id],
    );
    const suppressed = { channel: 'email', address: 'maria@example.com' };
    expect((await app.server.post('/api/v1/suppressions', suppressed)).status).toBeLessThan(300);

    const { page } = await app.visit('#/channels');
    const accounts = page.getByTestId('accounts-row');
    await accounts.first().waitFor();
    expect(await accounts.first().innerText()).toMatch(/main\s+sendgrid\s+Email\s+1\s+In use/);
    const endpoints = page.getByTestId('endpoints-row');
    await endpoints.nth(1).waitFor();
    expect((await endpoints.allInnerTexts()).join('\n')).toMatch(
      /gone\s[\s\S]*Disabled: by_hand[\s\S]*hook \(orders\)[\s\S]*Failing: 3 failures/,
    );
    const text = await page.getByTestId('suppressions-row').first().innerText();
    expect(text).toMatch(/manual/);
    expect(await page.locator('body').innerText()).not.toMatch(/maria@example\.com|SG\.secret/);
  });
});
