import { describe, expect, test } from 'vitest';
import { hasBrowser, useConsole } from './support/console.ts';

describe.skipIf(!hasBrowser)('the page of routes', () => {
  const app = useConsole();

  async function createAccount(account: string) {
    const settings = { from: 'Acme <a@acme.example>', api_key: 'SG.secret-of-the-account' };
    const body = { account, provider: 'sendgrid', channels: ['email'], settings };
    expect((await app.server.post('/api/v1/provider-accounts', body)).status).toBe(201);
  }

  test('says by what messages go while there is neither a route nor an account', async () => {
    const { page } = await app.visit('console/channels/routes');
    await page.getByTestId('routes-empty').waitFor();
  });

  test('shows an account that fails, what goes by the others, and why it was moved', async () => {
    await createAccount('main');
    await createAccount('spare');
    const { pool } = app.tidings;
    const { page } = await app.visit('console/channels/routes');
    const rows = page.getByTestId('route-email-row');
    await rows.nth(1).waitFor();
    expect(await rows.allInnerTexts()).toEqual([
      expect.stringMatching(/^main \(sendgrid\)\s+1, 1\s+100%\s+In use\s+none$/),
      expect.stringMatching(/^spare \(sendgrid\)\s+2, 1\s+0%\s+In use\s+none$/),
    ]);
    await pool.query(
      `insert into circuits (circuit_id, tenant_id, account, provider, code, cause, since, open_until, pause_ms)
       values ('default/main', 'default', 'main', 'sendgrid', 'failures', 'the service is down', now(), now() + interval '1 minute', 1000)`,
    );
    await rows.first().getByText('100% wait for it').waitFor();
    await rows.first().getByTestId('route-state').getByText('Fails').waitFor();
    await pool.query(
      `insert into route_moves (tenant_id, channel, account, share, since, moved_at, cause)
       values ('default', 'email', 'main', 10, now(), now(), 'the service is down')`,
    );
    await rows.nth(1).getByText('100%').waitFor();
    expect(await rows.first().innerText()).toMatch(
      /\s0%\s+Fails\s+Circuit open since .*: the service is down\. Next probe .*\.\s+Keeps 10% of its messages since .*: the service is down\.$/,
    );
    await pool.query(`delete from circuits`);
    await rows.first().getByText('Recovering').waitFor();
    await pool.query(`update route_moves set share = 100`);
    await rows.first().getByText('Has all of its messages again').waitFor();
    expect(await rows.first().getByTestId('route-state').innerText()).toBe('In use');
  });

  test('gives each fact its heading and the width of the page on a telephone', async () => {
    const { page } = await app.visit('console/channels/routes', { viewport: { width: 390, height: 800 } });
    const row = page.getByTestId('route-email-row').first();
    await row.waitFor();
    const cells = (await page.evaluate(`
      [...document.querySelector('[data-testid=route-email-row]').querySelectorAll('td')].map((cell) => ({
        heading: getComputedStyle(cell, '::before').content,
        width: cell.getBoundingClientRect().width,
      }))`)) as { readonly heading: string; readonly width: number }[];
    expect(cells.map(({ heading }) => heading)).toEqual([
      '"Account"',
      '"Tier, weight"',
      '"Messages now"',
      '"State"',
      '"Last move"',
    ]);
    for (const { width } of cells) expect(width).toBeGreaterThan(250);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
  });
});
