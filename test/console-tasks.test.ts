import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { activityRow, hasBrowser, postAllPages, useConsole } from './support/console.ts';

/**
 * The tasks for which support, product managers, operators and developers come to the console, each to its end, with the number of its
 * clicks and keys, which docs/console.md promises. A text that is typed counts as one key.
 */

interface Steps {
  readonly clicks: number;
  readonly keys: number;
}

const PAGE = await readFile(new URL('../docs/console.md', import.meta.url), 'utf8');
/** Promises of the table, by the number of the task. */
const PROMISED = new Map(
  [...PAGE.matchAll(/^\| (\d+) \|.*\| (\d+) \| (\d+) \|$/gm)].map(([, task, clicks, keys]) => [
    Number(task),
    { clicks: Number(clicks), keys: Number(keys) },
  ]),
);

test('the page of the console has twelve tasks', () => {
  expect([...PROMISED.keys()]).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
});

describe.skipIf(!hasBrowser)('the tasks of the console', () => {
  const app = useConsole();

  /** Opens the console as a user with a clipboard would, and counts what they do. */
  const begin = async (path = 'console/') => {
    const clipboard = { permissions: ['clipboard-read', 'clipboard-write'] };
    const { page } = await app.visit(path, clipboard, (opened) => opened.addInitScript(COUNT_STEPS));
    await page.getByRole('heading', { level: 1 }).waitFor();
    return page;
  };
  const steps = (page: Page) =>
    page.evaluate<Steps>(`({ clicks: +sessionStorage.clicks || 0, keys: +sessionStorage.keys || 0 })`);
  const promised = (task: number) => PROMISED.get(task) as Steps;
  const menu = (page: Page, name: string) => page.getByRole('link', { name, exact: true }).click();
  const type = async (page: Page, text: string) => {
    await page.keyboard.insertText(text);
    await page.evaluate('sessionStorage.keys = (+sessionStorage.keys || 0) + 1');
  };
  const search = async (page: Page, text: string) => {
    await page.keyboard.press('/');
    await page.getByTestId('search-field').waitFor();
    await type(page, text);
    await page.getByTestId('search-option').first().waitFor();
    await page.keyboard.press('Enter');
  };
  const clipboard = (page: Page) => page.evaluate<string>('navigator.clipboard.readText()');

  test('9: a developer sends a first event', async () => {
    const page = await begin('console/live');
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByTestId('announcements').getByText('Copied').waitFor();
    expect(await steps(page)).toEqual(promised(9));
    const body = /-d '(.*)'$/s.exec(await clipboard(page))?.[1] as string;
    const sent = JSON.parse(body);
    expect((await app.server.post('/api/v1/events', sent)).body).toMatchObject({ accepted: 1 });
    await page.getByTestId('activity-row').getByRole('link', { name: sent.user_id, exact: true }).waitFor();
    // The others need more than one event.
    await postAllPages(app);
    app.tidings.jobs();
  });

  test('1: support finds a user by a part of the id, and by the address', async () => {
    const page = await begin();
    await search(page, 'mari');
    await page.getByRole('heading', { name: 'maria', exact: true }).waitFor();
    expect(await steps(page)).toEqual(promised(1));
    await search(page, 'maria@example.com');
    await page.getByRole('heading', { name: 'maria', exact: true }).waitFor();
    // An address never comes into an address.
    expect(page.url()).not.toContain('example.com');
  });

  test('2: support explains why a message was not sent', async () => {
    const page = await begin('console/users/joao');
    await page.locator('[data-notification-type=WELCOME_EMAIL]').getByRole('button').first().click();
    await page.getByTestId('why-paragraph').getByText('needs traits.marketing_opt_in == true').waitFor();
    expect(await steps(page)).toEqual(promised(2));
  });

  test('3: support sees the message as it was sent', async () => {
    const page = await begin('console/users/maria');
    await page.locator('[data-notification-type=WELCOME_EMAIL]').getByTestId('message-button').click();
    await page.getByTestId('message').waitFor();
    expect(await steps(page)).toEqual(promised(3));
  });

  test('4: an operator retries all dead letters of a cause', async () => {
    const page = await begin();
    await menu(page, 'Failed');
    await page.locator('[data-group*=missing_phone]').getByTestId('letters-retry').click();
    await page.getByTestId('job-preview').waitFor();
    await page.getByTestId('job-start').click();
    await page.getByTestId('job-progress').getByText('Done').waitFor();
    expect(await steps(page)).toEqual(promised(4));
  });

  test('5: an operator sees what waits, by rule and then one by one', async () => {
    const page = await begin();
    await menu(page, 'Waiting');
    await page.getByTestId('waiting-rules').getByRole('link', { name: 'REMINDER' }).click();
    await page.getByTestId('wait-row').first().waitFor();
    expect(await steps(page)).toEqual(promised(5));
  });

  test('6: support cancels a wait of a user', async () => {
    const page = await begin('console/users/wanda');
    await page.getByRole('navigation', { name: 'User' }).getByRole('link', { name: 'Waiting' }).click();
    await page.getByTestId('cancel-wait').first().click();
    await page.getByTestId('confirm').click();
    await page.getByTestId('announcements').getByText('Cancelled: the wait of').waitFor();
    expect(await steps(page)).toEqual(promised(6));
  });

  test('7: a developer corrects all rejected events of a cause', async () => {
    const bad = (n: number) => ({
      event_id: `bad-${n}`,
      user_id: 'rita',
      event_type: 'payment_failed',
      event_timestamp: '2025-11-19T10:00:00Z',
      properties: { amount: `${n},50` },
    });
    await app.server.post('/api/v1/events', [1, 2, 3].map(bad));
    app.tidings.clock.now += 1000;
    const page = await begin();
    await menu(page, 'Rejected');
    const group = page.getByTestId('rejected-group').filter({ hasText: 'properties.amount' });
    await group.getByTestId('group-correct').click();
    // Nothing is entered yet: the field of the patch is there without a value.
    await page.getByTestId('job-hint').getByText('Enter a value or an expression first.').waitFor();
    await page.getByTestId('job-patch').click();
    await page.keyboard.press('ControlOrMeta+A');
    await type(page, '{"properties": {"amount": 1.5}}');
    await page.getByTestId('job-start').click();
    await page.getByTestId('job-progress').getByText('Done: 3 of 3 done').waitFor();
    expect(await steps(page)).toEqual(promised(7));
    await page.getByTestId('job-close').click();
    // Failures are red in the bar.
    await app.server.post('/api/v1/events', [4, 5].map(bad));
    app.tidings.clock.now += 1000;
    await group.getByTestId('group-retry').click();
    await page.getByTestId('job-preview').getByText('2 items').waitFor();
    expect(await page.getByTestId('job-preview').getByRole('listitem').innerText()).toMatch(/, properties\.amount$/);
    await page.getByTestId('job-start').click();
    await page.getByTestId('job-progress').getByText('2 failed').waitFor();
    expect(await page.getByTestId('job-failed-part').getAttribute('style')).toContain('100%');
  });

  test('8: a product manager compares versions, and rolls back', async () => {
    const active = (await app.server.get('/api/v1/catalog')).body.version;
    const page = await begin();
    await menu(page, 'Versions');
    await page.getByTestId('version').first().getByTestId('version-changes').click();
    await page.getByTestId('difference').first().waitFor();
    await page.getByTestId('version').nth(1).getByTestId('rollback-button').click();
    await page.getByTestId('rollback-confirm').click();
    await page.getByTestId('version').nth(1).getByText('active', { exact: true }).waitFor();
    expect((await app.server.get('/api/v1/catalog')).body.version).toBe(active - 1);
    expect(await steps(page)).toEqual(promised(8));
  });

  test('10: anyone follows what happens', async () => {
    const page = await begin();
    await menu(page, 'Live');
    await page.getByTestId('activity-row').first().waitFor();
    await app.post({ event_id: 'just-now', user_id: 'nora', event_type: 'signup_completed' });
    await activityRow(page, 'just-now').waitFor();
    expect(await steps(page)).toEqual(promised(10));
  });

  test('11: support shares a finding, and a developer opens it', async () => {
    const page = await begin('console/users/joao');
    await page.locator('[data-notification-type=WELCOME_EMAIL]').getByRole('button').first().click();
    await page.getByRole('button', { name: 'Copy for a ticket' }).click();
    await page.getByTestId('announcements').getByText('Copied').waitFor();
    expect(await steps(page)).toEqual(promised(11));
    const link = /http\S+\?why=WELCOME_EMAIL/.exec(await clipboard(page))?.[0] as string;
    const other = await begin(new URL(link).pathname.slice(1) + new URL(link).search);
    await other.getByTestId('why-paragraph').getByText('needs traits.marketing_opt_in == true').waitFor();
  });

  test('12: all of a finding is reached by the keyboard', async () => {
    const page = await begin();
    await search(page, 'joao');
    const row = page.locator('[data-notification-type=WELCOME_EMAIL] button').first();
    // The types of which something failed come first, and the heading has the focus.
    await page.getByTestId('user-problems').waitFor();
    await row.waitFor();
    await page.locator('h1:focus').waitFor();
    const reached = () =>
      page.evaluate('document.activeElement.closest("[data-notification-type=WELCOME_EMAIL]") !== null');
    for (let n = 0; n < 40 && !(await reached()); n++) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByTestId('why-paragraph').getByText('needs traits.marketing_opt_in == true').waitFor();
    const { clicks, keys } = await steps(page);
    expect(clicks).toBe(promised(12).clicks);
    expect(keys).toBeLessThanOrEqual(promised(12).keys);
  });
});

/** Counts the clicks and keys of a user in their tab: Enter on a button sends a click as well, without a pointer. */
const COUNT_STEPS = `
  const count = (name) => { sessionStorage[name] = (+sessionStorage[name] || 0) + 1; };
  addEventListener('click', (event) => { if (event.isTrusted && event.detail > 0) count('clicks'); }, true);
  addEventListener('keydown', (event) => { if (event.isTrusted && !['Control', 'Meta', 'Shift'].includes(event.key)) count('keys'); }, true);
`;
