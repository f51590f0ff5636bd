import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ADVICE_BY_CODE } from '../packages/console/src/rejected/codes.ts';
import { loadCatalogFiles } from '../src/catalog/load/load-catalog-files.ts';
import type { Provider } from '../src/channels/provider.ts';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { faintText, findChromium, launchBrowser, openVisit, tooWide, type Visit } from './support/browser.ts';
import { type TestServer, testServer } from './support/http.ts';
import { FINTECH, type TestTidings, testTidings } from './support/tidings.ts';

/** The console as a support agent uses it: in a real browser, against the real API, with workers behind it. */

const run = promisify(execFile);
const program = findChromium();
if (program === undefined) console.log('skipped: the console, because no Chromium was found (CHROMIUM can name one)');

const TYPES = [
  'WELCOME_EMAIL',
  'BANK_LINK_NUDGE_SMS',
  'INSUFFICIENT_FUNDS_EMAIL',
  'HIGH_RISK_ALERT',
  'NEWSLETTER',
  'HELD_ALERT',
  'REMINDER',
  'FOLLOW_UP',
  'PRO_TIP',
  'INBOX',
];
const HOUR = 3_600_000;
const ODD_ID = `a/b?c=d#e%2F é✓ "<i>'&`;
const PAGES = ['maria', 'joao', 'wanda', 'carla'].map((id) => `#/users/${id}`);
PAGES.push('#/', '#/deliveries', '#/rejected', '#/catalog', '#/catalog/versions');

