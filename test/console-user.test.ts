import { describe, expect, test } from 'vitest';
import { findViolations } from './support/axe.ts';
import { tooWide } from './support/browser.ts';
import {
  activityRow,
  entry,
  eventIds,
  HOUR,
  hasBrowser,
  marks,
  ODD_ID,
  openEvidence,
  openWhy,
  postExample,
  TYPES,
  useConsole,
  waitForDeliveries,
} from './support/console.ts';

describe.skipIf(!hasBrowser)('the page of a user', () => {
  const app = useConsole(async (app) => {
    await postExample(app);
    await waitForDeliveries(app);
  });

  test('shows the profile with masked addresses, and times in the zone of the viewer and in UTC', async () => {
    const { page } = await app.visit('console/users/maria/timeline', { timezoneId: 'America/New_York' });
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

  test('switches all times between the zone of the viewer and UTC', async () => {
    const { page } = await app.visit('console/users/maria/timeline', { timezoneId: 'Asia/Tokyo' });
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

  test('shows events, decisions, messages and attempts, newest first', async () => {
    const { page } = await app.visit('console/users/maria/timeline');
    await entry(page, 'pay-1').waitFor();
    const ids = await eventIds(page.getByTestId('timeline-entry'));
    expect(ids.slice(-4)).toEqual(['maria-link', 'pay-2', 'pay-1', 'maria-signup']);
    const card = entry(page, 'pay-1');
    expect(await card.getByTestId('outcome-badge').allInnerTexts()).toEqual(['Send', 'Send']);
    const [email, alert] = await card.getByTestId('delivery').all();
    await email?.getByText('Sandboxed', { exact: true }).waitFor();
    expect(await email?.innerText()).toMatch(/^Email\s+Sandboxed\s+by sandbox/);
    expect(await alert?.innerText()).toMatch(/^Internal\s+Sent\s+by doubtful/);
    await email?.getByTestId('attempts-button').click();
    expect(await email?.getByTestId('attempt').innerText()).toMatch(/Sandboxed\s+.* · \d+ ms · sandbox/);
    await card.getByTestId('event-details').click();
    await card.getByText('recipient_id', { exact: true }).waitFor();
    expect(await card.innerText()).toMatch(/amount\s+1425[\s\S]*catalog version 1 · event ID pay-1/);
  });

  test('shows the condition with its values, and the uses of a limit with their events, as evidence', async () => {
    const { page } = await app.visit('console/users/maria/timeline');
    const [limited, unmet] = await openEvidence(entry(page, 'pay-2'));
    expect(limited).toMatch(/event\.failure_reason == "INSUFFICIENT_FUNDS"\s+true\s+event\.failure_reason\s+INSUFF/);
    expect(limited).toMatch(
      /1 of 1 used before · 1 per day, 2025-10-31 \(UTC\)\s+Sent for the event of 31 Oct 2025, 19:22/,
    );
    expect(unmet).toMatch(/event\.attempt_number >= 3\s+false\s+event\.attempt_number\s+1/);
    await entry(page, 'pay-2').getByRole('link', { name: 'the event' }).click();
    await page.locator('article[data-marked][data-event-id="pay-1"]').waitFor();
  });

  test('shows a missing field as evidence', async () => {
    await app.post({ event_id: 'unknown-consent', user_id: 'rui', event_type: 'signup_completed' });
    const { page } = await app.visit('console/users/rui/timeline');
    const [evidence] = await openEvidence(entry(page, 'unknown-consent'));
    expect(evidence).toMatch(/a field is missing\s+traits\.marketing_opt_in\s+missing/);
  });

  test('shows the window of a pattern as a bar, and the late event that completes it, as evidence', async () => {
    const { page } = await app.visit('console/users/joao/timeline');
    const [alone] = await openEvidence(entry(page, 'joao-link'));
    expect(alone).toMatch(
      /No signup_completed was found in the 24h before it\s+31 Oct 2025, 09:00 UTC\s+24h\s+1 Nov 2025, 09:00 UTC/,
    );
    expect(await entry(page, 'joao-link').locator('.pattern-mark').count()).toBe(1);
    const evidence = await openEvidence(entry(page, 'joao-signup'));
    expect(evidence[1]).toMatch(
      /This signup_completed arrived late: the event 12 h 30 min after it, at 1 Nov 2025, 09:00 UTC, was received first/,
    );
    // The window starts before the earlier event and ends at the later one.
    expect(await marks(entry(page, 'joao-signup'))).toEqual([48, 100]);
    await entry(page, 'joao-signup').getByRole('link', { name: '1 Nov 2025, 09:00 UTC' }).click();
    await page.locator('article[data-marked][data-event-id="joao-link"]').waitFor();
  });

  test('explains each notification type of a user', async () => {
    const { page } = await app.visit('console/users/joao');
    const answers = await openWhy(page);
    // The type with a failed message comes first.
    const first = 'BANK_LINK_NUDGE_SMS';
    expect(Object.keys(answers)).toEqual([first, ...TYPES.filter((type) => type !== first)]);
    expect(answers.WELCOME_EMAIL).toMatch(
      /Not sent: the condition is not met\s+WELCOME_EMAIL was not sent to joao\. .* needs traits\.marketing_opt_in == true, .* was false\./,
    );
    expect(answers.WELCOME_EMAIL).toMatch(
      /On\s+signup_completed\s+When\s+traits\.marketing_opt_in == true\s+Limit\s+once/,
    );
    expect(answers.BANK_LINK_NUDGE_SMS).toMatch(
      /Undeliverable, .*\s+No phone number is known\s+BANK_LINK_NUDGE_SMS was not delivered to joao\. The rule BANK_LINK_NUDGE_SMS decided/,
    );
    expect(answers.BANK_LINK_NUDGE_SMS).toMatch(/No phone number is known/);
    expect(answers.HIGH_RISK_ALERT).toMatch(/Not sent\s+.* no such event of joao was ever received/);
  });

  test('explains when a message was sent', async () => {
    const { page } = await app.visit('console/users/maria');
    const answers = await openWhy(page);
    expect(answers.INSUFFICIENT_FUNDS_EMAIL).toMatch(
      /Sandboxed, .*\s+The rule applies\s+.* It was kept in the sandbox/,
    );
  });

  test('answers why a type was not sent about a time, with its evidence, and copies that for a ticket', async () => {
    const { page } = await app.visit('console/users/maria', {
      permissions: ['clipboard-read', 'clipboard-write'],
      timezoneId: 'UTC',
    });
    await page.getByTestId('ask-type').selectOption('INSUFFICIENT_FUNDS_EMAIL');
    await page.getByTestId('ask-time').fill('2025-10-31T21:05');
    await page.keyboard.press('Enter');
    const answer = page.getByTestId('ask-answer');
    await answer.getByTestId('ask-reason').getByText('already sent on 31 October 2025').waitFor();
    expect(await answer.getByTestId('ask-outcome').innerText()).toBe('Suppressed');
    await answer.getByTestId('ask-evidence').click();
    await answer.getByTestId('evidence').getByText('1 of 1 used before').waitFor();
    expect(await findViolations(page)).toEqual([]);
    expect(new URL(page.url()).search).toBe('?ask=INSUFFICIENT_FUNDS_EMAIL&at=2025-10-31T21%3A05%3A00.000Z');
    await answer.getByTestId('ask-copy').click();
    await page.getByTestId('announcements').getByText('Copied').waitFor();
    const copied = await page.evaluate<string>('navigator.clipboard.readText()');
    expect(copied).toMatch(
      /^\*\*INSUFFICIENT_FUNDS_EMAIL\*\* and maria: [\s\S]*- Limit 1 per day: 1 of 1 used[\s\S]*Event ID pay-2[\s\S]*why=INSUFFICIENT/,
    );
    await answer.getByRole('link', { name: 'In the timeline' }).click();
    await page.locator('article[data-marked][data-event-id="pay-2"]').waitFor();
  });

  test('opens a message beside the list of messages, which the keyboard goes through', async () => {
    const { page } = await app.visit('console/users/maria/messages');
    const links = page.getByTestId('message-link');
    await links.first().waitFor();
    const [first, second] = await links.allInnerTexts();
    await links.first().focus();
    await page.keyboard.press('Enter');
    const peek = page.getByTestId('peek');
    await peek.getByTestId('notification-facts').waitFor();
    expect(await peek.getByRole('heading', { level: 2 }).first().innerText()).toBe(first);
    expect(await findViolations(page)).toEqual([]);
    await page.keyboard.press('j');
    await peek.getByRole('heading', { level: 2, name: second ?? '' }).waitFor();
    await page.reload();
    await peek.getByRole('link', { name: 'Open as a page' }).waitFor();
    await page.keyboard.press('Escape');
    await peek.waitFor({ state: 'detached' });
    expect(page.url()).toBe(`${app.server.url}/console/users/maria/messages`);
  });

  test('forecasts the next seven days by the clock of the user, and says what holds a message back', async () => {
    const { server, tidings } = app;
    await app.post({
      user_id: 'vera',
      event_type: 'known',
      user_traits: { time_zone: 'Asia/Tokyo', email: 'v@example.com' },
    });
    const at = Date.UTC(new Date(tidings.clock.now).getUTCFullYear() + 1, 0, 1);
    tidings.clock.now = at - 30 * HOUR;
    for (const [hours, type] of [
      [0, 'NEWSLETTER'],
      [1, 'BANK_LINK_NUDGE_SMS'],
    ] as const) {
      const asked = {
        type,
        recipients: [{ user_id: 'vera' }],
        scheduled_at: new Date(at + hours * HOUR).toISOString(),
      };
      expect((await server.post('/api/v1/notifications', asked)).status).toBe(202);
    }
    const { page } = await app.visit('console/users/vera/next', { viewport: { width: 320, height: 700 } });
    const entries = page.getByTestId('forecast-entry');
    await entries.first().waitFor();
    expect(await entries.allInnerTexts()).toEqual([
      expect.stringMatching(/^09:00\s+NEWSLETTER\s+Scheduled\s+A request of [\s\S]*Email/),
      expect.stringMatching(/^10:00\s+BANK_LINK_NUDGE_SMS\s+Held back at present\s+No phone number/),
    ]);
    expect(await tooWide(page)).toBeLessThanOrEqual(0);
    expect(await findViolations(page)).toEqual([]);
    await page.getByText('1 day', { exact: true }).click();
    await page.getByText('gets no message in this time').waitFor();
    expect(new URL(page.url()).search).toBe('?days=1');
  });

  test('does not list notification types as not sent to an unknown user, and suggests similar IDs', async () => {
    const { page } = await app.visit('console/users/mari');
    await page.getByText('No user has this ID').waitFor();
    expect(await page.getByTestId('why-row').count()).toBe(0);
    expect(await page.getByRole('navigation', { name: 'User' }).count()).toBe(0);
    for (const type of TYPES) {
      const { body } = await app.server.get(`/api/v1/explain/mari/${type}`);
      expect(body.answer).toBe('unknown_user');
      expect(body.paragraph).toContain('Nothing is known of mari: no event was ever received.');
    }
    await page.getByTestId('similar').getByRole('link', { name: 'maria' }).click();
    await page.getByTestId('why-row').first().waitFor();
  });

  test('shows HTML in events as text, and opens users with any ID', async () => {
    const html = '<img src=x onerror="document.title=1">';
    await app.post({
      event_id: html,
      user_id: ODD_ID,
      event_type: 'payment_failed',
      properties: { failure_reason: html, [html]: html },
      user_traits: { first_name: html, [html]: html },
    });
    const { page } = await app.visit('console/live');
    await activityRow(page, html).getByRole('link', { name: ODD_ID, exact: true }).click();
    await page.getByTestId('user-id').getByText(ODD_ID, { exact: true }).waitFor();
    await page.reload();
    await page.getByTestId('user-id').getByText(ODD_ID, { exact: true }).waitFor();
    const answers = await openWhy(page);
    expect(answers.WELCOME_EMAIL).toContain(`WELCOME_EMAIL was not sent to ${ODD_ID}.`);
    await page.getByRole('link', { name: 'Timeline' }).click();
    await openEvidence(entry(page, html));
    await entry(page, html).getByTestId('event-details').click();
    expect(await entry(page, html).getByText(html, { exact: true }).count()).toBeGreaterThanOrEqual(5);
    expect(await page.getByTestId('profile').getByText(html, { exact: true }).count()).toBe(3);
    expect(await page.locator('img').count()).toBe(0);
    await page.goto(`${app.server.url}/console/live`);
    await activityRow(page, html).getByTestId('decision-chip').first().click();
    await page.locator('article[data-marked]').waitFor();
    await page.keyboard.press('/');
    await page.getByTestId('search-field').fill(ODD_ID.slice(0, 9));
    await page.getByRole('option').filter({ hasText: ODD_ID }).click();
    await page.waitForURL(`${app.server.url}/console/users/${encodeURIComponent(ODD_ID)}`);
  });
});
