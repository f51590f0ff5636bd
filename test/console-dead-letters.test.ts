import type { Route } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { loadProvider } from '../src/channels/registry.ts';
import { toStoredGroup } from '../src/model/dead-letter.ts';
import { hasBrowser, useConsole } from './support/console.ts';

describe.skipIf(!hasBrowser)('failed deliveries', () => {
  const app = useConsole();

  test('are shown by reason with fault and advice, and cancelled as a job', async () => {
    const { page } = await app.visit('console/live');
    await page.getByRole('link', { name: 'Failed', exact: true }).click();
    await page.getByText('No failed deliveries').waitFor();
    // Without an address: undeliverable.
    for (const user of ['ines', 'rui']) {
      await app.post({ user_id: user, event_type: 'signup_completed', user_traits: { marketing_opt_in: true } });
    }
    const group = page.locator('[data-testid="dead-letter-group"][data-group*="missing_email"]');
    await group.getByText('2 deliveries').waitFor();
    expect(await group.getByTestId('fault').innerText()).toBe('Recipient');
    expect(await group.getByTestId('advice').locator('code').allInnerTexts()).toEqual(['user_traits.email']);

    // There is no address to suppress.
    expect(await group.getByTestId('letters-suppress').count()).toBe(0);

    await group.getByTestId('group-link').click();
    const rows = page.getByTestId('delivery-row');
    await expect.poll(() => rows.count()).toBe(2);
    expect(await rows.first().innerText()).toContain('Undeliverable');
    await page.getByRole('link', { name: 'All groups' }).click();

    app.tidings.clock.now += 1000;
    app.tidings.jobs();
    await group.getByTestId('letters-cancel').click();
    await page.getByTestId('job-preview').getByText('2 items').waitFor();
    expect(await page.getByTestId('job-preview').innerText()).toMatch(/\d × [A-Z_]+, Email, Undeliverable/);
    await page.getByTestId('job-start').click();
    await page.getByText('2 of 2 done').waitFor();
    await page.getByTestId('job-close').click();
    await page.getByText('No failed deliveries').waitFor();
  });

  test('are not suppressed where the addresses are good: the fault is of the message', async () => {
    await app.post({
      user_id: 'leo',
      event_type: 'signup_completed',
      user_traits: { email: 'leo@example.com', marketing_opt_in: true },
    });
    const { pool } = app.tidings;
    const ended = async () => (await app.server.get('/api/v1/deliveries?status=sandboxed')).body.deliveries;
    await expect
      .poll(async () => (await ended()).some(({ user_id }: { user_id: string }) => user_id === 'leo'))
      .toBe(true);
    const group = { fault: 'message', channel: 'email', provider: 'smtp', account: null, code: null } as const;
    await pool.query(
      `update deliveries set status = 'dead', provider = 'smtp', reason_code = 'rejected', dead_letter = $1,
         started_at = null, duration_ms = null where user_id = 'leo' and channel = 'email'`,
      [toStoredGroup({ ...group, reasonCode: 'rejected' })],
    );
    const { page } = await app.visit('console/dead-letters');
    const row = page.locator('[data-testid="dead-letter-group"][data-group*="rejected"]');
    await row.getByTestId('fault').getByText('Message').waitFor();
    expect(await row.getByTestId('letters-cancel').count()).toBe(1);
    expect(await row.getByTestId('letters-suppress').count()).toBe(0);
  });

  test('are explained in the language of the page, what their providers say with them', async () => {
    const failures = [
      { channel: 'sms', provider: 'twilio', account: null, fault: 'account', code: '20003', kind: 'retries_exhausted' },
      { channel: 'sms', provider: 'twilio', account: 'main', fault: 'recipient', code: '21211', kind: 'address_dead' },
      { channel: 'sms', provider: 'twilio', account: 'main', fault: 'recipient', code: '21610', kind: 'address_dead' },
      {
        channel: 'email',
        provider: 'sendgrid',
        account: 'main',
        fault: 'provider',
        code: '503',
        kind: 'retries_exhausted',
      },
      {
        channel: 'email',
        provider: 'ses',
        account: 'main',
        fault: 'account',
        code: 'account_paused',
        kind: 'retries_exhausted',
      },
    ] as const;
    const users = failures.map((_, index) => `german-${index}`);
    for (const user of users) {
      await app.post({
        user_id: user,
        event_type: 'signup_completed',
        user_traits: { email: `${user}@example.com`, marketing_opt_in: true },
      });
    }
    const { pool } = app.tidings;
    const count = async () =>
      (
        await pool.query(
          `select from deliveries where user_id = any($1) and channel = 'email' and status = 'sandboxed'`,
          [users],
        )
      ).rowCount;
    await expect.poll(count).toBe(users.length);
    for (const [index, { kind, ...group }] of failures.entries()) {
      const meaning = (await loadProvider(group.provider))?.codes.find(({ code }) => code === group.code)?.meaning;
      const failed =
        meaning ?? 'nothing is sent by the account main since 2025-11-20T12:00:00.000Z: SES is not available';
      const reason =
        kind === 'address_dead'
          ? `Rejected: ${failed}`
          : `Retries exhausted after 4 attempts. The last one failed: ${failed}`;
      await pool.query(
        `update deliveries set status = 'dead', provider = $1, account = $2, reason_code = $3, reason = $4, dead_letter = $5,
           started_at = null, duration_ms = null where user_id = $6 and channel = 'email'`,
        [group.provider, group.account, kind, reason, toStoredGroup({ ...group, reasonCode: kind }), users[index]],
      );
    }
    const { page } = await app.visit('console/dead-letters', { locale: 'de-DE' });
    const groups = page.locator('[data-testid="dead-letter-group"]').filter({ hasText: /twilio|sendgrid|ses/ });
    await expect.poll(() => groups.count()).toBe(failures.length);
    await expect.poll(() => groups.locator('[lang=en]').allInnerTexts()).toEqual([]);
    const of = (code: string) => groups.filter({ has: page.locator('.name', { hasText: new RegExp(`^${code}$`) }) });
    const advice = (code: string) => of(code).getByTestId('advice').innerText();
    expect(await advice('20003')).toContain(
      'Twilio ist der Anbieter der Installation: Korrigieren Sie TWILIO_ACCOUNT_SID',
    );
    expect(await advice('21211')).toContain('Korrigieren Sie die Nummer');
    expect(await advice('21610')).toContain('Nur der Inhaber der Nummer kann STOP zurücknehmen');
    expect(await advice('503')).toContain('Statusseite des Anbieters');
    expect(await advice('account_paused')).toContain('Korrigieren Sie das Konto');
    expect(await of('503').getByTestId('letters-meaning').innerText()).toContain(
      'die API von SendGrid ist nicht verfügbar',
    );
    expect(await of('account_paused').getByTestId('letters-reason').innerText()).toMatch(
      /über das Konto main wird seit 20\. Nov\..* nichts gesendet: SES ist nicht verfügbar$/,
    );
    expect(await of('21211').getByTestId('letters-reason').innerText()).toBe('Abgelehnt: die Nummer ist nicht gültig');
    for (const text of await groups.allInnerTexts()) expect(text).not.toMatch(/\b(the|retry|then|with|nothing)\b/i);
  });

  test('are shown as their provider says it in English where there is no text, and marked as English', async () => {
    await app.post({
      user_id: 'odd',
      event_type: 'signup_completed',
      user_traits: { email: 'odd@example.com', marketing_opt_in: true },
    });
    const { pool } = app.tidings;
    const isThere = async () =>
      (await pool.query(`select from deliveries where user_id = 'odd' and channel = 'email' and status = 'sandboxed'`))
        .rowCount === 1;
    await expect.poll(isThere).toBe(true);
    const group = { fault: 'message', channel: 'email', provider: 'smtp', account: null, code: 'odd' } as const;
    await pool.query(
      `update deliveries set status = 'dead', provider = 'smtp', reason_code = 'rejected', dead_letter = $1,
         reason = 'Rejected: the template failed: no such variable', started_at = null, duration_ms = null
       where user_id = 'odd' and channel = 'email'`,
      [toStoredGroup({ ...group, reasonCode: 'rejected' })],
    );
    const { page } = await app.visit('console/dead-letters', { locale: 'de-DE' });
    const row = page.locator('[data-testid="dead-letter-group"][data-group$=":odd"]');
    await expect
      .poll(() => row.locator('[lang=en]').allInnerTexts())
      .toEqual(['Rejected: the template failed: no such variable']);
  });

  test('are shown before their texts are there, which the next opening of the page asks for again', async () => {
    let isStalled = true;
    const stalled: Route[] = [];
    const { page } = await app.visit('console/live', { locale: 'de-DE' }, (one) =>
      one.route(/\/assets\/de-[^/]*\.json$/, async (route) => {
        const response = await route.fetch();
        if (isStalled && (await response.text()).includes('"Rejected: {reason}"')) stalled.push(route);
        else await route.fulfill({ response });
      }),
    );
    const open = () => page.getByRole('link', { name: 'Fehlgeschlagen', exact: true }).click();
    const row = page.locator('[data-testid="dead-letter-group"][data-group$=":odd"]');
    await open();
    expect(await row.getByTestId('advice').locator('[lang=en]').innerText()).toContain('Correct the template');
    expect(stalled.length).toBe(1);
    isStalled = false;
    await page.getByRole('link', { name: 'Live', exact: true }).click();
    await row.waitFor({ state: 'detached' });
    await open();
    await row.getByTestId('advice').getByText('Korrigieren Sie die Vorlage').waitFor();
    expect(await row.getByTestId('advice').locator('[lang=en]').count()).toBe(0);
  });

  test('are not green, and neither is a message that bounced after it was sent', async () => {
    await app.post({
      user_id: 'bea',
      event_type: 'signup_completed',
      user_traits: { email: 'bea@example.com', marketing_opt_in: true },
    });
    const ended = async () => (await app.server.get('/api/v1/deliveries?status=sandboxed')).body.deliveries;
    await expect
      .poll(async () => (await ended()).some(({ user_id }: { user_id: string }) => user_id === 'bea'))
      .toBe(true);
    await app.tidings.pool.query(`update deliveries set status = 'sent', provider = 'smtp', receipt_state = 'bounced'
                                  where user_id = 'bea' and channel = 'email'`);
    const { page } = await app.visit('console/deliveries?status=sent');
    const row = page.locator('[data-testid="delivery-row"]').filter({ hasText: 'bea' }).first();
    await row.waitFor();
    expect(await row.innerText()).toContain('Bounced');
    expect(await row.innerText()).not.toMatch(/Sent|Delivered/);
  });
});
