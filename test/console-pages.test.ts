import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { entry, hasBrowser, postAllPages, statuses, useConsole } from './support/console.ts';
import { testServer } from './support/http.ts';

describe.skipIf(!hasBrowser)('all pages of the console', () => {
  const app = useConsole(postAllPages);

  test('sets the title, the scroll position and the focus of another page, and restores the position on Back', async () => {
    const { page } = await app.visit('#/users/runner');
    await page.getByTestId('load-older').scrollIntoViewIfNeeded();
    const place = await page.evaluate<number>('scrollY');
    expect(place).toBeGreaterThan(1000);
    expect(await page.title()).toBe('runner · Tidings');
    await page.getByRole('link', { name: 'Deliveries', exact: true }).click();
    await page.getByTestId('deliveries').waitFor();
    expect(await page.title()).toBe('Deliveries · Tidings');
    expect(await page.evaluate('[scrollY, document.activeElement.textContent]')).toEqual([0, 'Deliveries']);
    // A filter is not another page.
    const sandboxed = page.getByRole('link', { name: 'Sandboxed', exact: true });
    await sandboxed.click();
    await expect.poll(() => statuses(page)).toEqual(['sandboxed']);
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Sandboxed');
    await page.goBack();
    await page.goBack();
    await entry(page, 'sprint-54').waitFor();
    expect(await page.evaluate('[Math.round(scrollY), document.activeElement.textContent]')).toEqual([place, 'runner']);
    await page.goForward();
    await page.getByRole('heading', { name: 'Deliveries' }).waitFor();
    expect(await page.evaluate('scrollY')).toBe(0);
  });

  test('ask for an API key, and keep it in this tab and out of URLs', async () => {
    const closed = await testServer(app.tidings, { apiKeys: ['the-key-of-this-test'] });
    try {
      const { page, complaints } = await app.visit('#/users/maria', {}, undefined, closed.url);
      const form = page.getByTestId('key-form');
      await form.getByLabel('API key').fill('a-wrong-key-of-this-test');
      await page.keyboard.press('Enter');
      await form.getByText('The API rejected this key.').waitFor();
      await form.getByLabel('API key').fill('the-key-of-this-test');
      await page.keyboard.press('Enter');
      await entry(page, 'maria-signup').waitFor();
      await page.reload();
      await entry(page, 'maria-signup').waitFor();
      expect(complaints.splice(0).filter((one) => !one.includes('status of 401'))).toEqual([]);
      expect(page.url()).toBe(`${closed.url}/#/users/maria`);
      expect(await page.evaluate('[Object.values(sessionStorage), JSON.stringify(localStorage)]')).toEqual([
        ['the-key-of-this-test'],
        expect.not.stringContaining('the-key'),
      ]);
    } finally {
      // Before the server closes: an open page would keep sending requests.
      await app.leave();
      await closed.close();
    }
  });

  test('show the problem that the API reports, and retry', async () => {
    const problem = {
      type: 'about:blank',
      title: 'Service overloaded',
      status: 503,
      detail: 'Too much.',
      code: 'overloaded',
    };
    const { page, complaints } = await app.visit('#/users/maria', {}, (opened) =>
      opened.route('**/api/v1/audit/**', (route) =>
        route.fulfill({ status: 503, contentType: 'application/problem+json', json: problem }),
      ),
    );
    const shown = page.getByTestId('problem');
    await shown.getByText('Service overloaded').waitFor();
    expect(await shown.innerText()).toMatch(/Too much\.[\s\S]*overloaded/);
    await page.unroute('**/api/v1/audit/**');
    await shown.getByRole('button', { name: 'Retry' }).click();
    await entry(page, 'maria-signup').waitFor();
    await shown.waitFor({ state: 'detached' });
    expect(complaints.splice(0).filter((one) => !one.includes('status of 503'))).toEqual([]);
  });

  test('keep their content and report it when the server cannot be reached', async () => {
    const passing = await testServer(app.tidings);
    const { page, complaints } = await app.visit('#/', {}, undefined, passing.url);
    await page.getByTestId('activity-row').first().waitFor();
    await passing.close();
    await page.getByTestId('problem').getByText('Tidings cannot be reached').waitFor();
    expect(await page.getByTestId('live').innerText()).toBe('not updating');
    expect(await page.getByTestId('activity-row').count()).toBeGreaterThan(0);
    expect(complaints.splice(0).filter((one) => !/ERR_|status of 503/.test(one))).toEqual([]);
  });

  test('need at most 150 KB of script, compressed, until the first page is shown', async () => {
    const folder = fileURLToPath(new URL('../packages/console/dist/', import.meta.url));
    const page = await readFile(join(folder, 'index.html'), 'utf8');
    const scripts = [...page.matchAll(/(?:href|src)="\/(assets\/[^"]+\.js)"/g)].map(([, path = '']) => path);
    const first = (await readdir(join(folder, 'assets'))).filter((name) => name.startsWith('ActivityPage-'));
    expect([scripts.length > 5, first.length]).toEqual([true, 1]);
    // With what it imports: scripts that are named in it, and not loaded before.
    const text = await readFile(join(folder, 'assets', first[0]!), 'utf8');
    const imported = [...text.matchAll(/from"\.\/([^"]+\.js)"/g)].map(([, name]) => `assets/${name}`);
    const all = new Set([...scripts, `assets/${first[0]}`, ...imported]);
    const sizes = await Promise.all([...all].map(async (path) => gzipSync(await readFile(join(folder, path))).length));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(150 * 1024);
  });

  test('use the color scheme of the system until the user chooses one', async () => {
    const { page } = await app.visit('#/', { colorScheme: 'dark' });
    const scheme = (name: string) => page.locator(`html[data-mantine-color-scheme=${name}]`).waitFor();
    await scheme('dark');
    await page.getByRole('button', { name: 'Use light colors' }).click();
    await scheme('light');
    await page.reload();
    await scheme('light');
    await page.getByRole('button', { name: 'Use dark colors' }).waitFor();
  });

  test('show the timeline first on a phone, and the rest on demand', async () => {
    const { page } = await app.visit('#/users/maria', { viewport: { width: 390, height: 844 } });
    const first = page.getByTestId('timeline-entry').first();
    await first.waitFor();
    expect((await first.boundingBox())?.y).toBeLessThan(500);
    expect(await page.getByTestId('why-row').count()).toBe(0);
    await page.getByRole('button', { name: 'Explanations' }).click();
    await page.getByTestId('why-row').first().waitFor();
    await page.getByRole('button', { name: 'Profile' }).click();
    await page.getByTestId('profile').getByText('Europe/Lisbon').waitFor();
    // The placeholder of the search is not truncated.
    const search = 'document.querySelector("[data-testid=user-search]")';
    await page.evaluate(`${search}.value = ${search}.placeholder`);
    expect(await page.evaluate(`${search}.scrollWidth - ${search}.clientWidth`)).toBeLessThanOrEqual(0);
    await page.goto(`${app.server.url}/#/users/${'long'.repeat(60)}`);
    await page.getByText('No events for this user').waitFor();
    expect((await page.locator('.user-icon').boundingBox())?.width).toBe(30);
  });
});
