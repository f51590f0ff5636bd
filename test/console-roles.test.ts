import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROLES, type Role, type Scope } from '../src/model/principal.ts';
import { createKey, ROOT_KEY } from './support/api-keys.ts';
import { networkSettled } from './support/browser.ts';
import { goTo, hasBrowser, postAllPages, useConsole } from './support/console.ts';
import { type TestServer, testServer } from './support/http.ts';

/** Commands of the console and links to them, with the scopes that the API asks for. */
const COMMANDS: { readonly [testId: string]: readonly Scope[] } = {
  'letters-retry': ['jobs:write', 'deliveries:write'],
  'letters-cancel': ['jobs:write', 'deliveries:write'],
  'letters-suppress': ['jobs:write', 'suppressions:write'],
  'retry-all': ['jobs:write', 'deliveries:write'],
  'cancel-all': ['jobs:write', 'deliveries:write'],
  'retry-button': ['deliveries:write'],
  'cancel-button': ['deliveries:write'],
  'message-button': ['messages:read'],
  'group-retry': ['jobs:write', 'rejected:write'],
  'group-correct': ['jobs:write', 'rejected:write'],
  'group-dismiss': ['jobs:write', 'rejected:write'],
  'rejected-retry': ['rejected:write'],
  'rejected-correct': ['rejected:write'],
  'rejected-dismiss': ['rejected:write'],
  'waits-cancel': ['jobs:write', 'waits:write'],
  'waits-migrate': ['jobs:write', 'waits:write'],
  'waits-fire': ['jobs:write', 'waits:write'],
  'cancel-wait': ['waits:write'],
  'send-to-user': ['notifications:write'],
  'pause-user': ['preferences:write'],
  'export-user': ['personal_data:read'],
  'erase-user': ['users:erase'],
  'change-general': ['preferences:write'],
  'change-times': ['preferences:write'],
  'change-type': ['preferences:write'],
  'record-consent': ['preferences:write'],
  'merge-user': ['users:write'],
  'add-suppression': ['suppressions:write'],
  'import-suppressions': ['suppressions:write'],
  'new-list': ['lists:write'],
  'new-batch': ['batches:write'],
  'new-rule': ['catalog:write'],
  'release-start': ['catalog:write'],
  'rollback-button': ['catalog:write'],
  'test-send': ['notifications:write'],
};

/** Pages, each with what it shows once it is loaded (`*`: a heading), and the commands that an operator has there. */
const PAGES: readonly (readonly [path: string, shown: string, commands: readonly string[]])[] = [
  ['dead-letters', 'dead-letter-group', ['letters-retry', 'letters-cancel']],
  ['deliveries?status=undeliverable', 'delivery-row', ['retry-all', 'retry-button']],
  ['deliveries?status=queued', 'delivery-row', ['cancel-all', 'cancel-button']],
  ['deliveries', 'delivery-row', ['message-button']],
  [
    'rejected',
    'rejected-group',
    ['group-retry', 'group-correct', 'group-dismiss', 'rejected-retry', 'rejected-correct', 'rejected-dismiss'],
  ],
  ['waiting', 'due-strip', ['waits-cancel', 'waits-migrate', 'waits-fire']],
  ['waiting?rule=REMINDER', 'wait-row', ['cancel-wait']],
  ['rules/REMINDER/waits', 'rule-waiting', ['waits-cancel', 'waits-migrate', 'waits-fire']],
  ['users/wanda/waiting', 'wait', ['cancel-wait', 'pause-user', 'send-to-user']],
  ['users/maria/timeline', 'timeline-entry', ['message-button']],
  ['users/ines/timeline', 'timeline-entry', ['retry-button']],
  ['users/maria/preferences', 'preference-row', ['change-general', 'change-times', 'change-type']],
  ['users/maria/waiting', 'user-id', []],
  ['channels/suppressions', 'export-suppressions', ['add-suppression', 'import-suppressions']],
  ['lists', '*', ['new-list']],
  ['batches', '*', ['new-batch']],
  ['rules', 'rules-row', []],
  ['catalog/versions', 'version', []],
  ['releases', '*', []],
  ['jobs', '*', []],
];

/** Names of pages that tell those without their scope so, and show nothing else. */
const SCOPED_PAGES: { readonly [label: string]: Scope } = {
  Preview: 'messages:read',
  Send: 'notifications:write',
  Analytics: 'deliveries:read',
  Webhooks: 'webhooks:read',
  'API keys': 'keys:read',
  Members: 'members:read',
  'Audit log': 'audit_log:read',
};

