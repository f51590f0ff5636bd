import { describe, expect, test } from 'vitest';
import { hasBrowser, useConsole } from './support/console.ts';

describe.skipIf(!hasBrowser)('the page of costs', () => {
  const app = useConsole();

  test('says that no costs are known, instead of drawing a line at zero', async () => {
    const { page } = await app.visit('console/channels');
    await page.getByRole('link', { name: 'Costs', exact: true }).click();
    await page.getByTestId('costs-empty').waitFor();
    expect(await page.getByTestId('cost-plot').count()).toBe(0);
  });

  test('draws each day, keeps currencies apart, and sums up by what is chosen', async () => {
    const today = new Date(app.tidings.clock.now).toISOString().slice(0, 10);
    const yesterday = new Date(Date.parse(today) - 86_400_000).toISOString().slice(0, 10);
    await app.tidings.pool.query(
      `insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, status, due_at, retry_until, in_doubt_policy,
                               created_at, finished_at, started_at, duration_ms, provider, parts, cost, currency)
       select 'default', (lpad(to_hex((extract(epoch from t) * 1000)::bigint), 12, '0') || '7000800000000000000' || i)::uuid, channel, 'u', type,
              'sent', t, t, 'resend', t, t, t, 1, provider, 1, cost, currency
       from (values (1, 'sms', 'CODE', 'twilio', 0.3, 'EUR', $1::timestamptz), (2, 'sms', 'NEWS', 'sns', 0.1, 'EUR', $2::timestamptz),
                    (3, 'email', 'NEWS', 'ses', 7, 'USD', $2::timestamptz)) as r(i, channel, type, provider, cost, currency, t)`,
      [`${today}T00:00:00Z`, `${yesterday}T12:00:00Z`],
    );
    const { page } = await app.visit('console/channels/costs');
    await page.getByTestId('cost-plot').first().waitFor();
    expect(await page.getByTestId('currency').count()).toBe(2);
    const euro = page.getByRole('region', { name: 'Costs in EUR' });
    expect(await euro.getByRole('img').getAttribute('aria-label')).toMatch(
      /0\.40 EUR together, at most 0\.30 EUR a day$/,
    );
    const bars = await euro
      .locator('rect')
      .evaluateAll((all) => all.map((one) => [one.getAttribute('data-day'), Number(one.getAttribute('height'))]));
    expect(bars).toHaveLength(31);
    expect(bars.at(-1)).toEqual([today, 120]);
    expect(bars.at(-2)).toEqual([yesterday, expect.closeTo(40, 5)]);
    expect(bars.slice(0, -2).every(([, height]) => height === 0)).toBe(true);
    expect(await page.getByTestId('costs-note').innerText()).toMatch(
      /the last day is not over\. Only messages whose price is known/,
    );

    await page.getByText('Provider', { exact: true }).click();
    const rows = page.getByTestId('costs-EUR-row');
    await rows.filter({ hasText: 'twilio' }).waitFor();
    expect(await rows.allInnerTexts()).toEqual([
      expect.stringMatching(/^twilio\s+0\.30 EUR\s+75\.0%\s+1\s+1$/),
      expect.stringMatching(/^sns\s+0\.10 EUR\s+25\.0%\s+1\s+1$/),
    ]);
  });

  test('says that the earliest days are missing if there is more than is shown', async () => {
    const { page } = await app.visit('console/channels/costs', {}, (opened) =>
      opened.route('**/api/v1/costs?**', (route) =>
        route.fulfill({ json: { from: '2025-11-01', to: '2025-11-02', costs: [], has_more: true } }),
      ),
    );
    await page.getByText('the earliest days are missing').waitFor();
  });
});
