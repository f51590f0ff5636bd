import { describe, expect, test } from 'vitest';
import { hasBrowser, useConsole } from './support/console.ts';

describe.skipIf(!hasBrowser)('the search by correlation ID', () => {
  const app = useConsole();

  test('finds the events of all users with their decisions, and the notifications, and leads to each event', async () => {
    const payment = (user: string, more: object = {}) => ({
      event_id: `pay ${user}`,
      user_id: user,
      event_type: 'payment_failed',
      properties: { amount: 20, attempt_number: 1, failure_reason: 'INSUFFICIENT_FUNDS' },
      user_traits: { email: `${user}@example.com` },
      ...more,
    });
    await app.post(
      payment('ana', { context: { correlation_id: 'order 81/b' } }),
      payment('ben', { context: { correlation_id: 'order 81/b' } }),
      payment('zoe', { context: { correlation_id: 'other' } }),
    );
    const { page } = await app.visit('console/live');
    await page.getByRole('link', { name: 'Find a correlation ID' }).click();
    await page.getByLabel('Correlation ID').fill('order 81/b');
    await page.getByRole('button', { name: 'Find', exact: true }).click();
    const rows = page.getByTestId('correlated-row');
    const events = rows.and(page.locator('[data-kind="event"]'));
    await expect.poll(() => events.count()).toBe(2);
    await expect.poll(() => rows.and(page.locator('[data-kind="notification"]')).count()).toBeGreaterThan(1);
    expect((await events.allInnerTexts()).join()).toMatch(/INSUFFICIENT_FUNDS_EMAIL\s+The rule applies\s+To be sent/);
    expect((await rows.allInnerTexts()).join()).not.toContain('zoe');
    await events.filter({ hasText: 'ana' }).getByRole('link', { name: 'payment_failed' }).click();
    const event = page.locator('article[data-marked][data-event-id="pay ana"]');
    await event.getByTestId('event-details').click();
    await event.getByRole('link', { name: 'order 81/b' }).click();
    await expect.poll(() => events.count()).toBe(2);
  });

  test('says when nothing is stored under it', async () => {
    const { page } = await app.visit('console/correlation?id=unknown');
    await page.getByText('Nothing is stored under this correlation ID').waitFor();
    expect(await page.getByLabel('Correlation ID').inputValue()).toBe('unknown');
  });
});