describe.skipIf(!hasBrowser)('by the role of its reader, the console', () => {
  const app = useConsole(async (started) => {
    await postAllPages(started);
    const invalid = { event_type: 'signup_completed', user_id: 'pedro', event_timestamp: '2025-11-19 10:00' };
    expect((await started.server.post('/api/v1/events', invalid)).status).toBe(422);
    const queue = await started.tidings.pool.query(
      `update deliveries set status = 'queued', due_at = now() + interval '1 day', finished_at = null, started_at = null,
         duration_ms = null, dead_letter = null
         where user_id in ('joao', 'carla', 'doubt') and status in ('sent', 'sandboxed')`,
    );
    expect(queue.rowCount).toBeGreaterThan(0);
  });
  let server: TestServer;

  beforeAll(async () => {
    server = await testServer(app.tidings, { apiKeys: [ROOT_KEY] });
  });

  afterAll(() => server?.close());

  /** Opens the console for those who have the scopes of a role. `rejected`: what the API rejected since. */
  async function visitAs(role: Role): Promise<{ page: Page; rejected: string[]; complaints: string[] }> {
    const { key } = await createKey(server, { scopes: ROLES[role] });
    const rejected: string[] = [];
    const { page, complaints } = await app.visit(
      'console/live',
      {},
      async (opened) => {
        // The frame of a message has no storage.
        await opened.addInitScript(
          `if (self === top) sessionStorage.setItem('tidings.api_key', ${JSON.stringify(key)})`,
        );
        opened.on('response', (answer) => {
          if (answer.status() === 403) rejected.push(`${opened.url()}: ${answer.request().method()} ${answer.url()}`);
        });
      },
      server.url,
    );
    await page.getByTestId('activity-row').first().waitFor();
    return { page, rejected, complaints };
  }

  /** Returns the commands that a page shows. */
  async function listCommands(page: Page): Promise<string[]> {
    const ids = await page
      .locator('#main [data-testid]')
      .evaluateAll((all) => all.map((one) => one.getAttribute('data-testid') ?? ''));
    return [...new Set(ids)].filter((id) => id in COMMANDS);
  }

  /** Presses a button of each name that a page has. */
  async function pressAll(page: Page): Promise<void> {
    const address = page.url();
    const buttons = page.locator('#main button:visible');
    const names = [...new Set(await buttons.allInnerTexts())].filter((name) => name.trim() !== '');
    for (const name of names) {
      const button = page.locator('#main').getByRole('button', { name, exact: true }).first();
      if (!(await button.isVisible())) continue;
      await button.click();
      await networkSettled(page);
      await page.keyboard.press('Escape');
      if (page.url() !== address) {
        await goTo(page, address.slice(server.url.length + 1));
        await networkSettled(page);
      }
    }
  }

  test.each(['viewer', 'support', 'operator'] as const)(
    'shows a %s no command that the API rejects',
    async (role) => {
      const { page, rejected } = await visitAs(role);
      const own: readonly Scope[] = ROLES[role];
      const mayDo = (command: string) => COMMANDS[command]?.every((scope) => own.includes(scope)) === true;
      for (const [path, shown, commands] of PAGES) {
        await goTo(page, `console/${path}`);
        await page
          .locator(shown === '*' ? '#main h1' : `#main [data-testid=${shown}]`)
          .first()
          .waitFor();
        await networkSettled(page);
        const wanted = commands.filter(mayDo);
        // Parts of a page come after one another.
        await expect.poll(async () => [path, await listCommands(page)]).toEqual([path, expect.arrayContaining(wanted)]);
        const found = await listCommands(page);
        expect([path, found.filter((command) => !mayDo(command))]).toEqual([path, []]);
        if (role !== 'operator') await pressAll(page);
      }
      expect(rejected).toEqual([]);
    },
    240_000,
  );

  test.each(['viewer', 'support', 'operator', 'owner'] as const)(
    'offers a %s the pages that it may see',
    async (role) => {
      const { page } = await visitAs(role);
      const own: readonly Scope[] = ROLES[role];
      const labels = Object.keys(SCOPED_PAGES).filter((label) => own.includes(SCOPED_PAGES[label] as Scope));
      const rail = page.getByTestId('rail');
      const offered = async () =>
        (await rail.getByRole('link').allInnerTexts()).filter((label) => label in SCOPED_PAGES);
      await expect.poll(offered).toEqual(labels);
      expect(await rail.getByRole('link', { name: 'Tenants' }).count()).toBe(0);
      await page.getByTestId('search-button').click();
      await page.getByTestId('search-field').fill('e');
      const found = page.getByTestId('search-option').locator('.search-option-label');
      await expect.poll(() => found.count()).toBeGreaterThan(5);
      const hits = await found.allInnerTexts();
      expect(Object.keys(SCOPED_PAGES).filter((label) => hits.includes(label) && !labels.includes(label))).toEqual([]);
    },
  );

  test('says of a command that was rejected that it may not be done', async () => {
    const { page, complaints } = await visitAs('operator');
    await goTo(page, 'console/rejected');
    const dismiss = page.getByTestId('rejected-dismiss').first();
    await dismiss.waitFor();
    await page.route('**/dismiss', (route) =>
      route.fulfill({
        status: 403,
        contentType: 'application/problem+json',
        body: JSON.stringify({ title: 'Forbidden', detail: 'This needs the scope rejected:write.', code: 'forbidden' }),
      }),
    );
    await dismiss.click();
    const notice = page.getByTestId('not-permitted');
    await notice.waitFor();
    expect(await notice.innerText()).toContain('You may not do this');
    // The browser complains of the answer as well.
    expect(complaints.splice(0)).toEqual([expect.stringContaining('403')]);
  });
});
