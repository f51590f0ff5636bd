import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { findViolations } from './support/axe.ts';
import { hasBrowser, useConsole } from './support/console.ts';
import { testServer } from './support/http.ts';
import { foldAll } from './support/metrics.ts';

describe.skipIf(!hasBrowser)('the page of channels', () => {
  const app = useConsole();

  test('says what is missing while nothing is set up', async () => {
    const { page } = await app.visit('console/live');
    await page.getByRole('link', { name: 'Channels', exact: true }).click();
    await page.getByTestId('accounts-empty').waitFor();
    // By the providers of the installation messages would go at once.
    await page.getByTestId('installation-row').first().waitFor();
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

  test('shows the providers of the installation by which messages of the tenant went, and those that fail', async () => {
    const { tidings, server, post } = app;
    const traits = { email: 'ida@example.com', marketing_opt_in: true };
    await post({ user_id: 'ida', event_type: 'signup_completed', user_traits: traits });
    const ended = async () => (await server.get('/api/v1/deliveries?status=sandboxed')).body.deliveries.length;
    await expect.poll(ended).toBeGreaterThan(0);
    await foldAll(tidings.pool, tidings.clock.now);
    await tidings.pool.query(
      `insert into circuits (circuit_id, provider, code, cause, since, open_until, pause_ms)
       values ('/smtp@email', 'smtp', 'failures', 'the service is down', now(), now() + interval '1 min', 60000)`,
    );
    // By the clock of the test, which is ahead.
    const { page } = await app.visit('console/channels', {}, (opened) =>
      opened.clock.install({ time: tidings.clock.now }),
    );
    const rows = page.getByTestId('installation-row');
    await rows
      .filter({ hasText: 'sandbox' })
      .getByText(/^\d kept in the sandbox$/)
      .waitFor();
    await rows.filter({ hasText: 'smtp' }).getByText('Fails').waitFor();
    expect(await rows.allInnerTexts()).toEqual([
      expect.stringMatching(
        /^SMTP smtp\s+Email\s+Fails\s+Circuit open since .*: the service is down\. [^\n]*\s+none\s+none sent$/,
      ),
      expect.stringMatching(
        /^sandbox\s+Email, SMS, In-app\s+Tidings itself\s+Messages are kept in the sandbox at once and reach no user\. There is no circuit\.\s+none\s+\d kept in the sandbox(\s+half within .*)?\s+See deliveries$/,
      ),
      expect.stringMatching(/^doubtful\s+Internal\s+In use\s+none\s+none sent$/),
    ]);
    // The history has what has ended; the present is said above it.
    expect(await rows.getByTestId('circuit-history-button').count()).toBe(0);
    await tidings.pool.query(`update circuit_openings set closed_at = opened_at + interval '5 min'`);
    await page.reload();
    await rows.getByText('Circuit was open once').waitFor();
    await rows.getByTestId('circuit-history-button').click();
    expect(await page.getByTestId('circuit-history').innerText()).toMatch(/open for 5 min[\s\S]*the service is down/);
    expect(await findViolations(page)).toEqual([]);
  });

  test('shows every channel of the installation, also those of Tidings itself, by which nothing went yet', async () => {
    const installation = new Map([
      ['email', 'ses'],
      ['in_app', 'inbox'],
      ['webhook', 'webhook'],
      ['internal', 'log'],
    ] as const);
    const server = await testServer(app.tidings, { installation });
    try {
      const { page } = await app.visit('console/channels', {}, undefined, server.url);
      const rows = page.getByTestId('installation-row');
      await rows.filter({ hasText: 'inbox' }).waitFor();
      const find = async (provider: string) =>
        (await rows.allInnerTexts()).find((text) => new RegExp(`^([^\\n]* )?${provider}\\s`).test(text));
      expect(await find('ses')).toMatch(/^Amazon SES ses\s+Email\s+In use\s+none\s+none sent$/);
      expect(await find('inbox')).toMatch(
        /^inbox\s+In-app\s+Tidings itself\s+Messages are in the inbox of the user at once\. There is no circuit\./,
      );
      expect(await find('log')).toMatch(
        /^log\s+Internal\s+Tidings itself\s+Messages are written to the log of Tidings at once\. There is no circuit\./,
      );
      expect(await find('webhook')).toMatch(
        /^Webhooks webhook\s+Webhook\s+Tidings itself\s+Messages go to the endpoints/,
      );
    } finally {
      await app.leave();
      await server.close();
    }
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
    expect(await rows.first().innerText()).toMatch(
      /m…@example\.com[\s\S]*messages of the category MARKETING[\s\S]*added by hand/,
    );
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

  test('say in the language of the page why an address is suppressed, and for which messages', async () => {
    const suppressions = [
      { channel: 'email', address: 'bounced@example.com', reason: 'hard_bounce' },
      { channel: 'email', address: 'angry@example.com', reason: 'complaint', scope: 'category:MARKETING' },
      { channel: 'email', address: 'tired@example.com', reason: 'unsubscribed', scope: 'type:NEWSLETTER' },
      { channel: 'sms', address: '+15550199', reason: 'opted_out', scope: 'sender:+15550000' },
      { channel: 'sms', address: '+15550198', reason: 'manual' },
    ];
    const { status } = await app.server.post('/api/v1/suppressions/import', { suppressions });
    expect(status).toBe(200);
    const { page } = await app.visit('console/channels/suppressions', { locale: 'de-DE' });
    const rows = page.getByTestId('suppressions-row');
    await rows.filter({ hasText: 'manuell hinzugefügt' }).first().waitFor();
    const texts = (await rows.allInnerTexts()).join('\n');
    expect(texts).toMatch(/alle Nachrichten\s+die Adresse existiert nicht/);
    expect(texts).toMatch(/Nachrichten der Kategorie MARKETING\s+eine Beschwerde/);
    expect(texts).toMatch(/Nachrichten des Typs NEWSLETTER\s+der Nutzer hat sich abgemeldet/);
    expect(texts).toMatch(/SMS von \+15550000\s+der Nutzer hat sich per SMS abgemeldet/);
    expect(texts).not.toMatch(/hard_bounce|complaint|unsubscribed|opted_out|manual\b|category:|type:|sender:|\ball\b/);
    await rows.filter({ hasText: 'eine Beschwerde' }).getByTitle('complaint').waitFor();
    await page.getByTestId('suppression-reason').selectOption({ label: 'eine Beschwerde' });
    await expect.poll(() => rows.count()).toBe(1);
    await rows.getByTestId('lift-suppression').click();
    await page.getByText('erhält wieder Nachrichten, die gesperrt waren (eine Beschwerde).').waitFor();
    await page.getByTestId('confirm').click();
    await page
      .getByText(/erhält wieder Nachrichten \(Nachrichten der Kategorie MARKETING\)/)
      .first()
      .waitFor();
  });
});
