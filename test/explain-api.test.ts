import { describe, expect, test } from 'vitest';
import { type Files, loadExample } from './support/catalog.ts';
import { useSandboxedApi } from './support/sandboxed-api.ts';

const api = useSandboxedApi();
const { post, settled } = api;

const MINUTE = 60_000;

describe('the explain API explains', () => {
  test('a notification that was sent', async () => {
    await post('sent', 'signup_completed', '31T19:00:00', {
      user_traits: { email: 's@example.com', marketing_opt_in: true },
    });
    await settled('sent');
    await expectExplanation('sent', 'WELCOME_EMAIL', 'sandboxed', [
      'The rule WELCOME_EMAIL decided to send WELCOME_EMAIL to sent, on signup_completed of 31 October 2025 at 19:00 UTC.',
      'To be sent: traits.marketing_opt_in == true holds and the limit allows it (1 of 1 ever).',
      'It was kept in the sandbox on 20 November 2025 at 12:00 UTC instead of going out by email.',
    ]);
  });

  test('a notification that was sent, and then suppressed by a limit', async () => {
    await failed('limited', '31T10:41:00', { failure_reason: 'INSUFFICIENT_FUNDS' }, { email: 'l@example.com' });
    await failed('limited', '31T18:00:00', { failure_reason: 'INSUFFICIENT_FUNDS' });
    await failed('limited', '31T18:30:05', { failure_reason: 'INSUFFICIENT_FUNDS' });
    await settled('limited');
    await expectExplanation('limited', 'INSUFFICIENT_FUNDS_EMAIL', 'sandboxed', [
      'The rule INSUFFICIENT_FUNDS_EMAIL decided to send INSUFFICIENT_FUNDS_EMAIL to limited, on payment_failed of 31 October 2025 at 10:41 UTC.',
      'To be sent: event.failure_reason == "INSUFFICIENT_FUNDS" holds and the limit allows it (1 of 1 per day).',
      'It was kept in the sandbox on 20 November 2025 at 12:00 UTC instead of going out by email.',
      'It was also considered twice without being sent, the latest time on payment_failed of 31 October 2025 at 18:30:05 UTC.',
      'Not sent: already sent on 31 October 2025 at 10:41 UTC (1 of 1 per day).',
    ]);
    const { body } = await api.server.get('/api/v1/explain/limited/INSUFFICIENT_FUNDS_EMAIL');
    expect(body.rules).toEqual([
      {
        rule: 'INSUFFICIENT_FUNDS_EMAIL',
        on: ['payment_failed'],
        when: 'event.failure_reason == "INSUFFICIENT_FUNDS"',
        every: null,
        for: null,
        after: null,
        limits: ['1 per day'],
        active: true,
        decisions: { send: 1, suppressed: 2, not_matched: 0, scheduled: 0, cancelled: 0, failed: 0, acted: 0 },
      },
    ]);
    expect(body.decisions[0].evidence.limits).toEqual([
      {
        limit: '1 per day',
        window: '2025-10-31 (UTC)',
        max: 1,
        used: 1,
        uses: [{ at: '2025-10-31T10:41:00.000Z', event_id: expect.any(String), notification_id: expect.any(String) }],
      },
    ]);
  });

  test('a notification that was sent twice', async () => {
    await failed('twice', '30T10:00:00', { attempt_number: 3 });
    await failed('twice', '31T10:00:00', { attempt_number: 4 });
    await settled('twice');
    await expectExplanation('twice', 'HIGH_RISK_ALERT', 'sandboxed', [
      'The rule HIGH_RISK_ALERT decided twice to send HIGH_RISK_ALERT to twice, the latest time on payment_failed of 31 October 2025 at 10:00 UTC.',
      'To be sent: event.attempt_number >= 3 holds.',
      'It was kept in the sandbox on 20 November 2025 at 12:00 UTC instead of going out as an internal alert.',
    ]);
  });

  test('a decision to send without an address', async () => {
    await post('unreachable', 'signup_completed', '31T19:00:00', { user_traits: { marketing_opt_in: true } });
    await settled('unreachable');
    await expectExplanation('unreachable', 'WELCOME_EMAIL', 'not_delivered', [
      'WELCOME_EMAIL was not delivered to unreachable.',
      'The rule WELCOME_EMAIL decided to send WELCOME_EMAIL to unreachable, on signup_completed of 31 October 2025 at 19:00 UTC.',
      'To be sent: traits.marketing_opt_in == true holds and the limit allows it (1 of 1 ever).',
      'It could not be delivered by email on 20 November 2025 at 12:00 UTC: No email address is known for this user: no event has set user_traits.email, or a later one has removed it.',
    ]);
  });

  test('a condition that is false', async () => {
    await post('said-no', 'signup_completed', '31T19:00:00', { user_traits: { marketing_opt_in: false } });
    await expectExplanation('said-no', 'WELCOME_EMAIL', 'not_sent', [
      'WELCOME_EMAIL was not sent to said-no.',
      'The rule WELCOME_EMAIL considered it once, on signup_completed of 31 October 2025 at 19:00 UTC.',
      'Not sent: the rule needs traits.marketing_opt_in == true, and traits.marketing_opt_in was false.',
    ]);
  });

  test('a field that is missing', async () => {
    await failed('gap', '30T10:00:00', {});
    await failed('gap', '31T10:00:00', {});
    await expectExplanation('gap', 'HIGH_RISK_ALERT', 'not_sent', [
      'HIGH_RISK_ALERT was not sent to gap.',
      'The rule HIGH_RISK_ALERT considered it twice, the latest time on payment_failed of 31 October 2025 at 10:00 UTC.',
      'Not sent: the rule needs event.attempt_number >= 3, and event.attempt_number is missing.',
    ]);
  });

  test('a pattern that is incomplete', async () => {
    await post('linked', 'link_bank_success', '31T10:00:00');
    await expectExplanation('linked', 'BANK_LINK_NUDGE_SMS', 'not_sent', [
      'BANK_LINK_NUDGE_SMS was not sent to linked.',
      'The rule BANK_LINK_NUDGE_SMS considered it once, on link_bank_success of 31 October 2025 at 10:00 UTC.',
      'Not sent: no signup_completed was known in the 24h before it (from 30 October 2025 at 10:00 UTC to 31 October 2025 at 10:00 UTC); BANK_LINK_NUDGE_SMS needs one.',
    ]);
  });

  test('a pattern that was completed', async () => {
    await post('quick', 'signup_completed', '31T10:00:00', { user_traits: { phone: '+351912345678' } });
    await post('quick', 'link_bank_success', '31T12:00:00');
    await settled('quick');
    await expectExplanation('quick', 'BANK_LINK_NUDGE_SMS', 'sandboxed', [
      'The rule BANK_LINK_NUDGE_SMS decided to send BANK_LINK_NUDGE_SMS to quick, on link_bank_success of 31 October 2025 at 12:00 UTC.',
      'To be sent: it happened within 24h after signup_completed on 31 October 2025 at 10:00 UTC and the limit allows it (1 of 1 ever).',
      'It was kept in the sandbox on 20 November 2025 at 12:00 UTC instead of going out by SMS.',
    ]);
  });

  test('a pattern that a late event completed', async () => {
    await post('late', 'link_bank_success', '31T12:00:00', { user_traits: { phone: '+351912345678' } });
    await post('late', 'signup_completed', '31T10:00:00');
    await settled('late');
    await expectExplanation('late', 'BANK_LINK_NUDGE_SMS', 'sandboxed', [
      'The rule BANK_LINK_NUDGE_SMS decided to send BANK_LINK_NUDGE_SMS to late, when signup_completed of 31 October 2025 at 10:00 UTC became known.',
      'To be sent: it happened within 24h after signup_completed on 31 October 2025 at 10:00 UTC and the limit allows it (1 of 1 ever).',
      'It was kept in the sandbox on 20 November 2025 at 12:00 UTC instead of going out by SMS.',
      'It was also considered once without being sent, on link_bank_success of 31 October 2025 at 12:00 UTC.',
      'Not sent: no signup_completed was known in the 24h before it (from 30 October 2025 at 12:00 UTC to 31 October 2025 at 12:00 UTC); BANK_LINK_NUDGE_SMS needs one.',
    ]);
  });

  test('a notification that was sent long ago and considered since', async () => {
    const at = (minute: number) => new Date(Date.parse('2025-10-01T00:00:00Z') + minute * 60_000).toISOString();
    const signup = (minute: number) => ({
      user_id: 'eager',
      event_type: 'signup_completed',
      event_timestamp: at(minute),
    });
    const traits = { user_traits: { email: 'e@example.com', marketing_opt_in: true } };
    const all = Array.from({ length: 260 }, (_, minute) => ({ ...signup(minute), ...traits }));
    expect((await api.server.post('/api/v1/events', all)).body.accepted).toBe(260);
    await settled('eager');
    await expectExplanation('eager', 'WELCOME_EMAIL', 'sandboxed', [
      'The rule WELCOME_EMAIL decided to send WELCOME_EMAIL to eager, on signup_completed of 1 October 2025 at 00:00 UTC.',
      'To be sent: traits.marketing_opt_in == true holds and the limit allows it (1 of 1 ever).',
      'It was kept in the sandbox on 20 November 2025 at 12:00 UTC instead of going out by email.',
      'It was also considered 259 times without being sent, the latest time on signup_completed of 1 October 2025 at 04:19 UTC.',
      'Not sent: already sent on 1 October 2025 at 00:00 UTC (1 of 1 ever).',
    ]);
    const { body } = await api.server.get('/api/v1/explain/eager/WELCOME_EMAIL');
    expect(body.decisions).toHaveLength(200);
    expect(body.rules[0].decisions).toMatchObject({ send: 1, suppressed: 259 });
    expect(body.notifications).toHaveLength(1);
  });

  test('rejected events', async () => {
    const wrong = { event_type: 'payment_failed', event_timestamp: '2025-10-31T10:00:00Z' };
    for (const attempt_number of ['3', '4']) {
      api.tidings.clock.now += MINUTE;
      const event = { user_id: 'rita', ...wrong, properties: { attempt_number } };
      expect((await api.server.post('/api/v1/events', event)).status).toBe(422);
    }
    api.tidings.clock.now -= 2 * MINUTE;
    await expectExplanation('rita', 'HIGH_RISK_ALERT', 'not_sent', [
      'HIGH_RISK_ALERT was not sent to rita.',
      'Nothing is known of rita: no event was ever accepted.',
      'payment_failed was rejected, as 1 more of these events was, the latest on 20 November 2025 at 12:02 UTC: properties.attempt_number is text ("4"), but must be an integer.',
      'The rule HIGH_RISK_ALERT is triggered by payment_failed.',
    ]);
    await post('rita', 'signup_completed', '31T10:00:00');
    await expectExplanation('rita', 'HIGH_RISK_ALERT', 'not_sent', [
      'HIGH_RISK_ALERT was not sent to rita.',
      'payment_failed was rejected, as 1 more of these events was, the latest on 20 November 2025 at 12:02 UTC: properties.attempt_number is text ("4"), but must be an integer.',
      'The rule HIGH_RISK_ALERT is triggered by payment_failed, and no such event of rita was ever accepted.',
    ]);
    // Rejected events of other types are not part of the reason.
    await expectExplanation('rita', 'BANK_LINK_NUDGE_SMS', 'not_sent', [
      'BANK_LINK_NUDGE_SMS was not sent to rita.',
      'The rule BANK_LINK_NUDGE_SMS is triggered by link_bank_success, and no such event of rita was ever received.',
      'It would have to happen within 24h after signup_completed, which was received on 31 October 2025 at 10:00 UTC.',
    ]);
  });

  test('another branch of the rule, and an audience that does not include the user', async () => {
    const files = {
      'rules.yaml': `rules:
  BRANCHES:
    on: payment_failed
    choose: [{ when: event.attempt_number >= 3, notify: HIGH_RISK_ALERT }, { notify: WELCOME_EMAIL }]
  WEEKLY: { every: monday 09:00, for: user.risk_segment == "HIGH", notify: BANK_LINK_NUDGE_SMS }
`,
    };
    await withCatalog(files, async () => {
      await failed('branched', '31T10:00:00', { attempt_number: 1 });
      await failed('branched', '31T11:00:00', { attempt_number: 2 });
      await expectExplanation('branched', 'HIGH_RISK_ALERT', 'not_sent', [
        'HIGH_RISK_ALERT was not sent to branched.',
        'The rule BRANCHES decided twice about branched, each time for another branch or variant.',
      ]);
      await expectExplanation('branched', 'BANK_LINK_NUDGE_SMS', 'not_sent', [
        'BANK_LINK_NUDGE_SMS was not sent to branched.',
        'The rule WEEKLY runs every monday 09:00 for users with user.risk_segment == "HIGH"; branched is not among them.',
      ]);
      await failed('risky', '31T10:00:00', { attempt_number: 1 }, { risk_segment: 'HIGH' });
      await expectExplanation('risky', 'BANK_LINK_NUDGE_SMS', 'not_sent', [
        'BANK_LINK_NUDGE_SMS was not sent to risky.',
        'The rule WEEKLY runs every monday 09:00 for users with user.risk_segment == "HIGH"; it has not reached risky yet.',
      ]);
    });
  });

  test('a user without a triggering event', async () => {
    await post('signed-up', 'signup_completed', '31T10:00:00');
    await expectExplanation('signed-up', 'BANK_LINK_NUDGE_SMS', 'not_sent', [
      'BANK_LINK_NUDGE_SMS was not sent to signed-up.',
      'The rule BANK_LINK_NUDGE_SMS is triggered by link_bank_success, and no such event of signed-up was ever received.',
      'It would have to happen within 24h after signup_completed, which was received on 31 October 2025 at 10:00 UTC.',
    ]);
    await failed('payer', '31T10:00:00', {});
    await expectExplanation('payer', 'BANK_LINK_NUDGE_SMS', 'not_sent', [
      'BANK_LINK_NUDGE_SMS was not sent to payer.',
      'The rule BANK_LINK_NUDGE_SMS is triggered by link_bank_success, and no such event of payer was ever received.',
      'It would have to happen within 24h after signup_completed, which was not received either.',
    ]);
  });

  test('an unknown user', async () => {
    await expectExplanation('unknown', 'BANK_LINK_NUDGE_SMS', 'unknown_user', [
      'BANK_LINK_NUDGE_SMS was not sent to unknown.',
      'Nothing is known of unknown: no event was ever received.',
      'The rule BANK_LINK_NUDGE_SMS is triggered by link_bank_success.',
      'It would have to happen within 24h after signup_completed, which was not received.',
    ]);
  });

  test('a type that no rule sends, or that no rule sent at the time of the event', async () => {
    await post('early', 'refund_made', '30T10:00:00');
    await post('early', 'refund_made', '31T10:00:00');
    await post('earlier', 'refund_made', '31T10:00:00');
    await withCatalog({ 'rules.yaml': 'rules: { HIGH_RISK_ALERT: { on: payment_failed } }' }, async (version) => {
      await expectExplanation('early', 'WELCOME_EMAIL', 'not_sent', [
        'WELCOME_EMAIL was not sent to early.',
        `No rule of catalog version ${version} sends it.`,
      ]);
    });
    const files = {
      'events.yaml': 'events: { refund_made: {} }',
      'rules.yaml': 'rules: { HIGH_RISK_ALERT: { on: refund_made } }',
    };
    await withCatalog(files, async () => {
      await expectExplanation('early', 'HIGH_RISK_ALERT', 'not_sent', [
        'HIGH_RISK_ALERT was not sent to early.',
        'The rule HIGH_RISK_ALERT is triggered by refund_made, which was received twice, the latest time on 31 October 2025 at 10:00 UTC, before this rule was active.',
      ]);
      await expectExplanation('earlier', 'HIGH_RISK_ALERT', 'not_sent', [
        'HIGH_RISK_ALERT was not sent to earlier.',
        'The rule HIGH_RISK_ALERT is triggered by refund_made, which was received once, on 31 October 2025 at 10:00 UTC, before this rule was active.',
      ]);
    });
  });

  test('an unknown type: answers 404 with the known ones', async () => {
    const { status, body } = await api.server.get('/api/v1/explain/ana/WELCOME');
    expect([status, body.code, body.errors[0].pointer]).toEqual([404, 'not_found', 'notification_type']);
    expect(body.detail).toBe(
      'The catalog has no notification type of this name; it has: WELCOME_EMAIL, BANK_LINK_NUDGE_SMS, INSUFFICIENT_FUNDS_EMAIL, HIGH_RISK_ALERT.',
    );
  });
});

/** @param at day of October 2025 and time: `31T19:00:00` */
function failed(user: string, at: string, properties: object, user_traits: object = {}): Promise<void> {
  return post(user, 'payment_failed', at, { properties, user_traits });
}

async function expectExplanation(
  user: string,
  type: string,
  answer: string,
  sentences: readonly string[],
): Promise<void> {
  const { status, body } = await api.server.get(`/api/v1/explain/${user}/${type}`);
  expect(status).toBe(200);
  expect([body.user_id, body.notification_type, body.answer]).toEqual([user, type, answer]);
  expect(body.paragraph).toBe(sentences.join(' '));
}

/** Does `work` with some files of the fintech catalog replaced, and applies the original catalog afterwards. */
async function withCatalog(
  files: { readonly [file: string]: string },
  work: (version: number) => Promise<void>,
): Promise<void> {
  const fintech = await loadExample('fintech');
  const changed: Files = new Map([...fintech, ...Object.entries(files)]);
  const version = await api.tidings.apply(changed);
  await work(version);
  await api.tidings.apply(fintech);
}
