import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { ADVICE_BY_CODE } from '../packages/console/src/rejected/codes.ts';
import { hasBrowser, useConsole } from './support/console.ts';

describe.skipIf(!hasBrowser)('rejected events', () => {
  const app = useConsole();

  test('shows the reason, the place, the count and the event, and retries', async () => {
    const rejected = (id: string) => ({
      event_id: id,
      user_id: 'paula',
      event_type: 'payment_failed',
      event_timestamp: '2025-11-19T10:00:00Z',
      properties: { amount: 'plenty' },
      user_traits: { email: 'paula@example.com' },
    });
    const late = { event_type: 'signup_completed', user_id: 'paula', event_timestamp: '2025-11-19 10:00' };
    await app.server.post('/api/v1/events', late);
    app.tidings.clock.now++;
    await app.server.post('/api/v1/events', rejected('too-much'));
    await app.server.post('/api/v1/events', rejected('too-much'));
    const { page, complaints } = await app.visit('console/live');
    await page.getByRole('link', { name: 'Rejected', exact: true }).click();
    const rows = page.getByTestId('rejected-row');
    await rows.nth(1).waitFor();
    const row = rows.first();
    expect(await row.innerText()).toMatch(
      /schema_mismatch at properties\.amount · payment_failed of paula · 2 times, first .* UTC, last .* UTC\s+Fix the value/,
    );
    expect(await rows.nth(1).innerText()).toMatch(/invalid_timestamp at event_timestamp · signup_completed of paula/);
    await row.getByTestId('rejected-event').click();
    await row.getByText('"amount": "plenty"').waitFor();
    expect(await row.innerText()).toContain('"email": "…"');
    await row.getByTestId('rejected-retry').click();
    await row.getByTestId('rejected-again').getByText('Rejected again: ').waitFor();
    expect(complaints.splice(0)).toEqual([expect.stringContaining('status of 422')]);

    const fixed = new Map(app.catalog);
    fixed.set('events.yaml', app.catalog.get('events.yaml')!.replaceAll('amount: number', 'amount: string'));
    await app.tidings.apply(fixed);
    await row.getByTestId('rejected-retry').click();
    const accepted = page.getByTestId('retry-accepted');
    await accepted.waitFor();
    expect(await accepted.innerText()).toMatch(
      /Accepted: payment_failed of paula\. INSUFFICIENT_FUNDS_EMAIL: not matched, /,
    );
    await expect.poll(() => rows.count()).toBe(1);
    await accepted.getByRole('link', { name: 'View event' }).click();
    await page.locator('article[data-marked][data-event-id="too-much"]').waitFor();
    await app.tidings.apply(app.catalog);
  });

  test('has advice for each code', async () => {
    const page = await readFile(new URL('../docs/errors.md', import.meta.url), 'utf8');
    const section = page.split('## Rejected events')[1]?.split('\n## ')[0] ?? '';
    const codes = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code);
    expect(Object.keys(ADVICE_BY_CODE).sort()).toEqual(codes.sort());
  });
});