describe.skipIf(program === undefined)('the console', () => {
  let browser: Browser;
  let tidings: TestTidings;
  let server: TestServer;
  let outside: Outside;
  let catalog: Map<string, string>;
  let visits: Visit[] = [];

  beforeAll(async () => {
    outside = await listenOutside();
    catalog = await catalogWith(outside.url);
    tidings = await testTidings(
      { email: sandboxProvider(['email']), sms: sandboxProvider(['sms']), internal: doubtful() },
      catalog,
    );
    tidings.clock.now = Date.now();
    server = await testServer(tidings);
    const { status } = await server.get('/');
    expect(status, 'the console is built: npm run build -w packages/console').toBe(200);
    await tidings.worker();
    browser = await launchBrowser(program as string);
  });

  afterEach(async () => {
    const complaints = visits.flatMap((visit) => visit.complaints);
    await leave();
    expect(complaints).toEqual([]);
  });

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await tidings?.close();
    await outside?.close();
  });

  // -------------------------------------------------------------------------------------------------------------------

  test('empty: a command that works as printed, and what it posts appears by itself', async () => {
    const { page } = await visit('#/', { permissions: ['clipboard-read', 'clipboard-write'] });
    await page.getByText('No events yet').waitFor();
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    const command = await page.evaluate<string>('navigator.clipboard.readText()');
    expect(await page.getByTestId('first-curl').innerText()).toBe(command);
    expect(command).toContain(`curl ${server.url}/api/v1/events`);
    await run('bash', ['-c', command]);
    const row = page.getByTestId('activity-row');
    await row.getByText('u_1', { exact: true }).waitFor();
    expect(await row.getByTestId('decision-chip').innerText()).toMatch(/WELCOME_EMAIL\s+Send/);
  });

  test('events appear while the page is open, newest first, each decision a chip', async () => {
    const { page } = await visit('#/');
    await page.getByTestId('activity-row').waitFor();
    await postExample();
    await page.locator('[data-event-id="pay-2"]').waitFor();
    expect(await eventIds(page.getByTestId('activity-row'))).toEqual([
      ...['joao-signup', 'joao-link', 'maria-link', 'pay-2', 'pay-1', 'maria-signup'],
      expect.any(String),
    ]);
    expect(await chips(page, 'pay-1')).toEqual(['INSUFFICIENT_FUNDS_EMAIL Send', 'HIGH_RISK_ALERT Send']);
    expect(await chips(page, 'pay-2')).toEqual(['INSUFFICIENT_FUNDS_EMAIL Suppressed', 'HIGH_RISK_ALERT Not matched']);
    await post({ event_id: 'frozen', user_id: 'maria', event_type: 'card_frozen' });
    await activityRow(page, 'frozen').getByText('No rule triggers on this event').waitFor();
  });

  test('the reason of a chip shows on hover and on keyboard focus; Enter leads to its event', async () => {
    const { page } = await visit('#/');
    const reason = /^Not sent: already sent on .* \(1 of 1 per day\)\.$/;
    const row = activityRow(page, 'pay-2');
    const chip = row.getByTestId('decision-chip').first();
    await chip.hover();
    await page.getByRole('tooltip', { name: reason }).waitFor();
    await page.mouse.move(0, 0);
    await page.getByRole('tooltip').waitFor({ state: 'detached' });
    await row.getByRole('link', { name: 'payment_failed', exact: true }).focus();
    await page.keyboard.press('Tab');
    await page.getByRole('tooltip', { name: reason }).waitFor();
    await page.keyboard.press('Enter');
    await page.locator('article[data-marked]').waitFor();
    expect(await eventIds(page.locator('article[data-marked]'))).toEqual(['pay-2']);
    expect(page.url()).toBe(`${server.url}/#/users/maria?event=pay-2`);
  });

  test('paused, it does not ask; going on, it catches up', async () => {
    const { page } = await visit('#/', {}, (opened) => opened.clock.install());
    await page.getByTestId('activity-row').first().waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByTestId('live').getByText('paused').waitFor();
    // One that was on its way already.
    await page.waitForLoadState('networkidle');
    let asked = 0;
    page.on('request', () => asked++);
    await page.clock.runFor(10_000);
    await post({ event_id: 'unseen', user_id: 'maria', event_type: 'card_frozen' });
    expect(asked).toBe(0);
    expect(await activityRow(page, 'unseen').count()).toBe(0);
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.clock.runFor(2000);
    await activityRow(page, 'unseen').waitFor();
  });

  // -------------------------------------------------------------------------------------------------------------------

  test('search: the beginning of an id finds people, Enter opens one', async () => {
    const { page } = await visit('#/');
    await page.getByTestId('activity-row').first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('mar');
    await page.getByRole('option', { name: 'maria' }).waitFor();
    expect(await page.getByRole('option').allInnerTexts()).toEqual(['maria']);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByTestId('user-id').getByText('maria', { exact: true }).waitFor();
    await page.getByTestId('user-search').fill('joao');
    await page.getByTestId('user-search').press('Enter');
    await page.getByTestId('user-id').getByText('joao', { exact: true }).waitFor();
    expect(page.url()).toBe(`${server.url}/#/users/joao`);
  });

  test('a person: the profile with masked addresses, times in the viewer’s zone and in UTC', async () => {
    const { page } = await visit('#/users/maria', { timezoneId: 'America/New_York' });
    const profile = page.getByTestId('profile');
    await profile.getByText('m…@example.com').waitFor();
    expect(await profile.innerText()).toMatch(/no phone number[\s\S]*Europe\/Lisbon[\s\S]*risk_segment\s+HIGH/);
    expect(await page.content()).not.toContain('maria@example.com');
    const time = entry(page, 'pay-1').getByRole('time').first();
    expect([await time.innerText(), await time.getAttribute('title')]).toEqual([
      '15:22:11 GMT-4',
      '2025-10-31 19:22:11 UTC',
    ]);
    const days = page.getByTestId('timeline').getByRole('heading', { level: 2 });
    expect(await days.last().innerText()).toBe('Friday, 31 October 2025 GMT-4');
    expect(await profile.innerText()).toMatch(/Last changed .* GMT-[45]/);
  });

  test('times: one switch says their zone, and puts all of them in UTC as the sentences are', async () => {
    const { page } = await visit('#/users/maria', { timezoneId: 'Asia/Tokyo' });
    const time = entry(page, 'pay-1').getByRole('time').first();
    await page.getByTestId('zone').getByText('UTC').waitFor();
    expect(await time.innerText()).toBe('04:22:11 GMT+9');
    const days = page.getByTestId('timeline').getByRole('heading', { level: 2 });
    expect(await days.last().innerText()).toBe('Saturday, 1 November 2025 GMT+9');
    await page.getByTestId('zone').getByText('UTC').click();
    await expect.poll(() => time.innerText()).toBe('19:22:11 UTC');
    expect(await days.last().innerText()).toBe('Friday, 31 October 2025 UTC');
    await page.reload();
    await time.waitFor();
    expect(await time.innerText()).toBe('19:22:11 UTC');
    await page.getByTestId('zone').getByText('GMT+9').click();
    await expect.poll(() => time.innerText()).toBe('04:22:11 GMT+9');
  });

  test('the timeline tells, newest first, event, decisions, messages and attempts', async () => {
    const { page } = await visit('#/users/maria');
    await entry(page, 'pay-1').waitFor();
    const ids = await eventIds(page.getByTestId('timeline-entry'));
    expect(ids.slice(-4)).toEqual(['maria-link', 'pay-2', 'pay-1', 'maria-signup']);
    const card = entry(page, 'pay-1');
    expect(await card.getByTestId('outcome-badge').allInnerTexts()).toEqual(['Send', 'Send']);
    const [email, alert] = await card.getByTestId('delivery').all();
    await email?.getByText('Sent', { exact: true }).waitFor();
    expect(await email?.innerText()).toMatch(/^Email\s+Sent\s+by sandbox/);
    expect(await alert?.innerText()).toMatch(/^Internal\s+Sent\s+by doubtful/);
    await email?.getByTestId('attempts-button').click();
    expect(await email?.getByTestId('attempt').innerText()).toMatch(/Sent\s+.* · \d+ ms · sandbox/);
    await card.getByTestId('event-details').click();
    await card.getByText('recipient_id', { exact: true }).waitFor();
    expect(await card.innerText()).toMatch(/amount\s+1425[\s\S]*catalog version 1 · event ID pay-1/);
  });

  test('evidence: the condition with the values it saw, and the uses of a limit with their events', async () => {
    const { page } = await visit('#/users/maria');
    const [limited, unmet] = await openEvidence(entry(page, 'pay-2'));
    expect(limited).toMatch(/event\.failure_reason == "INSUFFICIENT_FUNDS"\s+true\s+event\.failure_reason\s+INSUFF/);
    expect(limited).toMatch(
      /1 of 1 used before · 1 per day, 2025-10-31 \(UTC\)\s+Sent for the event of 31 Oct 2025, 19:22/,
    );
    expect(unmet).toMatch(/event\.attempt_number >= 3\s+false\s+event\.attempt_number\s+1/);
    await entry(page, 'pay-2').getByRole('link', { name: 'the event' }).click();
    await page.locator('article[data-marked][data-event-id="pay-1"]').waitFor();
  });

  test('evidence: a field that was missing', async () => {
    await post({ event_id: 'nobody-asked', user_id: 'rui', event_type: 'signup_completed' });
    const { page } = await visit('#/users/rui');
    const [evidence] = await openEvidence(entry(page, 'nobody-asked'));
    expect(evidence).toMatch(/a field is missing\s+traits\.marketing_opt_in\s+missing/);
  });

  test('evidence: the window of a pattern as a bar, empty, and with the event that completed it late', async () => {
    const { page } = await visit('#/users/joao');
    const [alone] = await openEvidence(entry(page, 'joao-link'));
    expect(alone).toMatch(
      /No signup_completed was found in the 24h before it\s+31 Oct 2025, 09:00 UTC\s+24h\s+1 Nov 2025, 09:00 UTC/,
    );
    expect(await entry(page, 'joao-link').locator('.pattern-mark').count()).toBe(1);
    const evidence = await openEvidence(entry(page, 'joao-signup'));
    expect(evidence[1]).toMatch(
      /This signup_completed arrived late: the event 12 h 30 min after it, at 1 Nov 2025, 09:00 UTC, was received first/,
    );
    // Half of the window lies before the earlier one; the later one ends it.
    expect(await marks(entry(page, 'joao-signup'))).toEqual([48, 100]);
    await entry(page, 'joao-signup').getByRole('link', { name: '1 Nov 2025, 09:00 UTC' }).click();
    await page.locator('article[data-marked][data-event-id="joao-link"]').waitFor();
  });

  test('more events than a page: older ones on demand, or until the one is found that a link points at', async () => {
    const many = Array.from({ length: 60 }, (_, n) => ({
      event_id: `view-${n}`,
      user_id: 'busy',
      event_type: 'page_viewed',
      event_timestamp: new Date(Date.UTC(2025, 9, 31, 10, n)).toISOString(),
    }));
    await post(...many);
    const { page } = await visit('#/users/busy');
    await entry(page, 'view-59').waitFor();
    expect(await page.getByTestId('timeline-entry').count()).toBe(50);
    await page.getByTestId('load-older').click();
    await entry(page, 'view-3').waitFor();
    expect(await eventIds(page.getByTestId('timeline-entry'))).toEqual(many.map((one) => one.event_id).reverse());
    expect(await page.getByTestId('load-older').count()).toBe(0);

    const { page: linked } = await visit('#/users/busy?event=view-3');
    const found = linked.locator('article[data-marked][data-event-id="view-3"]');
    await found.waitFor();
    expect((await found.boundingBox())?.y).toBeLessThan(720);
    await linked.goto(`${server.url}/#/users/busy?event=never-was`);
    await linked.getByText('The event in this link was not found.').waitFor();
  });

  test('looking for the event of a link says how far it is, and can be stopped', async () => {
    const older = /audit\/busy\?.*before=/;
    // Not answered, until it is.
    const { page } = await visit('#/users/busy?event=view-3', {}, (opened) => opened.route(older, () => {}));
    const search = page.getByTestId('event-search');
    await search.getByText('Searching for the event in this link: not among the latest 50').waitFor();
    await search.getByRole('button', { name: 'Stop' }).click();
    await search.getByText('The event in this link is not among the latest 50.').waitFor();
    await search.getByRole('button', { name: 'Continue' }).click();
    await search.getByText('Searching for the event').waitFor();
    await page.unroute(older);
    await page.locator('article[data-marked][data-event-id="view-3"]').waitFor();
    await search.waitFor({ state: 'detached' });
  });

  test('a long timeline draws only what it adds, and lays out only what is on the screen', async () => {
    await post(
      ...Array.from({ length: 120 }, (_, n) => ({
        event_id: `step-${n}`,
        user_id: 'runner',
        event_type: 'page_viewed',
        event_timestamp: new Date(Date.UTC(2025, 9, 30, 10, 0, n)).toISOString(),
      })),
    );
    // The time of an entry is put in words each time it is drawn, and seconds stand nowhere else on this page.
    const { page } = await visit('#/users/runner', {}, (opened) =>
      opened.addInitScript(`{
        const { get } = Object.getOwnPropertyDescriptor(Intl.DateTimeFormat.prototype, 'format');
        globalThis.drawn = 0;
        Object.defineProperty(Intl.DateTimeFormat.prototype, 'format', {
          get() {
            const { second, timeZoneName } = this.resolvedOptions();
            if (second && timeZoneName) globalThis.drawn++;
            return get.call(this);
          },
        });
      }`),
    );
    const entries = page.getByTestId('timeline-entry');
    for (const count of [50, 100, 120]) {
      await expect.poll(() => entries.count()).toBe(count);
      if (count < 120) await page.getByTestId('load-older').click();
    }
    expect(await page.evaluate('drawn')).toBe(120);
    const last = 'getComputedStyle(document.querySelector("[data-event-id=step-0]")).contentVisibility';
    expect(await page.evaluate(last)).toBe('auto');
  });

  test('older pages shown, it stays live: what is new is counted, and shows when asked for', async () => {
    const { page } = await visit('#/users/runner');
    await page.getByTestId('load-older').click();
    await expect.poll(() => page.getByTestId('timeline-entry').count()).toBe(100);
    await post({ event_id: 'latest-step', user_id: 'runner', event_type: 'card_frozen' });
    const fresh = page.getByRole('button', { name: 'Show 1 new' });
    await fresh.waitFor();
    expect(await entry(page, 'latest-step').count()).toBe(0);
    await fresh.click();
    await entry(page, 'latest-step').waitFor();
    expect(await page.getByTestId('timeline-entry').count()).toBe(101);
    await fresh.waitFor({ state: 'detached' });
    // More than a page of them: what lies between is not pretended to be there.
    await post(
      ...Array.from({ length: 55 }, (_, n) => ({
        event_id: `sprint-${n}`,
        user_id: 'runner',
        event_type: 'card_frozen',
        event_timestamp: new Date(Date.UTC(2025, 10, 19, 11, 0, n)).toISOString(),
      })),
    );
    await page.getByRole('button', { name: 'Show 50 or more new' }).click();
    await entry(page, 'sprint-54').waitFor();
    await expect.poll(() => page.getByTestId('timeline-entry').count()).toBe(50);
    await page.getByTestId('load-older').waitFor();
  });

  // -------------------------------------------------------------------------------------------------------------------

  test('why, and why not: an answer for each notification type', async () => {
    const { page } = await visit('#/users/joao');
    const answers = await openWhy(page);
    expect(Object.keys(answers)).toEqual(TYPES);
    expect(answers.WELCOME_EMAIL).toMatch(
      /Not sent\s+WELCOME_EMAIL was not sent to joao\. .* needs traits\.marketing_opt_in == true, .* was false\./,
    );
    expect(answers.WELCOME_EMAIL).toMatch(
      /On\s+signup_completed\s+When\s+traits\.marketing_opt_in == true\s+Limit\s+once/,
    );
    expect(answers.BANK_LINK_NUDGE_SMS).toMatch(
      /Undeliverable, .*\s+BANK_LINK_NUDGE_SMS was not delivered to joao\. The rule BANK_LINK_NUDGE_SMS decided/,
    );
    expect(answers.BANK_LINK_NUDGE_SMS).toMatch(/No phone number is known/);
    expect(answers.HIGH_RISK_ALERT).toMatch(/Not sent\s+.* no such event of joao was ever received/);
  });

  test('why: sent, and when', async () => {
    const { page } = await visit('#/users/maria');
    const answers = await openWhy(page);
    expect(answers.INSUFFICIENT_FUNDS_EMAIL).toMatch(/Sent, .*\s+.* It was kept in the sandbox/);
  });

  test('why not, of a stranger: still an answer for each, and the ids that begin alike', async () => {
    const { page } = await visit('#/users/mari');
    await page.getByText('No events for this user').waitFor();
    const answers = await openWhy(page);
    expect(Object.keys(answers)).toEqual(TYPES);
    for (const [type, answer] of Object.entries(answers)) {
      expect(answer).toContain(`${type} was not sent to mari. Nothing is known of mari: no event was ever received.`);
    }
    await page.getByTestId('similar').getByRole('link', { name: 'maria' }).click();
    await entry(page, 'maria-signup').waitFor();
  });

  // -------------------------------------------------------------------------------------------------------------------

  test('what waits: for what, until when where the person is, and how it ended', async () => {
    const now = Date.now();
    const booking = { user_id: 'wanda', event_type: 'booking_confirmed', user_traits: { time_zone: 'America/Lima' } };
    const at = (hours: number) => new Date(now + hours * HOUR).toISOString();
    const booked = (id: string, hours: number, later = 0) => ({
      ...booking,
      event_id: id,
      event_timestamp: new Date(now + later).toISOString(),
      properties: { booking_id: 'b7', starts_at: at(hours) },
    });
    await post(booked('booked', 72.5));
    const { page } = await visit('#/users/wanda', { timezoneId: 'Europe/Lisbon' });
    const open = page.locator('[data-testid=wait][data-status=waiting]');
    const lima = (hours: number) =>
      new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'America/Lima' }).format(
        now + hours * HOUR,
      );
    await open.getByText(`${lima(48.5)} (America/Lima)`).waitFor();
    expect(await open.innerText()).toMatch(
      /Waiting\s+REMINDER\s+Waits for its scheduled time, key b7\s+since booking_confirmed of .*\s+Due in 2 d \d+ min,/,
    );
    const answers = await openWhy(page);
    expect(answers.REMINDER).toMatch(/Waiting, due .*\s+REMINDER has not been sent to wanda yet\./);
    expect(answers.REMINDER).toMatch(
      /Key\s+event\.booking_id\s+At\s+event\.starts_at - 24h\s+If missing\s+error\s+Cancel on\s+booking_cancelled/,
    );
    await post(booked('moved', 96.5, 500));
    await open.getByText(`${lima(72.5)} (America/Lima)`).waitFor();
    await page.getByTestId('waits-ended').click();
    const ended = page.locator('[data-testid=wait][data-status=cancelled]');
    expect(await ended.innerText()).toMatch(/Cancelled\s+REMINDER[\s\S]*ended .* by this event/);
    // The move ends the earlier wait and begins another.
    expect(await entry(page, 'moved').getByTestId('outcome-badge').allInnerTexts()).toEqual(['Cancelled', 'Scheduled']);
    const [superseded, moved] = await openEvidence(entry(page, 'moved'));
    expect(superseded).toMatch(/ended by\s+booking_confirmed of /);
    expect(moved).toMatch(
      /Key\s+b7\s+Wait\s+For its scheduled time\s+since\s+.*\s+due\s+.*\s+moved from\s+.*\s+Rule REMINDER/,
    );
    await post({
      event_id: 'called-off',
      user_id: 'wanda',
      event_type: 'booking_cancelled',
      event_timestamp: new Date(now + 1000).toISOString(),
      properties: { booking_id: 'b7' },
    });
    await page.getByText('No pending waits.').waitFor();
    expect(await ended.count()).toBe(2);
    const [cancelled] = await openEvidence(entry(page, 'called-off'));
    expect(await entry(page, 'called-off').getByTestId('outcome-badge').innerText()).toBe('Cancelled');
    expect(cancelled).toMatch(/ended by\s+booking_cancelled of /);
    await post({ ...booked('undated', 0), properties: { booking_id: 'b8' } });
    await entry(page, 'undated').getByText('Failed', { exact: true }).waitFor();
  });

  test('evidence: steps, counts, changes, branches, parts of a split, and what a wait came to', async () => {
    const now = Date.now();
    const about = { user_id: 'carla', event_timestamp: new Date(now).toISOString() };
    const ago = (hours: number) => new Date(now - hours * HOUR).toISOString();
    await post({ ...about, event_id: 'carla-1', event_type: 'signup_completed', event_timestamp: ago(48) });
    await post({ ...about, event_id: 'carla-2', event_type: 'link_bank_success', event_timestamp: ago(24) });
    await post({ ...about, event_id: 'bought', event_type: 'plan_bought', properties: { plan: 'pro' } });
    const { page } = await visit('#/users/carla');
    const card = entry(page, 'bought');
    await card.waitFor();
    expect(await card.getByTestId('outcome-badge').allInnerTexts()).toEqual(['Acted', 'Scheduled']);
    const [, begun] = await openEvidence(card);
    expect(begun).toMatch(/Order of events\s+signup_completed of .*\s+then link_bank_success of /);
    expect(begun).toMatch(/Count\s+1 of plan_bought counted, at least 1 needed/);
    expect(begun).toMatch(/Wait\s+For the end of its delay\s+since/);
    expect((await marks(card)).length).toBe(3);

    const [changed] = await openEvidence(page.getByTestId('timeline-entry').filter({ hasText: 'profile.updated' }));
    expect(changed).toMatch(/Change\s+plan changed from null to "pro"[\s\S]*Choice\s+branch 2/);

    await post(
      { ...about, event_id: 'letter-1', event_type: 'message_received', properties: { thread_id: 't' } },
      { ...about, event_id: 'letter-2', event_type: 'message_received', properties: { thread_id: 't' } },
    );
    await page.locator('[data-testid=wait][data-rule=INBOX]').getByText('2 collected').waitFor();
    tidings.clock.now += HOUR;
    expect(await tidings.pipeline.fireDueWaits('default', ['carla'])).toBe(2);
    await card.getByText('Send', { exact: true }).waitFor();
    expect(await card.getByTestId('outcome-badge').allInnerTexts()).toEqual(['Acted', 'Scheduled', 'Send']);
    await card.getByTestId('evidence-button').last().click();
    expect(await card.getByTestId('evidence').last().innerText()).toMatch(/Split\s+all, 100% of the users/);
    await page.getByTestId('waits-ended').click();
    const inbox = page.locator('[data-testid=wait][data-rule=INBOX]');
    expect(await inbox.innerText()).toMatch(/^Send\s+INBOX\s+Waited for more items of the digest, key t, 2 collected/);
    const letters = page.getByTestId('decision').filter({ hasText: 'INBOX' }).filter({ hasText: 'Send' });
    await letters.getByTestId('evidence-button').click();
    expect(await letters.innerText()).toMatch(/Digest\s+2 collected, of which the message has the latest 1/);
  });

  // -------------------------------------------------------------------------------------------------------------------

  test('a message as it was sent: to whom, subject, HTML, text', async () => {
    const { page } = await visit('#/users/maria');
    await entry(page, 'maria-signup').getByTestId('message-button').click();
    const message = page.getByTestId('message');
    expect(await message.getByTestId('message-subject').innerText()).toBe('Welcome to Alder, Maria');
    await message.getByText('to m…@example.com').waitFor();
    expect(await message.getByTestId('message-frame').getAttribute('sandbox')).toBe('');
    await page.frameLocator('[data-testid=message-frame]').getByText('Hello Maria, good to have you').waitFor();
    await message.getByText('Text', { exact: true }).click();
    expect(await message.getByTestId('message-text').innerText()).toMatch(/^Hello Maria,\n\nGood to have you\./);
    await page.keyboard.press('Escape');
    await message.waitFor({ state: 'detached' });
  });

  test('somebody else’s HTML runs no script, fetches nothing from outside and leads nowhere', async () => {
    await post({
      event_id: 'news',
      user_id: 'reader',
      event_type: 'newsletter_due',
      user_traits: { email: 'r@example.com' },
    });
    const { page, complaints } = await visit('#/users/reader');
    // The browser announces some requests before the policy stops them; that they reached nobody is asked of `outside`.
    const stopped = new Set<string>();
    page.on('requestfailed', (request) => {
      if (request.failure()?.errorText === 'csp') stopped.add(`a request to ${request.url()}`);
    });
    await entry(page, 'news').getByTestId('message-button').click();
    const frame = page.frameLocator('[data-testid=message-frame]');
    expect(await frame.locator('#words').innerText()).toBe('Read this.');
    expect(await page.title()).toBe('reader · Tidings');
    await frame.getByRole('link', { name: 'More' }).click();
    // The browser tells what it refused.
    await expect.poll(() => complaints.join('\n')).toContain(`Blocked opening '${outside.url}/link' in a new window`);
    for (const file of ['style.css', 'import.css', 'background.png', 'pixel.png']) {
      expect(complaints).toContainEqual(expect.stringMatching(`'${outside.url}/${file}' violates .* blocked`));
    }
    expect(complaints).toContainEqual(expect.stringContaining(`Framing '${outside.url}/' violates`));
    expect(complaints).toContainEqual(expect.stringMatching(/^Refused to execute the redirect/));
    expect(complaints).toContainEqual(expect.stringMatching(/^Blocked script execution/));
    const others = complaints.filter((one) => !/^Blocked |^Refused |Content Security Policy/.test(one));
    expect(others.filter((one) => !stopped.has(one))).toEqual([]);
    expect(page.context().pages()).toEqual([page]);
    expect([await page.title(), await frame.locator('#words').innerText()]).toEqual(['reader · Tidings', 'Read this.']);
    expect(outside.asked).toEqual([]);
    complaints.length = 0;
  });

  test('what is posted as HTML stays text, and an id may hold anything', async () => {
    const html = '<img src=x onerror="document.title=1">';
    await post({
      event_id: html,
      user_id: ODD_ID,
      event_type: 'payment_failed',
      properties: { failure_reason: html, [html]: html },
      user_traits: { first_name: html, [html]: html },
    });
    const { page } = await visit('#/');
    await activityRow(page, html).getByRole('link', { name: ODD_ID, exact: true }).click();
    await page.getByTestId('user-id').getByText(ODD_ID, { exact: true }).waitFor();
    await page.reload();
    await page.getByTestId('user-id').getByText(ODD_ID, { exact: true }).waitFor();
    await openEvidence(entry(page, html));
    await entry(page, html).getByTestId('event-details').click();
    const answers = await openWhy(page);
    expect(answers.WELCOME_EMAIL).toContain(`WELCOME_EMAIL was not sent to ${ODD_ID}.`);
    expect(await entry(page, html).getByText(html, { exact: true }).count()).toBeGreaterThanOrEqual(5);
    expect(await page.getByTestId('profile').getByText(html, { exact: true }).count()).toBe(3);
    expect(await page.locator('img').count()).toBe(0);
    await page.goto(`${server.url}/#/`);
    await activityRow(page, html).getByTestId('decision-chip').first().click();
    await page.locator('article[data-marked]').waitFor();
    await page.getByTestId('user-search').fill(ODD_ID.slice(0, 9));
    await page.getByRole('option', { name: ODD_ID, exact: true }).click();
    await page.waitForURL(`${server.url}/#/users/${encodeURIComponent(ODD_ID)}`);
  });

  // -------------------------------------------------------------------------------------------------------------------

  test('deliveries: by status; what was undeliverable is sent by a retry once the address is known', async () => {
    const signup = { user_id: 'ines', event_type: 'signup_completed', user_traits: { marketing_opt_in: true } };
    await post({ event_id: 'ines-signup', ...signup });
    const { page } = await visit('#/deliveries');
    const row = deliveryRow(page, 'ines');
    await row.getByText('No email address is known for this user').waitFor();
    await page.getByRole('link', { name: 'Undeliverable' }).click();
    await row.waitFor();
    await expect.poll(() => statuses(page)).toEqual(['undeliverable']);
    await post({ event_id: 'ines-mail', user_id: 'ines', event_type: 'x', user_traits: { email: 'ines@example.com' } });
    await row.getByTestId('retry-button').click();
    await row.waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Sent', exact: true }).click();
    await row.getByText('by sandbox').waitFor();
    await expect.poll(() => statuses(page)).toEqual(['sent']);
    await row.getByTestId('message-button').click();
    await page.getByTestId('message').getByText('to i…@example.com').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('message').waitFor({ state: 'detached' });
    await row.getByRole('link', { name: 'ines' }).click();
    await entry(page, 'ines-signup').getByText('2 attempts').waitFor();
    await page.goto(`${server.url}/#/deliveries?status=dead`);
    await page.getByText('No deliveries with status “Dead”').waitFor();
  });

  test('deliveries: what is in doubt asks before it is sent again', async () => {
    await post({ event_id: 'doubt', user_id: 'doubt', event_type: 'alert_raised' });
    const { page } = await visit('#/deliveries?status=in_doubt');
    const row = deliveryRow(page, 'doubt');
    await row.getByText('The message may have been sent').waitFor();
    await row.getByTestId('retry-button').click();
    await page.getByText('the user may receive it twice').waitFor();
    await page.getByTestId('retry-confirm').click();
    await row.waitFor({ state: 'detached' });
    await page.goto(`${server.url}/#/deliveries?status=sent`);
    await row.waitFor();
  });

  test('deliveries: a retry that another agent was first with says so', async () => {
    await post({
      event_id: 'eva',
      user_id: 'eva',
      event_type: 'signup_completed',
      user_traits: { marketing_opt_in: true },
    });
    const { page, complaints } = await visit('#/deliveries?status=undeliverable');
    const row = deliveryRow(page, 'eva');
    await row.waitFor();
    // From here on this page sees nothing new.
    await page.route('**/api/v1/deliveries?*', () => {});
    await post({ event_id: 'eva-mail', user_id: 'eva', event_type: 'x', user_traits: { email: 'eva@example.com' } });
    const id = await row.getAttribute('data-delivery-id');
    expect((await server.post(`/api/v1/deliveries/${id}/retry`)).status).toBe(202);
    await expect
      .poll(async () => (await server.get('/api/v1/audit/eva')).body.notifications[0].deliveries[0].status)
      .toBe('sent');
    await row.getByTestId('retry-button').click();
    await page.getByTestId('problem').getByText('Not retryable').waitFor();
    await page.getByTestId('problem').getByText('The delivery is sent; only').waitFor();
    expect(complaints.splice(0)).toEqual([expect.stringContaining('status of 409')]);
  });

  test('catalog: the version, the rules in words, the types with their channels', async () => {
    const { page } = await visit('#/');
    await page.getByRole('link', { name: 'Catalog' }).click();
    await page.getByTestId('catalog-version').getByText('version 1, applied').waitFor();
    const nudge = page.getByTestId('rule').filter({ hasText: 'BANK_LINK_NUDGE_SMS' });
    expect(await nudge.innerText()).toMatch(
      /On\s+link_bank_success\s+After\s+within 24h after signup_completed\s+Limit\s+once/,
    );
    const alert = page.getByTestId('rule').filter({ hasText: 'HIGH_RISK_ALERT' });
    expect(await alert.innerText()).toMatch(/When\s+event\.attempt_number >= 3\s+Limit\s+none/);
    const types = page.getByTestId('notification-type');
    expect(await types.count()).toBe(TYPES.length);
    expect(await types.first().innerText()).toMatch(/WELCOME_EMAIL\s+Welcomes a new customer .*\s+Email\s+marketing/);
    const followUp = page.getByTestId('rule').filter({ has: page.getByRole('heading', { name: 'FOLLOW_UP' }) });
    expect(await followUp.innerText()).toMatch(
      /signup_completed, then within 30d\s+link_bank_success, then within 30d\s+Count\s+at least 1 of plan_bought within day/,
    );
    expect(await followUp.innerText()).toMatch(/Delay\s+5m\s+Limit\s+none\s+Split\s+control 0%, all 100%\s+FOLLOW_UP/);
    const tip = page.getByTestId('rule').filter({ has: page.getByRole('heading', { name: 'PRO_TIP' }) });
    expect(await tip.innerText()).toMatch(
      /On\s+plan becomes "pro"\s+[\s\S]*Choose\s+user\.plan == "basic" → NEWSLETTER\s+otherwise → PRO_TIP/,
    );
    const keep = page.getByTestId('rule').filter({ has: page.getByRole('heading', { name: 'KEEP_PLAN' }) });
    expect(await keep.innerText()).toMatch(/Do\s+set plan to event\.plan\s+nothing is sent/);
    await page.getByTestId('event-type').getByText('A payment did not go through.').waitFor();
    await page.goto(`${server.url}/#/elsewhere`);
    await page.getByText('Page not found').waitFor();
  });

  test('versions: what each changed, and back to an earlier one once that is confirmed', async () => {
    const changed = new Map(catalog);
    changed.set('rules.yaml', changed.get('rules.yaml')!.replace('event.starts_at - 24h', 'event.starts_at - 2h'));
    expect(await tidings.apply(changed)).toBe(2);
    const { page } = await visit('#/catalog');
    await page.getByTestId('catalog-version').getByText('version 2, applied').waitFor();
    await page.getByRole('link', { name: 'All versions' }).click();
    const versions = page.getByTestId('version');
    await versions.nth(1).waitFor();
    expect(await versions.allInnerTexts()).toEqual([
      expect.stringMatching(/^Version 2\s+active\s+applied .* by test · \d+ rules, \d+ notification types/),
      expect.stringMatching(/^Version 1\s+applied .*Roll back/s),
    ]);
    await versions.first().getByTestId('version-changes').click();
    const differences = page.getByTestId('difference');
    expect(await waited(differences)).toEqual([
      expect.stringMatching(/^changed\s+rule REMINDER\s+at\s+event\.starts_at - 24h\s+event\.starts_at - 2h$/),
    ]);
    await versions.last().getByTestId('rollback-button').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Roll back to version 1?').waitFor();
    expect(await waited(dialog.getByTestId('difference'))).toEqual([
      expect.stringMatching(/^changed\s+rule REMINDER\s+at\s+event\.starts_at - 2h\s+event\.starts_at - 24h$/),
    ]);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
    expect((await server.get('/api/v1/catalog')).body.version).toBe(2);
    await versions.last().getByTestId('rollback-button').click();
    await page.getByTestId('rollback-confirm').click();
    await versions.last().getByText('active', { exact: true }).waitFor();
    expect((await server.get('/api/v1/catalog')).body.version).toBe(1);
    await versions.first().getByTestId('rollback-button').waitFor();
    await page.getByRole('link', { name: 'Active catalog' }).click();
    await page.getByTestId('catalog-version').getByText('version 1, applied').waitFor();
  });

  // -------------------------------------------------------------------------------------------------------------------

  test('refused events: why, where, how often, the event itself, and another try', async () => {
    const refused = (id: string) => ({
      event_id: id,
      user_id: 'paula',
      event_type: 'payment_failed',
      event_timestamp: '2025-11-19T10:00:00Z',
      properties: { amount: 'plenty' },
      user_traits: { email: 'paula@example.com' },
    });
    const late = { event_type: 'signup_completed', user_id: 'paula', event_timestamp: '2025-11-19 10:00' };
    await server.post('/api/v1/events', late);
    tidings.clock.now++;
    await server.post('/api/v1/events', refused('too-much'));
    await server.post('/api/v1/events', refused('too-much'));
    const { page, complaints } = await visit('#/');
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

    const fixed = new Map(catalog);
    fixed.set('events.yaml', catalog.get('events.yaml')!.replaceAll('amount: number', 'amount: string'));
    await tidings.apply(fixed);
    await row.getByTestId('rejected-retry').click();
    const accepted = page.getByTestId('retry-accepted');
    await accepted.waitFor();
    expect(await accepted.innerText()).toMatch(
      /Accepted: payment_failed of paula\. INSUFFICIENT_FUNDS_EMAIL: not matched, /,
    );
    await expect.poll(() => rows.count()).toBe(1);
    await accepted.getByRole('link', { name: 'View event' }).click();
    await page.locator('article[data-marked][data-event-id="too-much"]').waitFor();
    await tidings.apply(catalog);
  });

  test('refused events: each code has its advice', async () => {
    const page = await readFile(new URL('../docs/errors.md', import.meta.url), 'utf8');
    const section = page.split('## Rejected events')[1]?.split('\n## ')[0] ?? '';
    const codes = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code);
    expect(Object.keys(ADVICE_BY_CODE).sort()).toEqual(codes.sort());
  });

  // -------------------------------------------------------------------------------------------------------------------

  test('another page: its name, its top, the focus on its heading; Back leads to where one was', async () => {
    const { page } = await visit('#/users/runner');
    await page.getByTestId('load-older').scrollIntoViewIfNeeded();
    const place = await page.evaluate<number>('scrollY');
    expect(place).toBeGreaterThan(1000);
    expect(await page.title()).toBe('runner · Tidings');
    await page.getByRole('link', { name: 'Deliveries', exact: true }).click();
    await page.getByTestId('deliveries').waitFor();
    expect(await page.title()).toBe('Deliveries · Tidings');
    expect(await page.evaluate('[scrollY, document.activeElement.textContent]')).toEqual([0, 'Deliveries']);
    // A filter is no other page.
    const sent = page.getByRole('link', { name: 'Sent', exact: true });
    await sent.click();
    await expect.poll(() => statuses(page)).toEqual(['sent']);
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Sent');
    await page.goBack();
    await page.goBack();
    await entry(page, 'sprint-54').waitFor();
    expect(await page.evaluate('[Math.round(scrollY), document.activeElement.textContent]')).toEqual([place, 'runner']);
    await page.goForward();
    await page.getByRole('heading', { name: 'Deliveries' }).waitFor();
    expect(await page.evaluate('scrollY')).toBe(0);
  });

  test('each page has one heading of the first level, and skips none', async () => {
    const { page } = await visit('#/');
    for (const hash of [...PAGES, '#/elsewhere', '#/users/nobody-at-all']) {
      await page.goto(`${server.url}/${hash}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      if (PAGES.includes(hash)) await settled(page);
      const levels = await page.evaluate<number[]>(
        '[...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].map(({ tagName }) => Number(tagName[1]))',
      );
      expect([levels[0], levels.filter((level) => level === 1).length], hash).toEqual([1, 1]);
      expect(
        levels.filter((level, index) => level > (levels[index - 1] ?? 0) + 1),
        hash,
      ).toEqual([]);
    }
  });

  test('a busy time: says how many of the latest events it shows, and shows more', async () => {
    const { page } = await visit('#/');
    await page.getByTestId('activity-end').getByText('The latest 50 events, back to').waitFor();
    expect(await page.getByTestId('activity-row').count()).toBe(50);
    await page.getByRole('button', { name: 'Load more' }).click();
    await page.getByText('The latest 200 events').waitFor();
    expect(await page.getByTestId('activity-row').count()).toBe(200);
  });

  test('the first command is made of the catalog in force, and without one it is still a command', async () => {
    const rule = (name: string, event: string, more = {}) => ({
      name,
      on: [event],
      notify: [name],
      after: [],
      limits: [],
      ...more,
    });
    const odd = {
      version: 1,
      applied_at: null,
      notifications: [{ name: 'THANKS', category: 'SYSTEM', channels: ['email'] }],
      groups: [],
      events: [
        {
          name: 'order_placed',
          properties: {
            type: 'object',
            properties: { count: { type: 'integer' }, kind: { enum: ["baker's", 'x'] }, note: { type: 'string' } },
            required: ['count', 'kind'],
          },
        },
      ],
      rules: [
        rule('REPORT', 'notification.failed'),
        rule('THANKS', 'order_placed', { when: 'event.channel == "web" && user.vip == true' }),
      ],
    };
    for (const [answer, type] of [
      [odd, 'order_placed'],
      [{ ...odd, rules: [] }, 'signup_completed'],
    ] as const) {
      const { page } = await visit('#/', {}, async (opened) => {
        await opened.route('**/api/v1/activity?*', (route) => route.fulfill({ json: { events: [] } }));
        await opened.route('**/api/v1/catalog', (route) => route.fulfill({ json: answer }));
      });
      const command = await page.getByTestId('first-curl').innerText();
      const { stdout } = await run('bash', ['-c', command.replace('curl', "printf '%s\\n'")]);
      const event = JSON.parse(stdout.split('-d\n')[1] ?? '');
      expect(event).toMatchObject({ event_type: type, user_traits: { email: 'maria@example.com' } });
      if (type !== 'order_placed') continue;
      expect(event.properties).toEqual({ count: 1, kind: "baker's", note: 'example', channel: 'web' });
      expect(event.user_traits.vip).toBe(true);
    }
  });

  test('with API keys: asks for one, keeps it in this tab only, never in an address', async () => {
    const closed = await testServer(tidings, { apiKeys: ['the-key-of-this-test'] });
    try {
      const { page, complaints } = await visit('#/users/maria', {}, undefined, closed.url);
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
      // Before the server goes: an open page would go on asking it.
      await leave();
      await closed.close();
    }
  });

  test('a problem is shown in the API’s words, with another try', async () => {
    const problem = {
      type: 'about:blank',
      title: 'Service overloaded',
      status: 503,
      detail: 'Too much.',
      code: 'overloaded',
    };
    const { page, complaints } = await visit('#/users/maria', {}, (opened) =>
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

  test('a server that goes away: said, and what was shown stays', async () => {
    const passing = await testServer(tidings);
    const { page, complaints } = await visit('#/', {}, undefined, passing.url);
    await page.getByTestId('activity-row').first().waitFor();
    await passing.close();
    await page.getByTestId('problem').getByText('Tidings cannot be reached').waitFor();
    expect(await page.getByTestId('live').innerText()).toBe('not updating');
    expect(await page.getByTestId('activity-row').count()).toBeGreaterThan(0);
    expect(complaints.splice(0).filter((one) => !/ERR_|status of 503/.test(one))).toEqual([]);
  });

  // -------------------------------------------------------------------------------------------------------------------

  test.each(['light', 'dark'] as const)('%s colours: all words can be read', async (colorScheme) => {
    const { page } = await visit('#/', { colorScheme });
    for (const hash of PAGES) {
      await page.goto(`${server.url}/${hash}`);
      await settled(page);
      if (hash.startsWith('#/users')) {
        await openEvidence(page.getByTestId('timeline-entry').last());
        await openWhy(page);
      }
      await page.mouse.move(0, 0);
      expect(await faintText(page), hash).toEqual([]);
    }
    expect(await page.locator('html').getAttribute('data-mantine-color-scheme')).toBe(colorScheme);
  });

  test('the colours of the system, until one chooses', async () => {
    const { page } = await visit('#/', { colorScheme: 'dark' });
    const scheme = (name: string) => page.locator(`html[data-mantine-color-scheme=${name}]`).waitFor();
    await scheme('dark');
    await page.getByRole('button', { name: 'Use light colors' }).click();
    await scheme('light');
    await page.reload();
    await scheme('light');
    await page.getByRole('button', { name: 'Use dark colors' }).waitFor();
  });

  test('on a telephone nothing is wider than the screen, and all can be reached', async () => {
    const { page } = await visit('#/', { viewport: { width: 390, height: 844 } });
    for (const hash of [...PAGES, `#/users/${encodeURIComponent(ODD_ID)}`]) {
      await page.goto(`${server.url}/${hash}`);
      await settled(page);
      for (const card of await page.getByTestId('timeline-entry').all()) await openEvidence(card);
      expect(await tooWide(page), hash).toBeLessThanOrEqual(0);
    }
    // By name: the words of the menu do not show here.
    await page.getByRole('link', { name: 'Deliveries', exact: true }).click();
    for (const button of await page.getByTestId('delivery-row').getByRole('button').all()) {
      const box = await button.boundingBox();
      expect((box?.x ?? 0) + (box?.width ?? 1000)).toBeLessThanOrEqual(390);
    }
    await page.getByTestId('message-button').first().click();
    await page.getByTestId('message').waitFor();
    expect(await tooWide(page)).toBeLessThanOrEqual(0);
  });

  test('on a telephone the timeline comes first: what stands beside it elsewhere opens on demand', async () => {
    const { page } = await visit('#/users/maria', { viewport: { width: 390, height: 844 } });
    const first = page.getByTestId('timeline-entry').first();
    await first.waitFor();
    expect((await first.boundingBox())?.y).toBeLessThan(500);
    expect(await page.getByTestId('why-row').count()).toBe(0);
    await page.getByRole('button', { name: 'Explanations' }).click();
    await page.getByTestId('why-row').first().waitFor();
    await page.getByRole('button', { name: 'Profile' }).click();
    await page.getByTestId('profile').getByText('Europe/Lisbon').waitFor();
    // The words of the search are not cut.
    const search = 'document.querySelector("[data-testid=user-search]")';
    await page.evaluate(`${search}.value = ${search}.placeholder`);
    expect(await page.evaluate(`${search}.scrollWidth - ${search}.clientWidth`)).toBeLessThanOrEqual(0);
    await page.goto(`${server.url}/#/users/${'long'.repeat(60)}`);
    await page.getByText('No events for this user').waitFor();
    expect((await page.locator('.user-icon').boundingBox())?.width).toBe(30);
  });

  test('a person with much beside the timeline: three waits at first, and one scroller for all', async () => {
    const letter = (thread: string) => ({
      user_id: 'wim',
      event_type: 'message_received',
      event_timestamp: new Date(tidings.clock.now).toISOString(),
      properties: { thread_id: thread },
    });
    await post(...['a', 'b', 'c', 'd', 'e'].map(letter));
    const { page } = await visit('#/users/wim');
    const waits = page.locator('[data-testid=wait][data-status=waiting]');
    await waits.first().waitFor();
    expect(await waits.count()).toBe(3);
    await page.getByRole('button', { name: 'Show all 5' }).click();
    expect(await waits.count()).toBe(5);
    await page.getByTestId('why-row').first().waitFor();
    const scrollers = `[...document.querySelectorAll('main *')].filter((part) =>
      /auto|scroll/.test(getComputedStyle(part).overflowY) && part.scrollHeight > part.clientHeight).length`;
    expect(await page.evaluate(scrollers)).toBe(0);
  });

  test('deliveries: older ones shown, those that come are still told of', async () => {
    const alerts = (count: number, name: string) =>
      Array.from({ length: count }, (_, n) => ({
        event_id: `${name}-${n}`,
        user_id: `${name}-${n}`,
        event_type: 'alert_raised',
      }));
    await post(...alerts(60, 'many'));
    const { page } = await visit('#/deliveries');
    const rows = page.getByTestId('delivery-row');
    await page.getByTestId('load-older').click();
    await expect.poll(() => rows.count()).toBeGreaterThan(50);
    const before = await rows.count();
    await post(...alerts(2, 'later'));
    await page.getByRole('button', { name: 'Show 2 new' }).click();
    await deliveryRow(page, 'later-1').waitFor();
    expect(await rows.count()).toBe(before + 2);
  });

  // -------------------------------------------------------------------------------------------------------------------

  async function visit(
    hash: string,
    settings: BrowserContextOptions = {},
    prepare?: (page: Page) => Promise<unknown>,
    url = server.url,
  ): Promise<Visit> {
    const opened = await openVisit(browser, url, settings);
    visits.push(opened);
    await prepare?.(opened.page);
    await opened.page.goto(`${url}/${hash}`);
    return opened;
  }

  async function leave(): Promise<void> {
    await Promise.all(visits.map(({ page }) => page.context().close()));
    visits = [];
  }

  /** In the order given, at a later moment than what came before. */
  async function post(...events: object[]): Promise<void> {
    tidings.clock.now = Math.max(Date.now(), tidings.clock.now + 1);
    const stamped = events.map((event) => ({ event_timestamp: '2025-11-19T10:00:00Z', ...event }));
    expect((await server.post('/api/v1/events', stamped)).body).toMatchObject({ accepted: events.length });
  }

  /** One who is told and then held back by a limit, and one whose pattern is completed late, without a phone. */
  async function postExample(): Promise<void> {
    const payment = { user_id: 'maria', event_type: 'payment_failed' };
    const failure = { amount: 1425, currency: 'EUR', failure_reason: 'INSUFFICIENT_FUNDS' };
    const traits = { first_name: 'Maria', time_zone: 'Europe/Lisbon', marketing_opt_in: true };
    for (const event of [
      {
        event_id: 'maria-signup',
        user_id: 'maria',
        event_type: 'signup_completed',
        event_timestamp: '2025-10-31T19:00:00Z',
        properties: { signup_method: 'google' },
        user_traits: { ...traits, email: 'maria@example.com', risk_segment: 'MEDIUM' },
      },
      {
        ...payment,
        event_id: 'pay-1',
        event_timestamp: '2025-10-31T19:22:11Z',
        properties: { ...failure, attempt_number: 3, payment_method: 'card', recipient_id: 'r_9' },
        user_traits: { risk_segment: 'HIGH' },
      },
      {
        ...payment,
        event_id: 'pay-2',
        event_timestamp: '2025-10-31T21:05:00Z',
        properties: { ...failure, attempt_number: 1 },
      },
      {
        event_id: 'maria-link',
        user_id: 'maria',
        event_type: 'link_bank_success',
        event_timestamp: '2025-11-02T21:30:00Z',
        properties: { bank_name: 'Banco Um' },
      },
      {
        event_id: 'joao-link',
        user_id: 'joao',
        event_type: 'link_bank_success',
        event_timestamp: '2025-11-01T09:00:00Z',
      },
      {
        event_id: 'joao-signup',
        user_id: 'joao',
        event_type: 'signup_completed',
        event_timestamp: '2025-10-31T20:30:00Z',
        user_traits: { email: 'joao@example.com', marketing_opt_in: false },
      },
    ]) {
      await post(event);
    }
  }
});

