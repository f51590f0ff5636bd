import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest';
import type { Provider } from '../../src/channels/provider.ts';
import { sandboxProvider } from '../../src/channels/sandbox.ts';
import { findChromium, launchBrowser, networkSettled, openVisit, type Visit } from './browser.ts';
import { loadExample } from './catalog.ts';
import { type TestServer, testServer } from './http.ts';
import { type TestTidings, testTidings } from './tidings.ts';

/** The console as a support agent uses it: in a real browser, against the real API, with workers behind it. */

const chromium = findChromium();
export const hasBrowser = chromium !== undefined;
if (!hasBrowser) console.log('skipped: the console, because no Chromium was found (CHROMIUM can name one)');

export const HOUR = 3_600_000;

/** The notification types of the catalog, in its order. */
export const TYPES = [
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

/** A user ID with characters that URLs, HTML and JSON escape. */
export const ODD_ID = `a/b?c=d#e%2F é✓ "<i>'&`;

export interface ConsoleTest {
  readonly tidings: TestTidings;
  readonly server: TestServer;
  readonly catalog: ReadonlyMap<string, string>;
  readonly outside: Outside;
  /** Opens a page in a browser context of its own. `prepare` runs before the page is loaded. */
  visit(
    path: string,
    settings?: BrowserContextOptions,
    prepare?: (page: Page) => Promise<unknown>,
    url?: string,
  ): Promise<Visit>;
  /** Closes all pages. */
  leave(): Promise<void>;
  /** Posts events in this order, at a later time than earlier calls. All must be accepted. */
  post(...events: object[]): Promise<void>;
}

/**
 * Registers hooks that start a console for the tests of a describe block, and returns it: its parts are there from the
 * first test on. `seed` posts the data that all tests read. After each test, its pages are closed, and it fails if a page
 * had an error or sent a request to another origin.
 */
export function useConsole(seed: (app: ConsoleTest) => Promise<void> = async () => {}): ConsoleTest {
  let browser: Browser;
  let visits: Visit[] = [];
  const app: { -readonly [part in keyof ConsoleTest]: ConsoleTest[part] } = {
    ...({} as Pick<ConsoleTest, 'tidings' | 'server' | 'catalog' | 'outside'>),
    async visit(path, settings = {}, prepare, url = app.server.url) {
      const opened = await openVisit(browser, url, settings);
      visits.push(opened);
      await prepare?.(opened.page);
      await opened.page.goto(`${url}/${path}`);
      return opened;
    },
    async leave() {
      await Promise.all(visits.map(({ page }) => page.context().close()));
      visits = [];
    },
    async post(...events) {
      app.tidings.clock.now = Math.max(Date.now(), app.tidings.clock.now + 1);
      const stamped = events.map((event) => ({ event_timestamp: '2025-11-19T10:00:00Z', ...event }));
      expect((await app.server.post('/api/v1/events', stamped)).body).toMatchObject({ accepted: events.length });
    },
  };

  beforeAll(async () => {
    app.outside = await listenOutside();
    app.catalog = await buildCatalog(app.outside.url);
    app.tidings = await testTidings(
      {
        email: sandboxProvider(['email']),
        sms: sandboxProvider(['sms']),
        in_app: sandboxProvider(['in_app']),
        internal: doubtfulProvider(),
      },
      app.catalog,
    );
    app.tidings.clock.now = Date.now();
    app.server = await testServer(app.tidings);
    const { status } = await app.server.get('/');
    expect(status, 'the console is built: npm run build -w packages/console').toBe(200);
    await app.tidings.worker();
    browser = await launchBrowser(chromium as string);
    await seed(app);
  });

  afterEach(async () => {
    const complaints = visits.flatMap((visit) => visit.complaints);
    await app.leave();
    expect(complaints).toEqual([]);
  });

  afterAll(async () => {
    await browser?.close();
    await app.server?.close();
    await app.tidings?.close();
    await app.outside?.close();
  });

  return app;
}

/**
 * Posts the events of maria, who is notified and then suppressed by a limit, and of joao, whose pattern a late event
 * completes. He has no phone number.
 */
export async function postExample({ post }: ConsoleTest): Promise<void> {
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

/** The pages that `postAllPages` fills. */
export const PAGES = [
  'console/users/maria',
  ...['maria', 'joao', 'wanda', 'carla'].map((id) => `console/users/${id}/timeline`),
  'console/users/maria/messages',
  ...[
    'console/',
    'console/live',
    'console/notifications',
    'console/deliveries',
    'console/rejected',
    'console/catalog',
    'console/catalog/versions',
  ],
];

/** Pages that are there without data. */
export const OTHER_PAGES = [
  ...[
    'send',
    'batches',
    'new-batch',
    'lists',
    'templates',
    'templates/WELCOME_EMAIL/preview',
    'preview',
    'dead-letters',
    'waiting',
    'jobs',
    'releases',
    'rules',
    'rules/WELCOME_EMAIL',
    'correlation',
  ],
  ...['analytics', 'analytics/experiments', 'analytics/anomalies', 'types', 'types/WELCOME_EMAIL'],
  ...['preferences', 'audit', 'keys', 'members', 'tenants', 'webhooks', 'portal'],
  ...[
    'channels',
    'channels/sending',
    'channels/routes',
    'channels/costs',
    'channels/suppressions',
    'channels/connections',
  ],
  ...['preferences', 'waiting', 'devices', 'raw'].map((tab) => `users/maria/${tab}`),
  ...['rejected', 'elsewhere'],
].map((path) => `console/${path}`);

/**
 * Posts data for every page: users with deliveries of each kind, pending and ended waits, and all evidence; a rejected
 * event; a second version of the catalog; and `runner`, a user with 55 events, the last of which is sprint-54.
 */
export async function postAllPages(app: ConsoleTest): Promise<void> {
  const { tidings, server, catalog, post } = app;
  await postExample(app);
  const now = Date.now();
  const at = (hours: number) => new Date(now + hours * HOUR).toISOString();

  const wanda = { user_id: 'wanda', event_timestamp: at(0), user_traits: { time_zone: 'America/Lima' } };
  const booked = (id: string, booking_id: string, starts_at?: string) => ({
    ...wanda,
    event_id: id,
    event_type: 'booking_confirmed',
    properties: { booking_id, ...(starts_at && { starts_at }) },
  });
  await post(booked('booked', 'b7', at(72.5)));
  await post({ ...booked('moved', 'b7', at(96.5)), event_timestamp: at(0.001) });
  await post({
    ...wanda,
    event_type: 'booking_cancelled',
    event_timestamp: at(0.002),
    properties: { booking_id: 'b7' },
  });
  await post(booked('later', 'b9', at(96.5)), booked('undated', 'b8'));

  const carla = { user_id: 'carla', event_timestamp: at(0) };
  await post({ ...carla, event_type: 'signup_completed', event_timestamp: at(-48) });
  await post({ ...carla, event_type: 'link_bank_success', event_timestamp: at(-24) });
  await post({ ...carla, event_type: 'plan_bought', properties: { plan: 'pro' } });
  const letter = { ...carla, event_type: 'message_received', properties: { thread_id: 't' } };
  await post({ ...letter, event_id: 'letter-1' }, { ...letter, event_id: 'letter-2' });
  tidings.clock.now += HOUR;
  expect(await tidings.pipeline.fireDueWaits('default', ['carla'])).toBe(2);

  const html = '<img src=x onerror="document.title=1">';
  const failure = { failure_reason: html, [html]: html };
  await post(
    { user_id: ODD_ID, event_type: 'payment_failed', properties: failure, user_traits: { first_name: html } },
    { user_id: 'doubt', event_type: 'alert_raised' },
    { user_id: 'ines', event_type: 'signup_completed', user_traits: { marketing_opt_in: true } },
  );
  await post(
    ...Array.from({ length: 55 }, (_, n) => ({
      event_id: `sprint-${n}`,
      user_id: 'runner',
      event_type: 'card_frozen',
      event_timestamp: new Date(Date.UTC(2025, 10, 19, 11, 0, n)).toISOString(),
    })),
  );

  const invalid = { event_type: 'signup_completed', user_id: 'paula', event_timestamp: '2025-11-19 10:00' };
  expect((await server.post('/api/v1/events', invalid)).status).toBe(422);
  const rules = catalog.get('rules.yaml') ?? '';
  await tidings.apply(
    new Map([...catalog, ['rules.yaml', rules.replace('event.starts_at - 24h', 'event.starts_at - 2h')]]),
  );
  await tidings.apply(new Map(catalog));
  await waitForDeliveries(app);
}

/** Waits until each delivery was sent or ended otherwise. */
export async function waitForDeliveries({ tidings }: ConsoleTest): Promise<void> {
  const { pool } = tidings.database;
  const queued = `select from deliveries where status in ('queued', 'sending')`;
  await vi.waitFor(async () => expect((await pool.query(queued)).rowCount).toBe(0), 15_000);
}

export const activityRow = (page: Page, eventId: string): Locator =>
  page.locator(`[data-testid=activity-row][data-event-id=${JSON.stringify(eventId)}]`);

export const entry = (page: Page, eventId: string): Locator =>
  page.locator(`[data-testid=timeline-entry][data-event-id=${JSON.stringify(eventId)}]`);

export const deliveryRow = (page: Page, userId: string): Locator =>
  page.getByTestId('delivery-row').filter({ has: page.getByRole('link', { name: userId, exact: true }) });

export async function eventIds(cards: Locator): Promise<(string | null)[]> {
  return Promise.all((await cards.all()).map((card) => card.getAttribute('data-event-id')));
}

export async function chips(page: Page, eventId: string): Promise<string[]> {
  const words = await activityRow(page, eventId).getByTestId('decision-chip').allInnerTexts();
  return words.map((text) => text.replace(/\s+/g, ' '));
}

/** Returns the statuses in the table of deliveries, each once. */
export async function statuses(page: Page): Promise<(string | null)[]> {
  const rows = await page.getByTestId('delivery-row').all();
  return [...new Set(await Promise.all(rows.map((row) => row.getAttribute('data-status'))))];
}

/** Opens the evidence of each decision of an event, and returns the texts. */
export async function openEvidence(card: Locator): Promise<string[]> {
  await card.waitFor();
  for (const button of await card.getByTestId('evidence-button').all()) await button.click();
  return card.getByTestId('evidence').allInnerTexts();
}

/** Returns the positions of the marks on the bar of a pattern, in percent. */
export async function marks(card: Locator): Promise<number[]> {
  const styles = await Promise.all((await card.locator('.pattern-mark').all()).map((one) => one.getAttribute('style')));
  return styles.map((style) => Math.round(Number.parseFloat(/left: ([\d.]+)%/.exec(style ?? '')?.[1] ?? '')));
}

/** Waits for the first item, and returns the texts of all. */
export async function waited(items: Locator): Promise<string[]> {
  await items.first().waitFor();
  return items.allInnerTexts();
}

/** Opens each explanation, and returns the texts by notification type. */
export async function openWhy(page: Page): Promise<Record<string, string>> {
  await page.getByTestId('why-row').first().waitFor();
  const answers: Record<string, string> = {};
  for (const row of await page.getByTestId('why-row').all()) {
    await row.getByRole('button').first().click();
    await row.getByTestId('why-paragraph').waitFor();
    answers[(await row.getAttribute('data-notification-type')) ?? ''] = await row.innerText();
  }
  return answers;
}

/** Goes to another page as a link of the console does: without loading the console again, which takes seconds of CPU time. */
export async function goTo(page: Page, path: string): Promise<void> {
  const address = JSON.stringify(`/${path}`);
  await page.evaluate(`history.pushState(null, '', ${address}); dispatchEvent(new PopStateEvent('popstate'))`);
}

/** Waits until the page shows its content. */
export async function settled(page: Page): Promise<void> {
  const contents = [
    'tiles',
    'activity-row',
    'timeline-entry',
    'why-row',
    'wait',
    'forecast-entry',
    'user-messages-row',
    'notifications-row',
    'delivery-row',
    'rejected-row',
    'rule',
    'version',
  ];
  await page
    .locator(contents.map((id) => `[data-testid=${id}]`).join())
    .first()
    .waitFor();
  await networkSettled(page);
}

/**
 * Returns the fintech example with a message whose HTML attacks the viewer, an alert that must not be sent twice, and rules
 * that wait.
 */
async function buildCatalog(outside: string): Promise<Map<string, string>> {
  const source = await loadExample('fintech');
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
    '  NEWSLETTER: { category: OPERATIONAL, channels: [email] }\n' +
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

/** Returns a provider whose first attempt for the user `doubt` is in doubt. */
function doubtfulProvider(): Provider {
  const sandbox = sandboxProvider(['internal']);
  return {
    ...sandbox,
    name: 'doubtful',
    send: async (outgoing) =>
      outgoing.userId === 'doubt' && outgoing.attempt === 1
        ? { kind: 'in_doubt', reason: 'no answer' }
        : { kind: 'sent' },
  };
}

export interface Outside {
  readonly url: string;
  /** Paths of the requests so far. */
  readonly asked: string[];
  close(): Promise<void>;
}

/** Starts another origin that the browser can reach. */
async function listenOutside(): Promise<Outside> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
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
