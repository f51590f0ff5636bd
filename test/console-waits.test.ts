import { describe, expect, test } from 'vitest';
import { findViolations } from './support/axe.ts';
import { entry, HOUR, hasBrowser, marks, openEvidence, openWhy, useConsole } from './support/console.ts';

describe.skipIf(!hasBrowser)('the waits of a user', () => {
  const app = useConsole();

  test('shows the reason of a wait, its due time in the zone of the user, and its end', async () => {
    const now = Date.now();
    const booking = { user_id: 'wanda', event_type: 'booking_confirmed', user_traits: { time_zone: 'America/Lima' } };
    const at = (hours: number) => new Date(now + hours * HOUR).toISOString();
    const booked = (id: string, hours: number, later = 0) => ({
      ...booking,
      event_id: id,
      event_timestamp: new Date(now + later).toISOString(),
      properties: { booking_id: 'b7', starts_at: at(hours) },
    });
    await app.post(booked('booked', 72.5));
    const { page } = await app.visit('console/users/wanda/waiting', { timezoneId: 'Europe/Lisbon' });
    const go = (tab: string) => page.getByRole('navigation', { name: 'User' }).getByRole('link', { name: tab }).click();
    const open = page.locator('[data-testid=wait][data-status=waiting]');
    const lima = (hours: number) =>
      new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'America/Lima' }).format(
        now + hours * HOUR,
      );
    await open.getByText(`${lima(48.5)} (America/Lima)`).waitFor();
    expect(await open.innerText()).toMatch(
      /Waiting\s+REMINDER\s+Cancel\s+Waits for its scheduled time, key b7\s+since booking_confirmed of .*\s+Due in 2 d \d+ min,/,
    );
    await go('Why');
    const answers = await openWhy(page);
    expect(answers.REMINDER).toMatch(/Waiting, due .*\s+REMINDER has not been sent to wanda yet\./);
    expect(answers.REMINDER).toMatch(
      /Key\s+event\.booking_id\s+At\s+event\.starts_at - 24h\s+If missing\s+error\s+Cancel on\s+booking_cancelled/,
    );
    await app.post(booked('moved', 96.5, 500));
    await go('Waiting');
    await open.getByText(`${lima(72.5)} (America/Lima)`).waitFor();
    await page.getByTestId('waits-ended').click();
    const ended = page.locator('[data-testid=wait][data-status=cancelled]');
    expect(await ended.innerText()).toMatch(/Cancelled\s+REMINDER[\s\S]*ended .* by this event/);
    // The move ends the earlier wait and starts another.
    await go('Timeline');
    const outcomes = entry(page, 'moved').getByTestId('outcome-badge');
    // The timeline is asked apart from the waits.
    await expect.poll(() => outcomes.allInnerTexts()).toEqual(['Cancelled', 'Scheduled']);
    const [superseded, moved] = await openEvidence(entry(page, 'moved'));
    expect(superseded).toMatch(/ended by\s+booking_confirmed of /);
    expect(moved).toMatch(
      /Key\s+b7\s+Wait\s+For its scheduled time\s+since\s+.*\s+due\s+.*\s+moved from\s+.*\s+Rule REMINDER/,
    );
    await app.post({
      event_id: 'called-off',
      user_id: 'wanda',
      event_type: 'booking_cancelled',
      event_timestamp: new Date(now + 1000).toISOString(),
      properties: { booking_id: 'b7' },
    });
    await go('Waiting');
    await page.getByText('No pending waits.').waitFor();
    await page.getByTestId('waits-ended').click();
    expect(await ended.count()).toBe(2);
    await go('Timeline');
    const [cancelled] = await openEvidence(entry(page, 'called-off'));
    expect(await entry(page, 'called-off').getByTestId('outcome-badge').innerText()).toBe('Cancelled');
    expect(cancelled).toMatch(/ended by\s+booking_cancelled of /);
    await app.post({ ...booked('undated', 0), properties: { booking_id: 'b8' } });
    await page.getByRole('button', { name: /^Show . new$/ }).click();
    await entry(page, 'undated').getByText('Failed', { exact: true }).waitFor();
  });

  test('shows steps, counts, changes, branches, variants and the result of a wait as evidence', async () => {
    const now = Date.now();
    const about = { user_id: 'carla', event_timestamp: new Date(now).toISOString() };
    const ago = (hours: number) => new Date(now - hours * HOUR).toISOString();
    await app.post({ ...about, event_id: 'carla-1', event_type: 'signup_completed', event_timestamp: ago(48) });
    await app.post({ ...about, event_id: 'carla-2', event_type: 'link_bank_success', event_timestamp: ago(24) });
    await app.post({ ...about, event_id: 'bought', event_type: 'plan_bought', properties: { plan: 'pro' } });
    const { page } = await app.visit('console/users/carla/timeline');
    const card = entry(page, 'bought');
    await card.waitFor();
    expect(await card.getByTestId('outcome-badge').allInnerTexts()).toEqual(['Acted', 'Scheduled']);
    const [, begun] = await openEvidence(card);
    expect(begun).toMatch(/Order of events\s+signup_completed of .*\s+then link_bank_success of /);
    expect(begun).toMatch(/Count\s+1 of plan_bought counted, at least 1 needed/);
    expect(begun).toMatch(/Wait\s+For the end of its delay\s+since/);
    expect((await marks(card)).length).toBe(3);

    const [changed] = await openEvidence(page.getByTestId('timeline-entry').filter({ hasText: 'profile.updated' }));
    expect(changed).toMatch(/What changed\s+plan changed from null to "pro"[\s\S]*Choice\s+branch 2/);

    await app.post(
      { ...about, event_id: 'letter-1', event_type: 'message_received', properties: { thread_id: 't' } },
      { ...about, event_id: 'letter-2', event_type: 'message_received', properties: { thread_id: 't' } },
    );
    app.tidings.clock.now += HOUR;
    expect(await app.tidings.pipeline.fireDueWaits('default', ['carla'])).toBe(2);
    await card.getByText('Send', { exact: true }).waitFor();
    expect(await card.getByTestId('outcome-badge').allInnerTexts()).toEqual(['Acted', 'Scheduled', 'Send']);
    await card.getByTestId('evidence-button').last().click();
    expect(await card.getByTestId('evidence').last().innerText()).toMatch(/Split\s+all, 100% of the users/);
    await page.getByRole('button', { name: /^Show . new$/ }).click();
    const letters = page.getByTestId('decision').filter({ hasText: 'INBOX' }).filter({ hasText: 'Send' });
    await letters.getByTestId('evidence-button').click();
    expect(await letters.innerText()).toMatch(/Digest\s+2 collected, of which the message has the latest 1/);
    await page.getByRole('navigation', { name: 'User' }).getByRole('link', { name: 'Waiting' }).click();
    await page.getByTestId('waits-ended').click();
    const inbox = page.locator('[data-testid=wait][data-rule=INBOX]');
    expect(await inbox.innerText()).toMatch(/^Send\s+INBOX\s+Waited for more items of the digest, key t, 2 collected/);
  });

  test('shows twenty waits at first, and has one scroll bar', async () => {
    const letter = (thread: number) => ({
      user_id: 'wim',
      event_type: 'message_received',
      event_timestamp: new Date(app.tidings.clock.now).toISOString(),
      properties: { thread_id: `t${thread}` },
    });
    await app.post(...Array.from({ length: 23 }, (_, n) => letter(n)));
    const { page } = await app.visit('console/users/wim/waiting');
    const waits = page.locator('[data-testid=wait][data-status=waiting]');
    await waits.first().waitFor();
    expect(await waits.count()).toBe(20);
    await page.getByRole('button', { name: 'Show all 23' }).click();
    expect(await waits.count()).toBe(23);
    const scrollers = `[...document.querySelectorAll('main *')].filter((part) =>
      /auto|scroll/.test(getComputedStyle(part).overflowY) && part.scrollHeight > part.clientHeight).length`;
    expect(await page.evaluate(scrollers)).toBe(0);
  });

  test('of all users are counted by rule with what is due, listed by key, and cancelled as a job', async () => {
    const starts = new Date(Date.now() + 30 * HOUR).toISOString();
    await app.post(
      ...['ann', 'bob'].map((user) => ({
        user_id: user,
        event_type: 'booking_confirmed',
        properties: { booking_id: `b_${user}`, starts_at: starts },
      })),
    );
    const { page } = await app.visit('console/waiting');
    const row = page.getByTestId('waiting-rules-row').filter({ hasText: 'REMINDER' });
    await row.waitFor();
    expect(await row.getByTestId('due-strip').innerText()).toMatch(/in an hour, \d+ in a day/);
    expect(await findViolations(page)).toEqual([]);
    await page.getByTestId('filter-text').fill('key:b_bob');
    await page.getByTestId('filter-text').press('Enter');
    const waits = page.getByTestId('wait-row');
    await expect.poll(() => waits.count()).toBe(1);
    expect(await waits.innerText()).toContain('bob');
    await page.getByRole('link', { name: 'All rules' }).click();
    await row.getByRole('link', { name: 'REMINDER' }).click();
    app.tidings.clock.now += 1000;
    app.tidings.jobs();
    await page.getByTestId('waits-cancel').click();
    await page.getByTestId('job-start').click();
    await page.getByTestId('job').and(page.locator('[data-status=done]')).waitFor();
    await page.getByTestId('job-close').click();
    await page.getByText('Nothing waits here').waitFor();
  });
});