const activityRow = (page: Page, eventId: string): Locator =>
  page.locator(`[data-testid=activity-row][data-event-id=${JSON.stringify(eventId)}]`);

const entry = (page: Page, eventId: string): Locator =>
  page.locator(`[data-testid=timeline-entry][data-event-id=${JSON.stringify(eventId)}]`);

const deliveryRow = (page: Page, userId: string): Locator =>
  page.getByTestId('delivery-row').filter({ has: page.getByRole('link', { name: userId, exact: true }) });

async function eventIds(cards: Locator): Promise<(string | null)[]> {
  return Promise.all((await cards.all()).map((card) => card.getAttribute('data-event-id')));
}

async function chips(page: Page, eventId: string): Promise<string[]> {
  const words = await activityRow(page, eventId).getByTestId('decision-chip').allInnerTexts();
  return words.map((text) => text.replace(/\s+/g, ' '));
}

/** The statuses that the table of deliveries shows, each once. */
async function statuses(page: Page): Promise<(string | null)[]> {
  const rows = await page.getByTestId('delivery-row').all();
  return [...new Set(await Promise.all(rows.map((row) => row.getAttribute('data-status'))))];
}

/** Opens the evidence of each decision of an event. */
async function openEvidence(card: Locator): Promise<string[]> {
  await card.waitFor();
  for (const button of await card.getByTestId('evidence-button').all()) await button.click();
  return card.getByTestId('evidence').allInnerTexts();
}

