import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { deliveryRow, entry, hasBrowser, statuses, useConsole } from './support/console.ts';

describe.skipIf(!hasBrowser)('commands of operators', () => {
  const app = useConsole(async ({ post, tidings }) => {
    for (const user_id of ['ana', 'bea', 'cleo', 'dora']) {
      await post({ user_id, event_type: 'signup_completed', user_traits: { marketing_opt_in: true } });
    }
    tidings.jobs();
  });

  const said = (page: Page, text: string) => page.getByTestId('announcements').getByText(text).waitFor();
  const focused = (page: Page): Promise<[control: string, row: string | null]> =>
    page.evaluate(`(() => {
      const at = document.activeElement;
      const row = at?.closest('[data-row]');
      return [at?.getAttribute('data-testid') ?? at?.tagName, row?.querySelector('a')?.textContent ?? null];
    })()`);

  test('a retry by keyboard says what it did, and the keyboard goes on at the next row', async () => {
    const { page } = await app.visit('console/deliveries?status=undeliverable');
    for (const user of ['ana', 'bea', 'cleo', 'dora']) await deliveryRow(page, user).waitFor();
    expect(await statuses(page)).toEqual(['undeliverable']);
    await app.tidings.stopWorkers();
    await deliveryRow(page, 'cleo').getByTestId('retry-button').focus();
    await page.keyboard.press('Enter');
    await said(page, 'Queued again: WELCOME_EMAIL to cleo.');
    await deliveryRow(page, 'cleo').waitFor({ state: 'detached' });
    expect(await focused(page)).toEqual(['retry-button', 'bea']);
    await page.keyboard.press('Enter');
    await deliveryRow(page, 'bea').waitFor({ state: 'detached' });
    expect(await focused(page)).toEqual(['retry-button', 'ana']);
  });

  test('a queued delivery is cancelled; all of a status are cancelled as a job with a preview and progress', async () => {
    const { page } = await app.visit('console/deliveries?status=queued');
    await deliveryRow(page, 'cleo').getByTestId('cancel-button').focus();
    await page.keyboard.press('Enter');
    await said(page, 'Cancelled: WELCOME_EMAIL to cleo.');
    await deliveryRow(page, 'cleo').waitFor({ state: 'detached' });
    expect(await focused(page)).toEqual(['cancel-button', 'bea']);
    await page.getByTestId('cancel-all').click();
    await page.getByTestId('job-preview').getByText('1 item', { exact: true }).waitFor();
    await page.getByTestId('job-start').click();
    await page.getByTestId('job-progress').getByText('Done: 1 of 1 done').waitFor();
    await page.getByTestId('job-close').click();
    await page.getByText('No deliveries with status “Queued”').waitFor();
    await page.getByRole('link', { name: 'Jobs', exact: true }).click();
    const row = page.getByTestId('job-row');
    await row.getByText('Cancel deliveries').waitFor();
    await row.getByText('Done: 1 of 1 done').waitFor();
  });

  test('a wait is cancelled on the page of its user, with feedback', async () => {
    await app.post(
      { event_id: 'w1', user_id: 'wanda', event_type: 'booking_confirmed', properties: booking('b1') },
      { event_id: 'w2', user_id: 'wanda', event_type: 'booking_confirmed', properties: booking('b2') },
    );
    const { page } = await app.visit('console/users/wanda/waiting');
    const waits = page.locator('[data-testid=wait][data-status=waiting]');
    await expect.poll(() => waits.count()).toBe(2);
    await waits.first().getByTestId('cancel-wait').focus();
    await page.keyboard.press('Enter');
    await page.getByTestId('confirmation').getByText('nothing is sent for it').waitFor();
    expect(await waits.count()).toBe(2);
    await page.getByTestId('confirm').click();
    await said(page, 'Cancelled: the wait of');
    await expect.poll(() => waits.count()).toBe(1);
    await expect.poll(async () => (await focused(page))[0]).toBe('cancel-wait');
  });

  test('rejected events are dismissed and corrected one by one and by group, without losing the place', async () => {
    const bad = (n: number) => ({
      event_id: `bad ${n}`,
      user_id: 'rita',
      event_type: 'payment_failed',
      event_timestamp: '2025-11-19T10:00:00Z',
      properties: { attempt_number: 'three' },
    });
    await app.server.post('/api/v1/events', [1, 2, 3, 4].map(bad));
    const { page } = await app.visit('console/rejected');
    const rows = page.getByTestId('rejected-row');
    await expect.poll(() => rows.count()).toBe(4);
    await rows.nth(1).getByTestId('rejected-dismiss').focus();
    await page.keyboard.press('Enter');
    await page.getByTestId('confirmation').getByText('The rejected event is deleted').waitFor();
    expect(await rows.count()).toBe(4);
    await page.getByTestId('confirm').click();
    await said(page, 'Dismissed:');
    await expect.poll(() => rows.count()).toBe(3);
    await expect.poll(async () => (await focused(page))[0]).toBe('rejected-dismiss');
    await rows.nth(0).getByTestId('rejected-correct').click();
    await page.getByTestId('correct-patch').fill('{"properties": {"attempt_number": 3}}');
    await page.getByTestId('correct-confirm').click();
    await page.getByTestId('retry-accepted').getByText('Accepted').waitFor();
    await expect.poll(() => rows.count()).toBe(2);
    await page.getByTestId('rejected-group').getByTestId('group-dismiss').click();
    await page.getByTestId('job-preview').getByText('2 items').waitFor();
    await page.getByTestId('job-start').click();
    await page.getByTestId('job-progress').getByText('Done: 2 of 2 done').waitFor();
    await page.getByTestId('job-close').click();
    await page.getByText('No rejected events').waitFor();
  });

  test('a text message shows its text, and never null', async () => {
    await app.tidings.worker();
    await app.post(
      { user_id: 'sam', event_type: 'signup_completed', event_timestamp: '2025-10-31T20:30:00Z', user_traits: PHONE },
      { event_id: 'sms', user_id: 'sam', event_type: 'link_bank_success', event_timestamp: '2025-11-01T09:00:00Z' },
    );
    const { page } = await app.visit('console/users/sam/timeline');
    await entry(page, 'sms').getByTestId('message-button').click();
    const message = page.getByTestId('message');
    expect((await message.getByTestId('message-text').innerText()).length).toBeGreaterThan(10);
    expect(await message.innerText()).not.toMatch(/\bnull\b/);
    expect(await message.getByTestId('message-frame').count()).toBe(0);
  });
});

const PHONE = { phone: '+4915112345678', marketing_opt_in: true };

const booking = (booking_id: string) => ({
  booking_id,
  starts_at: new Date(Date.now() + 96 * 3_600_000).toISOString(),
});
