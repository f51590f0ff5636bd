import { describe, expect, test } from 'vitest';
import { findViolations } from './support/axe.ts';
import { batchesOf } from './support/batches.ts';
import { tooWide } from './support/browser.ts';
import { hasBrowser, useConsole } from './support/console.ts';
import { testServer } from './support/http.ts';

const BODY = { type: 'WELCOME_EMAIL', channels: ['email'], content: { title: 'Sale', text: 'All is cheap.' } };

describe.skipIf(!hasBrowser)('batches in the console', () => {
  const app = useConsole();

  test('are listed, estimated before the start, watched, paused and resumed, with the result of each line', async () => {
    const { page } = await app.visit('console/batches');
    await page.getByText('No batches yet').waitFor();
    const { create, add, get } = batchesOf(app);
    const id = await create({ ...BODY, name: 'Black Friday', per_second: 20 });
    await page.getByTestId('batch-row').getByText('No recipients yet').waitFor();
    await app.post({
      user_id: 'yes',
      event_type: 'known',
      user_traits: { email: 'y@example.com', marketing_opt_in: true },
    });
    await app.post({
      user_id: 'no',
      event_type: 'known',
      user_traits: { email: 'n@example.com', marketing_opt_in: false },
    });
    await add(id, [{ user_id: 'yes' }, { user_id: 'no' }, 'no json', { user_id: 'yes' }]);
    const row = page.getByTestId('batch-row');
    await row.getByText('of 4 done', { exact: false }).waitFor();
    await row.getByTestId('batch-link').click();
    await expect.poll(() => page.title()).toBe('Batch · Tidings');
    await page.getByTestId('batch-progress').getByText('1 of 4 lines done').waitFor();
    expect(await page.getByTestId('outcome-bar').getAttribute('aria-label')).toMatch(/1 rejected line, .*pending/);

    await page.getByTestId('batch-start').click();
    const estimate = page.getByTestId('batch-estimate');
    await expect
      .poll(() => page.getByTestId('confirmation').innerText(), { timeout: 30_000 })
      .toContain('1 of 3 recipients would get it');
    expect(await estimate.innerText()).toMatch(/1 would get nothing: no consent consent_missing/);
    expect(await findViolations(page)).toEqual([]);
    await page.getByTestId('confirm').click();
    await page.getByTestId('announcements').getByText('Started: Black Friday.').waitFor();
    await page.getByTestId('batch-pause').click();
    await page.getByTestId('confirm').click();
    await page.getByTestId('batch-state').getByText('Paused').waitFor();
    app.tidings.batches();
    await page.getByTestId('batch-resume').click();
    await page.getByTestId('confirm').click();
    await page.getByTestId('batch-state').getByText('Finished').waitFor({ timeout: 30_000 });
    expect((await get(id)).counts).toMatchObject({ sent: 1, dropped: 1, duplicate: 1, rejected: 1 });
    await expect
      .poll(() => page.getByTestId('result-state').allInnerTexts(), { timeout: 20_000 })
      .toEqual(['Sandboxed', 'Dropped', 'Rejected line', 'Duplicate']);
    expect(await page.getByTestId('batch-codes').innerText()).toMatch(/1 × rejected line: invalid_json/);

    await page.locator('[data-testid=outcome-count][data-state=rejected]').click();
    const rejected = page.getByTestId('results-row');
    await expect.poll(() => rejected.count()).toBe(1);
    expect(await rejected.innerText()).toMatch(/3[\s\S]*invalid_json/);
    expect(page.url()).toContain(`console/batches/${id}?state=rejected`);
    expect(await page.getByTestId('batch-cancel').count()).toBe(0);
  });

  test('are created from a form, and get the recipients of a file, whose upload goes on after a failure', async () => {
    const { get } = batchesOf(app);
    const { page, complaints } = await app.visit('console/batches');
    await page.getByTestId('new-batch').click();
    await page.getByTestId('batch-name-field').fill('From a file');
    await page.getByTestId('send-type').selectOption('WELCOME_EMAIL');
    await page.getByTestId('send-own-text').click();
    await page.getByTestId('send-title').fill('Sale');
    await page.getByTestId('send-text').fill('All is cheap.');
    await page.getByTestId('batch-create').click();
    await page.getByTestId('batch-name').getByText('From a file').waitFor();
    const id = page.url().split('/').at(-1)!;
    const lines = Array.from({ length: 5400 }, (_, n) => JSON.stringify({ user_id: `f${n}` }));
    lines[2] = 'no json';
    const upload = { name: 'users.ndjson', mimeType: 'application/x-ndjson', buffer: Buffer.from(lines.join('\n')) };
    const path = /\/recipients\?offset=5000$/;
    await page.route(path, (route) => route.abort());
    await page.getByTestId('upload-file').setInputFiles(upload);
    await page.getByTestId('upload-start').click();
    await page.getByTestId('upload-status').getByText('Interrupted').waitFor();
    expect(await page.getByTestId('upload-errors').innerText()).toMatch(/Line 3: .*invalid_json/s);
    expect((await get(id)).lines).toBe(5000);
    await page.unroute(path);
    // Also after the page was left: the same file goes on where the batch ends.
    await page.reload();
    await page.getByText('It is the same file: go on after its first 5,000 lines').waitFor();
    await page.getByTestId('upload-file').setInputFiles(upload);
    await page.getByTestId('upload-start').click();
    await page.getByText('Choose one.').waitFor();
    await page.getByTestId('upload-same').check();
    await page.getByTestId('upload-start').click();
    await page.getByTestId('upload-status').getByText('Uploaded: 400 lines stored').waitFor();
    expect(await get(id)).toMatchObject({ state: 'draft', lines: 5400, counts: { pending: 5399, rejected: 1 } });
    await page.locator('[data-testid=outcome-count][data-state=rejected]').click();
    await expect.poll(() => page.getByTestId('results-row').count()).toBe(1);
    complaints.splice(0);
  });

  test('go to a list, whose members are added and removed, or to a segment', async () => {
    const { tidings, catalog, post, server } = app;
    const segment = 'segments:\n  RISKY: { for: \'user.risk_segment == "HIGH"\', description: At risk }\n';
    await tidings.apply(new Map([...catalog, ['segments.yaml', segment]]));
    await post({ user_id: 'risky', event_type: 'known', user_traits: { risk_segment: 'HIGH' } });
    const { page } = await app.visit('console/batches');
    await page.getByRole('link', { name: 'Lists and segments' }).click();
    await page.getByTestId('new-list').click();
    await page.getByTestId('list-name').fill('Beta testers');
    await page.getByTestId('confirm').click();
    await page.getByTestId('list-size').getByText('0 members').waitFor();
    await page.getByTestId('add-members').click();
    await page.getByTestId('member-ids').fill('u1\nu2\nu2\nu3');
    await page.getByTestId('confirm').click();
    await page.getByTestId('announcements').getByText('3 added; 1 were members already.').waitFor();
    await expect.poll(() => page.getByTestId('members-row').count()).toBe(3);
    await page.getByTestId('members-row').filter({ hasText: 'u2' }).getByTestId('remove-member').click();
    await expect.poll(() => page.getByTestId('members-row').count()).toBe(2);
    await page.getByTestId('list-size').getByText('2 members').waitFor();
    await page.getByRole('link', { name: 'New batch for this list' }).click();
    expect(await page.getByTestId('audience').inputValue()).toBe(
      (await server.get('/api/v1/lists')).body.lists[0].list_id,
    );
    await page.getByTestId('send-type').selectOption('WELCOME_EMAIL');
    await page.getByTestId('batch-create').click();
    await page.getByTestId('batch-audience').getByText('Users of the list').waitFor();
    await page.goto(`${app.server.url}/console/lists`);
    await page.getByTestId('segment-link').click();
    await page.getByTestId('segment-size').getByText('1 of', { exact: false }).waitFor();
    expect(await page.getByTestId('segment-condition').innerText()).toContain('risk_segment');
    expect(await page.getByTestId('segment-users-row').innerText()).toContain('risky');
    expect(await findViolations(page)).toEqual([]);
    await page.getByRole('link', { name: 'New batch for this segment' }).click();
    await expect.poll(() => page.getByTestId('audience').inputValue()).toBe('RISKY');
  });

  test('change their rate, and are cancelled only after the number of recipients was typed', async () => {
    const { create, add, get, command } = batchesOf(app);
    const id = await create({ ...BODY, per_second: 1 });
    await add(
      id,
      Array.from({ length: 120 }, (_, n) => ({ email: `u${n}@example.com` })),
    );
    await command(id, 'start');
    await command(id, 'pause');
    const { page } = await app.visit(`console/batches/${id}`);
    await page.getByTestId('batch-rate').fill('250');
    await page.keyboard.press('Enter');
    await page.getByTestId('announcements').getByText('The rate is now 250 recipients per second.').waitFor();
    await page.getByTestId('batch-cancel').click();
    const typed = page.getByTestId('confirm-typed');
    await typed.fill('12');
    await typed.press('Enter');
    await page.getByText('The text is not the same yet.').waitFor();
    expect((await get(id)).state).toBe('paused');
    await typed.fill('120');
    await typed.press('Enter');
    await page.getByTestId('batch-state').getByText('Cancelled').waitFor();
    expect((await get(id)).state).toBe('cancelled');
  });

  test.each(['light', 'dark'] as const)(
    'axe finds nothing in %s colors, and a phone shows all of it',
    async (colorScheme) => {
      const { create, add } = batchesOf(app);
      const id = await create({ ...BODY, name: 'A name without any space'.replaceAll(' ', '_').repeat(4) });
      await add(id, [
        { user_id: 'u1' },
        'no json',
        '',
        { email: 'someone.with.a.long.name@a-long-name-of-a-host.example' },
      ]);
      const { page } = await app.visit('console/batches', { colorScheme, viewport: { width: 390, height: 844 } });
      await page.getByTestId('batch-row').first().waitFor();
      expect(await findViolations(page)).toEqual([]);
      expect(await tooWide(page)).toBeLessThanOrEqual(0);
      await page.goto(`${app.server.url}/console/batches/${id}`);
      await page.getByTestId('results-row').first().waitFor();
      expect(await findViolations(page)).toEqual([]);
      expect(await tooWide(page)).toBeLessThanOrEqual(0);
      await page.setViewportSize({ width: 1280, height: 900 });
      expect(await findViolations(page)).toEqual([]);
    },
  );

  test('who may not write sees no buttons; who may not read sees that; a batch that is not there is a problem', async () => {
    const { create, add } = batchesOf(app);
    const id = await create(BODY);
    await add(id, [{ user_id: 'u1' }]);
    const issue = async (scopes: string[]) =>
      (await app.server.post('/api/v1/keys', { name: scopes.join(), scopes })).body.key as string;
    const [reader, other] = [await issue(['batches:read']), await issue(['users:read'])];
    const closed = await testServer(app.tidings, { apiKeys: ['the-key-of-this-test'] });
    try {
      const { page, complaints } = await app.visit(`console/batches/${id}`, {}, undefined, closed.url);
      const enter = async (key: string) => {
        await page.getByTestId('key-form').getByLabel('API key').fill(key);
        await page.keyboard.press('Enter');
      };
      await enter(reader);
      await page.getByTestId('results-row').waitFor();
      expect(await page.getByTestId('batch-start').count()).toBe(0);
      await page.goto(`${closed.url}/console/batches/01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e`);
      await page.getByTestId('problem').waitFor();
      await page.evaluate('sessionStorage.clear()');
      await page.goto(`${closed.url}/console/batches`);
      await page.reload();
      await enter(other);
      await page.getByTestId('not-permitted').getByText('batches:read', { exact: false }).waitFor();
      complaints.splice(0);
    } finally {
      await app.leave();
      await closed.close();
    }
  });
});
