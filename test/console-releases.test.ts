import { describe, expect, test } from 'vitest';
import { findViolations } from './support/axe.ts';
import { hasBrowser, useConsole } from './support/console.ts';

describe.skipIf(!hasBrowser)('the page of releases', () => {
  const app = useConsole(async ({ tidings, server, catalog }) => {
    const changed = new Map(catalog);
    changed.set('rules.yaml', changed.get('rules.yaml')!.replace('event.starts_at - 24h', 'event.starts_at - 2h'));
    expect(await tidings.apply(changed)).toBe(2);
    expect((await server.post('/api/v1/catalog/rollback', { version: 1 })).status).toBe(200);
  });
  const latest = async () => (await app.server.get('/api/v1/releases')).body.releases[0];

  test('a version is released to a share, to a larger one, and taken back with a reason', async () => {
    const { page } = await app.visit('console/catalog/versions');
    await page.getByTestId('version').first().getByTestId('release-start').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByTestId('difference').getByText('REMINDER').waitFor();
    expect(await findViolations(page)).toEqual([]);
    await dialog.getByLabel('Note').fill('reminders at the last moment');
    await dialog.getByTestId('confirm').click();
    await page.getByText('Version 2 decides about 10% of the users.').waitFor();
    expect(await latest()).toMatchObject({ state: 'watching', to_version: 2, share: 10 });
    const note = page.getByTestId('release-note');
    await note.waitFor();
    expect(await page.getByTestId('version').first().getByTestId('release-note').innerText()).toMatch(
      /^Release\s+Under way\s+10% of the users since .*, by api$/,
    );

    // Until it has ended, the API rejects every other one, and a rollback.
    await page.getByTestId('release-under-way').waitFor();
    for (const button of ['release-start', 'rollback-button'])
      await expect.poll(() => page.getByTestId(button).count()).toBe(0);
    expect((await app.server.post('/api/v1/catalog/rollback', { version: 2 })).status).toBe(409);
    expect(await findViolations(page)).toEqual([]);
    await page.getByRole('link', { name: 'See the releases' }).click();
    const release = page.getByTestId('release');
    await release.getByText('reminders at the last moment').waitFor();
    expect(await release.getByTestId('release-state').innerText()).toBe('Under way');
    // Without an event there is nothing to judge yet, and it is said so.
    await release.getByTestId('verdict').first().getByText('Too few to judge').waitFor();
    expect(await page.getByTestId('release-start').count()).toBe(0);
    expect(await findViolations(page)).toEqual([]);

    await release.getByTestId('release-share').click();
    const field = page.getByTestId('share-field');
    await field.fill('5');
    expect(await page.getByTestId('confirm').getAttribute('aria-disabled')).toBe('true');
    await field.fill('50');
    await page.getByTestId('confirm').click();
    await release.getByText('Version 2 for 50% of the users').waitFor();

    await release.getByTestId('release-rollback').click();
    await page.getByTestId('release-reason').fill('too late for many');
    expect(await findViolations(page)).toEqual([]);
    await page.getByTestId('confirm').click();
    await release.getByText(/Rolled back .* by api: too late for many/).waitFor();
    expect(await latest()).toMatchObject({ state: 'rolled_back', end_reason: 'too late for many' });
    await page.getByTestId('release-start').waitFor();
    await page.goto(`${app.server.url}/console/catalog/versions`);
    await note.waitFor();
    expect(await note.allInnerTexts()).toEqual([
      expect.stringMatching(/^Release\s+Rolled back\s+by api, .*: too late for many$/),
    ]);
    expect(await page.getByTestId('release-start').count()).toBe(1);
    // It is newer than the active one: it is not gone back to.
    expect(await page.getByTestId('rollback-button').allInnerTexts()).toEqual(['Make active']);
    await page.getByTestId('rollback-button').click();
    await page.getByRole('dialog', { name: 'Make version 2 active?' }).getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await findViolations(page)).toEqual([]);
    await note.getByRole('link', { name: 'Release' }).click();

    // At a time: it is shown until then, and cancelled.
    await page.getByTestId('release-start').click();
    await page.getByTestId('release-version').selectOption('2');
    await page.getByTestId('share-field').fill('100');
    await page.getByTestId('starts-at').fill(new Date(app.tidings.clock.now + 86_400_000).toISOString().slice(0, 16));
    expect(await findViolations(page)).toEqual([]);
    await page.getByTestId('confirm').click();
    const scheduled = release.first();
    await scheduled.getByText('Scheduled', { exact: true }).waitFor();
    await scheduled.getByText(/It begins by itself on .*, as api asked\./).waitFor();
    expect(await findViolations(page)).toEqual([]);
    await scheduled.getByTestId('release-cancel').click();
    await page.getByTestId('confirm').click();
    await scheduled.getByText('Cancelled', { exact: true }).waitFor();
    expect(await latest()).toMatchObject({ state: 'cancelled', started_at: null });

    // Reasons of Tidings itself are English.
    expect(await scheduled.locator('[lang=en]').count()).toBe(0);
    await app.tidings.pool.query(
      `update releases set end_reason = 'the version became active', ended_by = '{"kind":"system","id":"release watch","name":"release watch"}'
       where release_id = $1`,
      [(await latest()).release_id],
    );
    await page.reload();
    await expect.poll(() => scheduled.locator('[lang=en]').allInnerTexts()).toEqual(['the version became active']);

    // Finished, it decides about all users, whatever its last share was.
    const started = await app.server.post('/api/v1/releases', { version: 2, share: 25, watch: null });
    const { release_id: id } = started.body.release;
    expect((await app.server.post(`/api/v1/releases/${id}/finish`, {})).status).toBe(200);
    await page.reload();
    const finished = page.locator(`[data-release="${id}"]`);
    await finished.getByText(/^25% of the users since/).waitFor();
    expect(await finished.getByRole('heading').first().innerText()).toBe('Version 2 for all users');
  });
});
