import { describe, expect, test } from 'vitest';
import { hasBrowser, useConsole, waitForDeliveries } from './support/console.ts';

describe.skipIf(!hasBrowser)('the page of deliveries, when the queue is held up', () => {
  const app = useConsole();

  test('shows open circuits and overdue work above the list, and nothing otherwise', async () => {
    const { page } = await app.visit('console/deliveries');
    await page.getByText('No deliveries yet').waitFor();
    expect(await page.getByTestId('queue-notice').count()).toBe(0);
    const since = new Date(Date.now() - 3_600_000).toISOString();
    const held = await app.visit('console/deliveries', {}, (opened) =>
      opened.route('**/api/v1/queue', (route) =>
        route.fulfill({
          json: {
            overdue: [
              { queue: 'deliveries', channel: 'email', count: 1000, has_more: true, oldest_due_at: since },
              { queue: 'waits', channel: null, count: 1, has_more: false, oldest_due_at: since },
            ],
            circuits: [
              {
                provider: 'smtp',
                account: null,
                domain: 'example.com',
                since,
                code: 'failures',
                cause: 'no route',
                next_probe_at: since,
              },
            ],
          },
        }),
      ),
    );
    await held.page.getByTestId('queue-notice').waitFor();
    expect(await held.page.getByTestId('open-circuit').innerText()).toMatch(
      /^smtp to example\.com circuit open since .*: no route\. Next probe .*\.$/,
    );
    expect(await held.page.getByTestId('overdue').allInnerTexts()).toEqual([
      expect.stringMatching(/^at least 1,000 deliveries by Email overdue, the oldest since .*\.$/),
      expect.stringMatching(/^1 wait overdue, the oldest since .*\.$/),
    ]);
  });

  test('says in the language of the page why a circuit is open and why messages are moved away', async () => {
    const since = '2026-07-01T20:27:13.755Z';
    const cause = 'the mail server cannot be reached (ECONNREFUSED)';
    const { page } = await app.visit('console/deliveries', { locale: 'de-DE' }, (opened) =>
      opened.route('**/api/v1/queue', (route) =>
        route.fulfill({
          json: {
            circuits: [
              { provider: 'smtp', account: null, domain: null, since, code: 'failures', cause, next_probe_at: since },
            ],
            moves: [
              {
                channel: 'email',
                account: 'main',
                share: 10,
                since,
                cause: `nothing is sent by smtp since ${since}: odd`,
              },
            ],
          },
        }),
      ),
    );
    const circuit = page.getByTestId('open-circuit');
    await expect.poll(() => circuit.innerText()).toMatch(/der Mailserver ist nicht erreichbar \(ECONNREFUSED\)/);
    const move = page.getByTestId('route-move').locator('[lang=en]');
    expect(await move.innerText()).toMatch(/^nothing is sent by smtp since 1\. Juli.*: odd$/);
  });

  test('marks a queued delivery that is overdue', async () => {
    await app.tidings.stopWorkers();
    await app.post({
      user_id: 'ines',
      event_type: 'signup_completed',
      user_traits: { email: 'ines@example.com', marketing_opt_in: true },
    });
    await app.tidings.pool.query(`update deliveries set due_at = now() - interval '2 minutes' where status = 'queued'`);
    const { page } = await app.visit('console/deliveries?status=queued');
    await page
      .getByTestId('due')
      .getByText(/^overdue since /)
      .waitFor();
    await page
      .getByTestId('overdue')
      .getByText(/^1 delivery by Email/)
      .waitFor();
    await app.tidings.worker();
    await waitForDeliveries(app);
    await page.getByTestId('queue-notice').waitFor({ state: 'detached' });
  });
});
