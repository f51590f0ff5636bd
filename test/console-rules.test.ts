import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { findViolations } from './support/axe.ts';
import { faintText, tooWide } from './support/browser.ts';
import { goTo, hasBrowser, postExample, useConsole } from './support/console.ts';

describe.skipIf(!hasBrowser)('the pages of rules and templates', () => {
  const app = useConsole(postExample);
  const filesOf = async () => (await app.server.get('/api/v1/catalog/files')).body.files;

  test('a rule is written with the checker, tried on real events, backtested, reviewed and released', async () => {
    const { page } = await app.visit('console/rules');
    await page.getByTestId('rules-row').first().waitFor();
    await page.getByTestId('rule-search').fill('PAYMENT');
    expect(await page.getByTestId('rules-found').innerText()).toMatch(/^2 of \d+ rules$/);
    expect(await findViolations(page)).toEqual([]);
    await page.getByRole('link', { name: 'HIGH_RISK_ALERT', exact: true }).click();
    await page.getByTestId('rule-sentence').getByText('payment_failed').waitFor();
    // The catalog of these tests has warnings, and no error.
    const summary = page.getByTestId('check-summary');
    await summary.getByText(/^0 errors, \d+ warnings/).waitFor();

    await type(page, '  SECOND_ALERT: { on: payment_faild, notify: HIGH_RISK_ALERT }\n');
    const problem = page.getByTestId('problems').locator('[data-severity=error]');
    await problem.getByText('payment_failed').waitFor();
    expect(await problem.innerText()).toMatch(/^Error rules\.yaml:\d+:\d+/);
    await page.locator('.cm-lintRange-error').waitFor();
    // The Tab key leaves the editor, and the place of a problem leads back into it.
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.closest(".cm-editor")')).toBeNull();
    expect(await findViolations(page)).toEqual([]);
    await discard(page);
    await summary.getByText(/^0 errors/).waitFor();

    await type(page, '  SECOND_ALERT: { on: payment_failed, notify: HIGH_RISK_ALERT, limit: once }\n');
    await summary.getByText('The draft changes 1 part.').waitFor();

    await page.getByRole('link', { name: 'Try', exact: true }).click();
    await page.getByTestId('try-user').fill('maria');
    await page.getByTestId('try-event').fill('pay-2');
    await page.getByTestId('try-run').click();
    const drafted = page.getByTestId('try-draft').getByTestId('tried-decision');
    await drafted.first().waitFor();
    const outcomes = await Promise.all((await drafted.all()).map((one) => one.getAttribute('data-outcome')));
    expect(outcomes).toContain('send');
    await drafted.first().getByTestId('evidence-button').click();
    await page.getByTestId('try-stored').getByTestId('tried-decision').first().waitFor();
    expect(await findViolations(page)).toEqual([]);

    await page.getByRole('link', { name: 'Cases', exact: true }).click();
    await page.getByTestId('cases-run').click();
    await page
      .getByTestId('cases-summary')
      .getByText(/failed/)
      .waitFor();
    await page.getByTestId('case-user').fill('maria');
    await page.getByTestId('case-event').fill('pay-2');
    await page.getByTestId('case-make').click();
    await page.getByTestId('draft-bar').getByText('cases.yaml, rules.yaml').waitFor();
    expect(new URL(page.url()).search).toBe('?file=cases.yaml');
    expect(await page.getByTestId('draft-file').inputValue()).toBe('cases.yaml');

    await page.getByRole('link', { name: 'Backtest', exact: true }).click();
    await page.getByTestId('backtest-run').click();
    await page
      .getByTestId('backtest-summary')
      .getByText(/^\+\d+ would get it/)
      .waitFor();
    const row = page.getByTestId('backtest-row').first();
    await row.getByTestId('backtest-open').click();
    await row.getByText('What was decided').waitFor();
    expect(await findViolations(page)).toEqual([]);

    await page.getByTestId('draft-release').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByTestId('difference').getByText('SECOND_ALERT').waitFor();
    await dialog
      .getByTestId('review-cases')
      .getByText(/cases pass/)
      .waitFor();
    expect(await dialog.getByTestId('draft-patch').innerText()).toContain('+  SECOND_ALERT:');
    expect(await findViolations(page)).toEqual([]);
    await dialog.getByTestId('release-confirm').click();
    await page.getByText(/decides about 10% of the users, and is watched/).waitFor();
    const [release] = (await app.server.get('/api/v1/releases')).body.releases;
    expect(release).toMatchObject({ state: 'watching', share: 10 });
    expect((await app.server.post(`/api/v1/releases/${release.release_id}/finish`, {})).status).toBe(200);
    const files = await filesOf();
    expect(files['rules.yaml']).toContain('SECOND_ALERT');
    expect(files['cases.yaml']).toContain('payment_failed of 2025-10-31');
  });

  test('templates are written with their messages beside them, for samples and users, and compared by source and picture', async () => {
    const { page } = await app.visit('console/templates');
    await page.getByTestId('type-templates').filter({ hasText: 'INSUFFICIENT_FUNDS_EMAIL' }).click();
    const cells = page.getByTestId('cell');
    await cells.getByTestId('inbox-line').getByText('Your payment did not go through').waitFor();
    expect(await cells.first().getByTestId('preview-sizes').innerText()).toContain('of the 102 KB that Gmail shows');

    const subject = 'templates/INSUFFICIENT_FUNDS_EMAIL/email.en.subject.txt';
    await page.getByTestId('draft-file').selectOption(subject);
    expect(new URL(page.url()).searchParams.get('file')).toBe(subject);
    await type(page, ' of {{event.amuont}} {{event.amount}} euros, which is a long subject');
    await page.getByTestId('draft-bar').getByText(subject).waitFor();
    await cells.getByText('Your payment did not go through of 20 eu…').waitFor();
    // Escape and Tab leave the editor.
    await page.keyboard.press('Escape');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.closest(".cm-editor")')).toBeNull();

    await page.getByTestId('preview-user').fill('maria');
    await page.getByTestId('preview-add-user').click();
    await cells.nth(1).getByText('through of 1425', { exact: false }).waitFor();
    await page.getByTestId('preview-look').getByText('Dark').click();
    await cells.first().locator('iframe[data-dark]').waitFor();
    await page.getByTestId('preview-width').getByText('Phone').click();
    await page.getByTestId('preview-pictures').check();
    expect(new URL(page.url()).search).toContain('look=dark&width=phone&pictures=off');
    expect(await findViolations(page)).toEqual([]);

    await page.getByRole('link', { name: 'Variables', exact: true }).click();
    const missing = page.getByTestId('variables').locator('[data-state=missing]');
    expect(await missing.innerText()).toMatch(/event\.amuont[\s\S]*did you mean/);
    await page.getByRole('button', { name: 'event.currency', exact: true }).click();
    await page.getByTestId('source').getByText('{{event.currency}}').waitFor();
    expect(await findViolations(page)).toEqual([]);

    await type(page, '{{#if');
    await page.locator('.cm-lintRange-error').waitFor();
    await page.getByRole('link', { name: 'Check', exact: true }).click();
    await page.getByTestId('problems').locator('[data-severity=error]').getByText(subject, { exact: false }).waitFor();
    await page.getByRole('navigation', { name: 'Templates' }).getByRole('link', { name: 'Preview' }).click();
    await page.getByTestId('render-stale').waitFor();
    await cells.first().getByTestId('inbox-line').waitFor();
    await discard(page);
  });

  test('a picture of each version runs no script, outlines what differs, and fits a narrow window', async () => {
    const narrow = { viewport: { width: 320, height: 800 } };
    const { page, complaints } = await app.visit('console/templates/NEWSLETTER/preview', narrow);
    await page.getByTestId('draft-file').selectOption('templates/NEWSLETTER/email.en.html');
    await page.getByTestId('source').click();
    await page.keyboard.press('Control+End');
    await page.keyboard.insertText('<p>Another block.</p>');
    await page.getByTestId('cell').first().getByTestId('message-frame').waitFor();
    expect(await tooWide(page)).toBeLessThanOrEqual(0);
    await page.getByRole('link', { name: 'Changes', exact: true }).click();
    expect(await page.getByTestId('source-changes').locator('ins').innerText()).toBe('<p>Another block.</p>');
    await page.getByTestId('differing-blocks').getByText('1 block differs; it is outlined.').waitFor();
    const outlined = page.getByTestId('diff-frame').nth(1).contentFrame().locator('[data-differs]');
    expect(await outlined.innerText()).toBe('Another block.');
    expect(await page.getByTestId('diff-frame').first().contentFrame().locator('#words').innerText()).toBe(
      'Read this.',
    );
    await expect.poll(() => page.title()).toBe('Templates of NEWSLETTER · Tidings');
    expect(app.outside.asked).toEqual([]);
    expect(await tooWide(page)).toBeLessThanOrEqual(0);
    expect(await findViolations(page)).toEqual([]);
    expect(await faintText(page)).toEqual([]);
    await discard(page);
    // The browser announces some requests, and logs what it blocked. `outside` has the requests that arrived.
    const known = /^Blocked |^Refused |Content Security Policy|^a request to/;
    expect(complaints.filter((one) => !known.test(one))).toEqual([]);
    complaints.length = 0;
  });

  test('files of a directory get a patch, readers edit nothing, and the funnel counts what the rule did', async () => {
    await app.tidings.database.pool.query(`update catalogs set applied_by = 'catalog directory'`);
    const { page } = await app.visit('console/rules/HIGH_RISK_ALERT/funnel', { viewport: { width: 390, height: 844 } });
    await page.getByTestId('funnel-step').first().waitFor();
    await page.getByRole('link', { name: 'Graph', exact: true }).click();
    await page.getByTestId('graph-station').filter({ hasText: 'payment_failed' }).waitFor();
    await page.getByTestId('graph-station').filter({ hasText: 'HIGH_RISK_ALERT' }).last().waitFor();
    expect(await findViolations(page)).toEqual([]);
    await page.goBack();
    await page.getByTestId('funnel-step').first().waitFor();
    expect(await tooWide(page)).toBeLessThanOrEqual(0);
    expect(await faintText(page)).toEqual([]);
    await type(page, '  THIRD_ALERT: { on: payment_failed, notify: HIGH_RISK_ALERT }\n');
    await page.getByTestId('draft-release').click();
    await page.getByTestId('patch-reason').waitFor();
    expect(await page.getByTestId('release-confirm').count()).toBe(0);
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId('patch-download').click()]);
    expect(download.suggestedFilename()).toBe('catalog.patch');
    expect(await findViolations(page)).toEqual([]);
    await app.leave();

    const reader = await app.visit('console/live', {}, (fresh) =>
      fresh.route('**/api/v1/session', async (route) => {
        const answer = await route.fetch();
        const session = await answer.json();
        const scopes = session.scopes.filter((scope: string) => !scope.endsWith(':write'));
        await route.fulfill({ response: answer, json: { ...session, scopes } });
      }),
    );
    await goTo(reader.page, 'console/rules/HIGH_RISK_ALERT');
    await reader.page.getByTestId('editor-state').getByText('Read only').waitFor();
    expect(await reader.page.getByTestId('source').getAttribute('contenteditable')).toBe('false');
    expect(await reader.page.getByRole('navigation', { name: 'Rule' }).innerText()).toMatch(/^Waits\s+Funnel\s+Graph$/);
    expect(await findViolations(reader.page)).toEqual([]);
  });
});

/** Types a text at the end of the file in the editor. */
async function type(page: Page, text: string): Promise<void> {
  await page.getByTestId('source').click();
  await page.keyboard.press('Control+End');
  await page.keyboard.insertText(text);
}

async function discard(page: Page): Promise<void> {
  await page.getByTestId('draft-discard').click();
  await page.getByTestId('confirm').click();
  await page.getByTestId('draft-bar').waitFor({ state: 'detached' });
}
