import { describe, expect, test } from 'vitest';
import { findViolations } from './support/axe.ts';
import { hasBrowser, useConsole } from './support/console.ts';

describe.skipIf(!hasBrowser)('the pages of webhooks', () => {
  const app = useConsole();

  test('an endpoint is created, its secret shown once and rotated, and it is tested, disabled and deleted', async () => {
    const { page } = await app.visit('console/webhooks');
    await page.getByTestId('webhooks-empty').waitFor();
    await page.getByTestId('webhook-create').click();
    await page.getByTestId('webhook-url').fill('https://hooks.invalid/orders');
    await page.getByTestId('webhook-facts').fill('notification.failed order.*');
    expect(await findViolations(page)).toEqual([]);
    await page.getByTestId('issue').click();
    const secret = await page.getByTestId('issued-text').innerText();
    expect(secret).toMatch(/^whsec_/);
    await page.getByTestId('issued-done').click();
    await page.getByTestId('webhook-link').click();
    await page.getByRole('heading', { level: 1, name: 'https://hooks.invalid/orders' }).waitFor();
    await page.getByText('facts notification.failed, order.*').waitFor();
    expect(await page.content()).not.toContain(secret);

    await page.getByTestId('webhook-test').click();
    await page
      .getByTestId('webhook-answer')
      .getByText(/The test failed after/)
      .waitFor();
    await page.getByTestId('webhook-rotate').click();
    await page.getByTestId('issue').click();
    expect(await page.getByTestId('issued-text').innerText()).not.toBe(secret);
    await page.getByTestId('issued-done').click();

    await page.getByTestId('webhook-toggle').click();
    await page.getByTestId('confirm').click();
    await page.getByTestId('webhook-state').getByText('Disabled: by hand').waitFor();
    await page.getByTestId('confirmation').waitFor({ state: 'detached' });
    expect(await findViolations(page)).toEqual([]);
    await page.getByTestId('webhook-delete').click();
    await page.getByTestId('confirm-typed').fill('hooks.invalid');
    await page.getByTestId('confirm').click();
    await page.getByTestId('webhooks-empty').waitFor();
  });

  test('an endpoint that fails is not green, and what it missed is sent again by a job', async () => {
    const { endpoint_id: id } = (await app.server.post('/api/v1/webhooks', { url: 'https://hooks.invalid/hook' })).body;
    await app.tidings.pool.query(
      'update webhook_endpoints set failing_since = now(), failures = 3 where endpoint_id = $1',
      [id],
    );
    const { page } = await app.visit('console/webhooks');
    await page.getByTestId('webhook-state').getByText('Failing: 3 failures').waitFor();
    await page.getByTestId('webhook-link').click();
    await page.getByText(/Nothing succeeded since/).waitFor();
    await page.getByTestId('webhook-replay').click();
    expect(await findViolations(page)).toEqual([]);
    await page.getByTestId('confirm').click();
    await page.getByTestId('announcements').getByText('A job sends it again; see Jobs.').waitFor();
    expect((await app.server.get('/api/v1/jobs')).body.jobs[0]).toMatchObject({
      action: expect.stringMatching(/replay|retry/),
    });
  });
});
