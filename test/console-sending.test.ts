import { describe, expect, test } from 'vitest';
import { hasBrowser, useConsole } from './support/console.ts';

describe.skipIf(!hasBrowser)('the page of sending', () => {
  const app = useConsole();

  test('says what is missing while nothing is set up and nothing was counted', async () => {
    const { page } = await app.visit('console/channels/sending');
    await page.getByTestId('sending-accounts-empty').waitFor();
    await page.getByTestId('emails-empty').waitFor();
    expect(await page.getByTestId('thresholds').innerText()).toBe(
      'Emails of the last 24 hours. From 500 on: an alert from 5.00% bounces or 0.10% complaints (at least 2); a pause from 10.00% bounces or 0.30% complaints (at least 4).',
    );
  });

  test('shows circuits, used limits, and types that are paused, none of it green', async () => {
    const settings = { from: 'Acme <a@acme.example>', api_key: 'SG.secret-of-the-account' };
    for (const account of ['main', 'spare', 'off']) {
      const body = { account, provider: 'sendgrid', channels: ['email'], settings, limits: { per_day: 100 } };
      expect((await app.server.post('/api/v1/provider-accounts', body)).status).toBe(201);
    }
    await app.server.send('PATCH', '/api/v1/provider-accounts/off', { enabled: false });
    const { pool } = app.tidings;
    await pool.query(
      `insert into circuits (circuit_id, tenant_id, account, provider, code, cause, since, open_until, pause_ms)
       values ('default/main', 'default', 'main', 'sendgrid', 'misconfigured', 'the key is wrong', now(), now() + interval '1 minute', 1000)`,
    );
    await pool.query(
      `insert into rate_limits (limit_id, taken_until)
       values ('account default/spare per_day', extract(epoch from now()) * 1000 + 86400000 + 1000)`,
    );
    const hour = new Date(Math.floor(app.tidings.clock.now / 3_600_000) * 3_600_000).toISOString();
    await pool.query(
      `insert into email_counts (tenant_id, notification_type, hour, part, ended, bounced, complained)
       values ('default', '', $1, 0, 700, 61, 1), ('default', 'NEWSLETTER', $1, 0, 600, 61, 1), ('default', 'REMINDER', $1, 0, 100, 0, 0)`,
      [hour],
    );
    await pool.query(
      `insert into email_standings (tenant_id, notification_type, alerted_at, paused_at, cause)
       values ('default', 'NEWSLETTER', $1, $1, '61 of 600 emails (10.17%) bounced')`,
      [hour],
    );
    const { page } = await app.visit('console/channels/sending');
    const accounts = page.getByTestId('sending-accounts-row');
    await accounts.nth(2).waitFor();
    expect(await accounts.allInnerTexts()).toEqual([
      expect.stringMatching(
        /^main \(sendgrid\)\s+Email\s+Fails\s+Circuit open since .*: the key is wrong\. Next probe .*\s+100 per day: 0 of 100 used$/,
      ),
      expect.stringMatching(/^spare \(sendgrid\)\s+Email\s+In use\s+100 per day: 100 of 100 used, messages wait$/),
      expect.stringMatching(/^off \(sendgrid\)\s+Email\s+Not in use\s+100 per day: 0 of 100 used$/),
    ]);
    const emails = page.getByTestId('emails-row');
    expect(await emails.allInnerTexts()).toEqual([
      expect.stringMatching(/^All types together\s+700\s+61 \(8\.71%\)\s+1 \(0\.14%\)\s+Below the thresholds$/),
      expect.stringMatching(
        /^NEWSLETTER\s+600\s+61 \(10\.17%\)\s+1 \(0\.17%\)\s+Paused\s+since .*bounced\. Emails wait, .* tidings sending resume --type NEWSLETTER$/,
      ),
      expect.stringMatching(/^REMINDER\s+100\s+0 \(0\.00%\)\s+0 \(0\.00%\)\s+Too few to judge$/),
    ]);
    expect(await page.locator('body').innerText()).not.toMatch(/SG\.secret/);
  });
});
