import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { noopProvider } from '../src/channels/noop.ts';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { findChromium, launchBrowser, openVisit } from './support/browser.ts';
import { type TestServer, testServer } from './support/http.ts';
import { fakeProvider } from './support/providers.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Green means that a message reached its channel, in the explanation and in the console. */

const program = findChromium();

const CATALOG = new Map([
  ['events.yaml', 'events: { hello: {} }'],
  [
    'notifications.yaml',
    `notifications:
  REAL: { category: OPERATIONAL, channels: [email] }
  TEXT: { category: OPERATIONAL, channels: [sms] }
  DISCARDED: { category: OPERATIONAL, channels: [internal] }
  MIXED: { category: OPERATIONAL, channels: [email, sms] }
  PARTLY: { category: OPERATIONAL, channels: [email, in_app] }`,
  ],
  [
    'rules.yaml',
    'rules: { REAL: { on: hello }, TEXT: { on: hello }, DISCARDED: { on: hello }, MIXED: { on: hello }, PARTLY: { on: hello } }',
  ],
  ['templates/REAL/email.en.subject.txt', 'Hello'],
  ['templates/REAL/email.en.txt', 'Hello'],
  ['templates/TEXT/sms.en.txt', 'Your code is 123'],
  ['templates/MIXED/email.en.subject.txt', 'Dead'],
  ['templates/MIXED/email.en.txt', 'Dead'],
  ['templates/MIXED/sms.en.txt', 'Mixed'],
  ['templates/PARTLY/email.en.subject.txt', 'Dead'],
  ['templates/PARTLY/email.en.txt', 'Dead'],
  ['templates/PARTLY/in_app.en.txt', 'Here'],
]);

let tidings: TestTidings;
let server: TestServer;
/** Whether the provider of emails rejects those with the subject Dead. */
let isRejecting = true;

beforeAll(async () => {
  const email = fakeProvider(({ message }) =>
    message.subject === 'Dead' && isRejecting ? { kind: 'rejected', reason: 'no' } : { kind: 'sent' },
  );
  const inApp = fakeProvider(() => ({ kind: 'sent' }));
  tidings = await testTidings(
    { email, sms: sandboxProvider(['sms']), internal: noopProvider(['internal']), in_app: inApp },
    CATALOG,
  );
  tidings.clock.now = Date.now();
  server = await testServer(tidings);
  await tidings.worker();
  const posted = await server.post('/api/v1/events', {
    user_id: 'u1',
    event_type: 'hello',
    event_timestamp: new Date().toISOString(),
    user_traits: { email: 'u1@example.com', phone: '+351912345678' },
  });
  expect(posted.status).toBe(202);
  const countOpen = `select count(*) as open from deliveries where finished_at is null`;
  await vi.waitFor(
    async () => expect((await tidings.database.pool.query(countOpen)).rows).toEqual([{ open: 0 }]),
    10_000,
  );
});

afterAll(async () => {
  await server.close();
  await tidings.close();
});

describe('an explanation answers', () => {
  test.each([
    ['REAL', 'sent', /It was sent by email through fake/],
    ['TEXT', 'sandboxed', /It was kept in the sandbox on .* instead of going out by SMS\./],
    [
      'DISCARDED',
      'sandboxed',
      /It was discarded by the no-op provider on .* instead of going out as an internal alert\./,
    ],
    ['MIXED', 'not_delivered', /MIXED was not delivered to u1\./],
  ])('for %s: %s', async (type, answer, paragraph) => {
    const { body } = await server.get(`/api/v1/explain/u1/${type}`);
    expect(body.answer).toBe(answer);
    expect(body.paragraph).toMatch(paragraph);
  });

  test('unknown_user for a user without events', async () => {
    const { body } = await server.get('/api/v1/explain/unknown/REAL');
    expect(body.answer).toBe('unknown_user');
  });
});

test('the message of an SMS has a text, and neither a subject nor HTML', async () => {
  const { body } = await server.get('/api/v1/deliveries?status=sandboxed');
  const id = body.deliveries.find((one: { notification_type: string }) => one.notification_type === 'TEXT').delivery_id;
  const message = await server.get(`/api/v1/deliveries/${id}/message`);
  expect(message.body).toEqual({
    delivery_id: id,
    channel: 'sms',
    to: expect.stringContaining('…'),
    text: 'Your code is 123',
    locale: 'en',
    rendered_at: expect.any(String),
  });
});

test.each([
  ['REAL', 'sent'],
  ['TEXT', 'sent'],
  ['MIXED', 'failed'],
  ['PARTLY', 'partly'],
])('a notification of %s is listed as %s', async (type, state) => {
  const { body } = await server.get(`/api/v1/notifications?user_id=u1&state=${state}&type=${type}`);
  expect(body.notifications).toMatchObject([{ notification_type: type, state }]);
});