/** Percent of the bar at which its marks stand. */
async function marks(card: Locator): Promise<number[]> {
  const styles = await Promise.all((await card.locator('.pattern-mark').all()).map((one) => one.getAttribute('style')));
  return styles.map((style) => Math.round(Number.parseFloat(/left: ([\d.]+)%/.exec(style ?? '')?.[1] ?? '')));
}

/** What they say, once there are any. */
async function waited(items: Locator): Promise<string[]> {
  await items.first().waitFor();
  return items.allInnerTexts();
}

/** Opens each row of "why, and why not": what it says, by notification type. */
async function openWhy(page: Page): Promise<Record<string, string>> {
  await page.getByTestId('why-row').first().waitFor();
  const answers: Record<string, string> = {};
  for (const row of await page.getByTestId('why-row').all()) {
    await row.getByRole('button').first().click();
    await row.getByTestId('why-paragraph').waitFor();
    answers[(await row.getAttribute('data-notification-type')) ?? ''] = await row.innerText();
  }
  return answers;
}

/** Until the page shows what it is about. */
async function settled(page: Page): Promise<void> {
  const contents = ['activity-row', 'timeline-entry', 'delivery-row', 'rejected-row', 'rule', 'version'].map(
    (id) => `[data-testid=${id}]`,
  );
  await page.locator(contents.join()).first().waitFor();
  await page.waitForLoadState('networkidle');
}

