import { describe, expect, test } from 'vitest';
import { ADVICE, toAdvice } from '../packages/console/src/dead-letters/advice.ts';
import { explainGroup, getCodeAdvice } from '../src/channels/advice.ts';
import { HTTP_CODES } from '../src/channels/http/http-codes.ts';
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

    expect(await group.getByTestId('letters-suppress').count()).toBe(1);

    await group.getByTestId('group-link').click();
    const rows = page.getByTestId('delivery-row');
    await expect.poll(() => rows.count()).toBe(2);
    expect(await rows.first().innerText()).toContain('Undeliverable');
    await page.getByRole('link', { name: 'All groups' }).click();

    app.tidings.clock.now += 1000;
    app.tidings.jobs();
    await group.getByTestId('letters-cancel').click();
    await page.getByTestId('job-preview').getByText('2 items').waitFor();
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

  test('have advice that the console knows in each language, without commands', () => {
    const faults = ['us', 'provider', 'account', 'message', 'recipient'] as const;
    const own = ['missing_email', 'missing_phone', 'missing_device', 'missing_endpoint', 'target_gone', 'expired'];
    const group = { channel: 'email', provider: null, account: null } as const;
    const words = [
      ...faults.flatMap((fault) =>
        [...own, 'notification_gone', 'rejected', 'in_doubt'].map(
          (reasonCode) => explainGroup({ ...group, fault, reasonCode, code: null }, undefined).advice,
        ),
      ),
      ...HTTP_CODES.map((entry) => getCodeAdvice(entry, 'tenant')),
    ];
    for (const each of words) {
      const parts = Object.keys(ADVICE).filter((one) => each.includes(one));
      expect(parts.join(' ').length, each).toBe(each.length);
      expect(toAdvice(each).text).not.toContain('`tidings');
    }
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