describe.skipIf(program === undefined)('the console', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser(program as string);
  });
  afterAll(() => browser.close());

  test('shows a message as sent only if it reached its channel', async () => {
    const { page, complaints } = await openVisit(browser, server.url);
    await page.goto(`${server.url}/console/users/u1`);
    const row = (type: string) => page.locator(`[data-testid="why-row"][data-notification-type="${type}"]`);
    await row('REAL').getByText('Sent, ').waitFor();
    await row('TEXT').getByText('Sandboxed, ').waitFor();
    await row('DISCARDED').getByText('Discarded, ').waitFor();
    // A dead email beside a sandboxed SMS.
    await row('MIXED').getByText('Dead, ').waitFor();
    // A dead email beside a message in the inbox.
    await row('PARTLY').scrollIntoViewIfNeeded();
    await row('PARTLY').getByText('Partly, ').waitFor();
    expect(await row('REAL').locator('.sign').getAttribute('color')).toContain('teal');
    for (const type of ['TEXT', 'DISCARDED', 'MIXED', 'PARTLY'])
      expect(await row(type).locator('.sign').getAttribute('color')).not.toContain('teal');
    // The address says which one is open.
    await row('PARTLY').getByRole('button').first().click();
    await row('PARTLY').getByRole('button', { name: 'Copy for a ticket' }).waitFor();
    expect(page.url()).toBe(`${server.url}/console/users/u1?why=PARTLY`);
    await page.reload();
    await row('PARTLY').getByTestId('why-paragraph').waitFor();
    await row('PARTLY').getByRole('button').first().click();
    expect(page.url()).toBe(`${server.url}/console/users/u1`);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('says the same of a notification in every place, and counts those that failed on one channel', async () => {
    const { page, complaints } = await openVisit(browser, server.url);
    await page.goto(`${server.url}/console/users/u1`);
    const problems = page.getByTestId('user-problems');
    await expect.poll(() => problems.allInnerTexts()).toEqual(['1 failed', '1 partly failed']);
    await problems.nth(1).click();
    const rows = page.getByTestId('user-messages').getByRole('row').filter({ hasText: 'PARTLY' });
    await rows.getByText('Partly', { exact: true }).waitFor();
    await page.goto(`${server.url}/console/live`);
    const chip = page.getByTestId('decision-chip').filter({ hasText: 'PARTLY' });
    await expect.poll(() => chip.locator('.chip-word').innerText()).toBe('Partly');
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('the time beside an outcome is that at which the message ended, and not that of the decision', async () => {
    const { page, complaints } = await openVisit(browser, server.url);
    await tidings.database.pool.query(
      `update deliveries set created_at = created_at - interval '3 hours' where notification_type = 'REAL'`,
    );
    const { body } = await server.get('/api/v1/explain/u1/REAL');
    const [{ deliveries }] = body.notifications;
    await page.goto(`${server.url}/console/users/u1`);
    const row = page.locator('[data-testid="why-row"][data-notification-type="REAL"]');
    await row.getByText('Sent, ').waitFor();
    expect(await row.locator('time').first().getAttribute('datetime')).toBe(deliveries[0].finished_at);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('a type whose latest message was sent says that earlier ones failed, and leads to them', async () => {
    isRejecting = false;
    tidings.clock.now += 60_000;
    const { body } = await server.post('/api/v1/notifications', { type: 'MIXED', recipients: [{ user_id: 'u1' }] });
    const [{ notification_id: id }] = body.results;
    const state = async () => (await server.get(`/api/v1/notifications/${id}`)).body.state;
    await expect.poll(state, { timeout: 10_000 }).toBe('sent');
    const { page, complaints } = await openVisit(browser, server.url);
    await page.goto(`${server.url}/console/users/u1`);
    const row = page.locator('[data-testid="why-row"][data-notification-type="MIXED"]');
    await row.getByText('Sent, ').waitFor();
    expect(await row.getByTestId('why-failed').innerText()).toBe('1 of the last 2 failed');
    await row.getByTestId('why-failed').click();
    await page.getByTestId('notification-state').getByText('Dead').waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('shows the text of an SMS', async () => {
    const { page, complaints } = await openVisit(browser, server.url, { timezoneId: 'Africa/Abidjan' });
    await page.goto(`${server.url}/console/deliveries?status=sandboxed`);
    // Its clock is UTC all year: there is no choice between the two.
    await page.getByTestId('zone').getByText('Times in UTC').waitFor();
    const row = page.getByTestId('delivery-row').filter({ hasText: 'TEXT' });
    await row.getByText('Sandboxed', { exact: true }).waitFor();
    await row.getByTestId('message-button').click();
    await page.getByTestId('message-text').getByText('Your code is 123').waitFor();
    const message = page.getByTestId('message');
    expect(await message.innerText()).not.toContain('null');
    expect(await page.getByTestId('message-frame').count()).toBe(0);
    // The address names the message, which opens with its details wherever it is followed.
    const other = await page.context().newPage();
    await other.goto(page.url());
    await other.getByTestId('message-details').click();
    const details = other.getByRole('dialog', { name: 'TEXT' });
    await details.getByText('Delivery ID').waitFor();
    expect(await details.innerText()).toMatch(/Rendered[\s\S]+Provider\s+sandbox[\s\S]+Attempts\s+1/);
    await other.keyboard.press('Escape');
    await expect.poll(() => other.url()).toBe(`${server.url}/console/deliveries?status=sandboxed`);
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});