/** The example, with a message that attacks whoever looks at it, an alert that may not be sent twice, and rules that wait. */
async function catalogWith(outside: string): Promise<Map<string, string>> {
  const source = new Map(await loadCatalogFiles(FINTECH));
  const add = (file: string, lines: string) => source.set(file, `${source.get(file)}\n${lines}`);
  add(
    'events.yaml',
    `  newsletter_due: {}
  alert_raised: {}
  booking_confirmed: { properties: { booking_id: string, starts_at: timestamp } }
  booking_cancelled: { properties: { booking_id: string } }
  plan_bought: { properties: { plan: string } }
  message_received: { properties: { thread_id: string } }
`,
  );
  source.set('events.yaml', source.get('events.yaml')!.replace(/^traits:\n/m, 'traits:\n  plan: string\n'));
  add(
    'notifications.yaml',
    '  NEWSLETTER: { category: MARKETING, channels: [email] }\n' +
      '  HELD_ALERT: { category: SECURITY, channels: [internal], in_doubt: hold }\n' +
      ['REMINDER', 'FOLLOW_UP', 'PRO_TIP', 'INBOX']
        .map((type) => `  ${type}: { category: OPERATIONAL, channels: [internal] }\n`)
        .join(''),
  );
  add(
    'rules.yaml',
    `  NEWSLETTER: { on: newsletter_due }
  HELD_ALERT: { on: alert_raised }
  REMINDER:
    on: booking_confirmed
    key: event.booking_id
    at: event.starts_at - 24h
    if_missing: error
    cancel_on: booking_cancelled
  KEEP_PLAN: { on: plan_bought, notify: none, do: { set: { plan: event.plan } } }
  FOLLOW_UP:
    on: plan_bought
    after: [{ event: signup_completed, within: 30d }, { event: link_bank_success, within: 30d }]
    count: { at_least: 1, within: day }
    delay: 5m
    split: { control: 0%, all: 100% }
  PRO_TIP:
    on: { trait: plan, to: pro }
    choose: [{ when: user.plan == "basic", notify: NEWSLETTER }, { notify: PRO_TIP }]
  INBOX: { on: message_received, key: event.thread_id, digest: { window: 5m, keep: 1 } }
`,
  );
  source.set('templates/HELD_ALERT/internal.en.txt', 'Look at this.');
  source.set('templates/NEWSLETTER/email.en.subject.txt', 'News');
  source.set('templates/NEWSLETTER/email.en.txt', 'Read this.');
  source.set(
    'templates/NEWSLETTER/email.en.html',
    `<html><head>
      <meta http-equiv="refresh" content="0;url=${outside}/refresh">
      <link rel="stylesheet" href="${outside}/style.css">
      <style>@import url(${outside}/import.css); body { background: url(${outside}/background.png) }</style>
      <script src="${outside}/script.js"></script>
    </head><body>
      <p id="words">Read this.</p>
      <script>document.getElementById('words').textContent = top.document.title = 'a script ran'</script>
      <img src="${outside}/pixel.png" onerror="top.document.title = 'a handler ran'">
      <iframe src="${outside}/frame"></iframe>
      <a href="${outside}/link">More</a>
    </body></html>`,
  );
  return source;
}

/** Loses sight of the first message to the person `doubt`. */
function doubtful(): Provider {
  const sandbox = sandboxProvider(['internal']);
  return {
    ...sandbox,
    name: 'doubtful',
    send: async (outgoing, signal) =>
      outgoing.userId === 'doubt' && outgoing.attempt === 1
        ? { kind: 'in_doubt', reason: 'no answer' }
        : sandbox.send(outgoing, signal),
  };
}

interface Outside {
  readonly url: string;
  /** The paths that were asked for. */
  readonly asked: string[];
  close(): Promise<void>;
}

/** Another origin that the browser could reach, if the page let it. */
async function listenOutside(): Promise<Outside> {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
