import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CatalogFiles } from '../src/catalog/catalog-files.ts';
import { loadCatalogFiles } from '../src/catalog/load/load-catalog-files.ts';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { type TestServer, testServer } from './support/http.ts';
import { FINTECH, type TestTidings, testTidings } from './support/tidings.ts';

/** Why, and why not: what a support agent reads, word for word. */

let tidings: TestTidings;
let server: TestServer;

beforeAll(async () => {
  tidings = await testTidings({
    email: sandboxProvider(['email']),
    sms: sandboxProvider(['sms']),
    internal: sandboxProvider(['internal']),
  });
  server = await testServer(tidings);
  await tidings.worker();
});

afterAll(async () => {
  await server.close();
  await tidings.close();
});

describe('audit', () => {
  test('everything about one person, in the shapes of the documentation', async () => {
    await post('ana', 'signup_completed', '31T19:00:00', {
      event_id: 'signup-ana',
      properties: { signup_method: 'google' },
      user_traits: { email: 'ana@example.com', marketing_opt_in: true, time_zone: 'Europe/Lisbon', locale: 'pt' },
    });
    await settled('ana');
    const { status, body } = await server.get('/api/v1/audit/ana');
    expect(status).toBe(200);
    const decision = {
      decision_id: expect.any(String),
      rule: 'WELCOME_EMAIL',
      notification_type: 'WELCOME_EMAIL',
      outcome: 'send',
      reason_code: 'matched',
      reason: 'To be sent: traits.marketing_opt_in == true holds and the limit allows it (1 of 1 ever).',
      notification_id: expect.any(String),
      event_ids: ['signup-ana'],
      evidence: {
        condition: {
          expression: 'traits.marketing_opt_in == true',
          result: true,
          values: { 'traits.marketing_opt_in': true },
        },
        limits: [{ limit: 'once', window: 'ever', max: 1, used: 0, uses: [] }],
      },
      event_id: 'signup-ana',
      event_type: 'signup_completed',
      event_timestamp: '2025-10-31T19:00:00.000Z',
      decided_at: '2025-11-20T12:00:00.000Z',
      catalog_version: 1,
    };
    const id = body.decisions[0].notification_id;
    expect(body).toEqual({
      user_id: 'ana',
      profile: {
        traits: { email: 'a…@example.com', marketing_opt_in: true, time_zone: 'Europe/Lisbon', locale: 'pt' },
        addresses: { email: 'a…@example.com' },
        time_zone: 'Europe/Lisbon',
        locale: 'pt',
        first_seen_at: '2025-11-20T12:00:00.000Z',
        updated_at: '2025-11-20T12:00:00.000Z',
      },
      recent_events: [
        {
          event_id: 'signup-ana',
          event_type: 'signup_completed',
          event_timestamp: '2025-10-31T19:00:00.000Z',
          received_at: '2025-11-20T12:00:00.000Z',
          properties: { signup_method: 'google' },
          user_traits: { email: 'a…@example.com', marketing_opt_in: true, time_zone: 'Europe/Lisbon', locale: 'pt' },
          context: null,
          catalog_version: 1,
        },
      ],
      decisions: [decision],
      notifications: [
        {
          notification_id: id,
          notification_type: 'WELCOME_EMAIL',
          category: 'MARKETING',
          rule: 'WELCOME_EMAIL',
          decision_id: body.decisions[0].decision_id,
          event_id: 'signup-ana',
          created_at: '2025-11-20T12:00:00.000Z',
          deliveries: [
            {
              delivery_id: `${id}.email`,
              notification_id: id,
              notification_type: 'WELCOME_EMAIL',
              user_id: 'ana',
              channel: 'email',
              status: 'sent',
              reason_code: null,
              reason: null,
              provider: 'sandbox',
              provider_message_id: `sandbox-${id}.email`,
              attempts_made: 1,
              due_at: '2025-11-20T12:00:00.000Z',
              created_at: '2025-11-20T12:00:00.000Z',
              finished_at: '2025-11-20T12:00:00.000Z',
              has_message: true,
              attempts: [
                {
                  attempt: 1,
                  provider: 'sandbox',
                  started_at: '2025-11-20T12:00:00.000Z',
                  duration_ms: 0,
                  outcome: 'delivered',
                  reason: null,
                  response: null,
                  provider_message_id: `sandbox-${id}.email`,
                },
              ],
            },
          ],
        },
      ],
      next: null,
    });
    expect((await server.get('/audit/ana')).body).toEqual(body);
  });

  test('a stranger: empty lists', async () => {
    const { status, body } = await server.get('/api/v1/audit/nobody');
    expect(status).toBe(200);
    expect(body).toEqual({
      user_id: 'nobody',
      profile: null,
      recent_events: [],
      decisions: [],
      notifications: [],
      next: null,
    });
  });

  test('the pages of next go through all events once, newest first', async () => {
    // Equal times too: the place in the list is more than a time.
    for (let n = 0; n < 7; n++) {
      await post('pages', 'payment_failed', `31T1${Math.floor(n / 2)}:00:00`, { event_id: `page-${n}` });
    }
    const seen: { event_id: string; event_timestamp: string }[] = [];
    let next: string | null = '';
    for (let page = 0; next !== null && page < 10; page++) {
      const { body } = await server.get(`/api/v1/audit/pages?limit=3${next ? `&before=${next}` : ''}`);
      expect(body.recent_events.length).toBeLessThanOrEqual(3);
      seen.push(...body.recent_events);
      next = body.next;
    }
    expect(new Set(seen.map((one) => one.event_id)).size).toBe(7);
    expect(seen.length).toBe(7);
    const times = seen.map((one) => one.event_timestamp);
    expect(times).toEqual([...times].sort().reverse());
  });

  test('a page ends early when it is large, and next goes on from there; nothing is lost or twice', async () => {
    const note = 'x'.repeat(1_000_000);
    for (let n = 0; n < 11; n++) {
      await post('large', 'payment_failed', `31T1${n % 3}:00:00`, {
        event_id: `large-${n}`,
        properties: { attempt_number: 3, note },
      });
    }
    const seen: string[] = [];
    const sizes: number[] = [];
    let decisions = 0;
    let next: string | null = '';
    while (next !== null) {
      const { status, body } = await server.get(`/api/v1/audit/large?limit=200${next ? `&before=${next}` : ''}`);
      expect(status).toBe(200);
      sizes.push(body.recent_events.length);
      seen.push(...body.recent_events.map((one: { event_id: string }) => one.event_id));
      decisions += body.decisions.length;
      next = body.next;
    }
    expect(sizes).toEqual([9, 2]);
    expect(new Set(seen).size).toBe(11);
    expect(decisions).toBe(22);
    // An explanation shows the decisions, and none of the texts.
    const { status, body } = await server.get('/api/v1/explain/large/HIGH_RISK_ALERT');
    expect([status, body.decisions.length]).toEqual([200, 11]);
    expect((await server.get('/api/v1/activity?limit=200')).status).toBe(200);
  });

  test('notification_type shows the decisions about it, and the events they were made on', async () => {
    await post('filter', 'signup_completed', '31T10:00:00', { user_traits: { marketing_opt_in: false } });
    await post('filter', 'payment_failed', '31T11:00:00', { properties: { attempt_number: 3 } });
    const { body } = await server.get('/api/v1/audit/filter?notification_type=HIGH_RISK_ALERT');
    expect(body.decisions.map((one: { rule: string }) => one.rule)).toEqual(['HIGH_RISK_ALERT']);
    expect(body.recent_events.map((one: { event_type: string }) => one.event_type)).toEqual(['payment_failed']);
    const all = await server.get('/api/v1/audit/filter');
    expect(all.body.decisions.map((one: { rule: string }) => one.rule)).toEqual([
      'INSUFFICIENT_FUNDS_EMAIL',
      'HIGH_RISK_ALERT',
      'WELCOME_EMAIL',
    ]);
    expect((await server.get('/api/v1/audit/filter?notification_type=NONE')).body.decisions).toEqual([]);
  });

  test('evidence is what was stored at the time, whatever catalog came later', async () => {
    await post('before', 'signup_completed', '31T10:00:00', { user_traits: { marketing_opt_in: false } });
    const before = await server.get('/api/v1/audit/before');
    const source = new Map(await loadCatalogFiles(FINTECH));
    source.set('rules.yaml', 'rules: { HIGH_RISK_ALERT: { on: signup_completed } }');
    await tidings.apply(source);
    const after = await server.get('/api/v1/audit/before');
    expect(after.body).toEqual(before.body);
    expect(after.body.decisions[0].catalog_version).toBe(1);
    await tidings.apply(await loadCatalogFiles(FINTECH));
  });

  test.each([
    ['limit=0', 'limit'],
    ['limit=201', 'limit'],
    ['limit=x', 'limit'],
    ['before=nowhere', 'before'],
  ])('?%s is a problem that names its place', async (query, path) => {
    const { status, body } = await server.get(`/api/v1/audit/ana?${query}`);
    expect([status, body.code, body.path]).toEqual([400, 'invalid_request', path]);
  });
});

describe('explain', () => {
  test('sent', async () => {
    await post('sent', 'signup_completed', '31T19:00:00', {
      user_traits: { email: 's@example.com', marketing_opt_in: true },
    });
    await settled('sent');
    await says('sent', 'WELCOME_EMAIL', 'sent', [
      'The rule WELCOME_EMAIL decided to send WELCOME_EMAIL to sent, on signup_completed of 31 October 2025 at 19:00 UTC.',
      'To be sent: traits.marketing_opt_in == true holds and the limit allows it (1 of 1 ever).',
      'It was kept in the sandbox on 20 November 2025 at 12:00 UTC instead of going out by email.',
    ]);
  });

  test('sent, and then suppressed by the limit', async () => {
    await failed('limited', '31T10:41:00', { failure_reason: 'INSUFFICIENT_FUNDS' }, { email: 'l@example.com' });
    await failed('limited', '31T18:00:00', { failure_reason: 'INSUFFICIENT_FUNDS' });
    await failed('limited', '31T18:30:05', { failure_reason: 'INSUFFICIENT_FUNDS' });
    await settled('limited');
    await says('limited', 'INSUFFICIENT_FUNDS_EMAIL', 'sent', [
      'The rule INSUFFICIENT_FUNDS_EMAIL decided to send INSUFFICIENT_FUNDS_EMAIL to limited, on payment_failed of 31 October 2025 at 10:41 UTC.',
      'To be sent: event.failure_reason == "INSUFFICIENT_FUNDS" holds and the limit allows it (1 of 1 per day).',
      'It was kept in the sandbox on 20 November 2025 at 12:00 UTC instead of going out by email.',
      'It was also considered twice without being sent, the latest time on payment_failed of 31 October 2025 at 18:30:05 UTC.',
      'Not sent: already sent on 31 October 2025 at 10:41 UTC (1 of 1 per day).',
    ]);
    const { body } = await server.get('/api/v1/explain/limited/INSUFFICIENT_FUNDS_EMAIL');
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

  test('sent twice', async () => {
    await failed('twice', '30T10:00:00', { attempt_number: 3 });
    await failed('twice', '31T10:00:00', { attempt_number: 4 });
    await settled('twice');
    await says('twice', 'HIGH_RISK_ALERT', 'sent', [
      'The rule HIGH_RISK_ALERT decided twice to send HIGH_RISK_ALERT to twice, the latest time on payment_failed of 31 October 2025 at 10:00 UTC.',
      'To be sent: event.attempt_number >= 3 holds.',
      'It was kept in the sandbox on 20 November 2025 at 12:00 UTC instead of going out as an internal alert.',
    ]);
  });

  test('decided, but there is no address', async () => {
    await post('unreachable', 'signup_completed', '31T19:00:00', { user_traits: { marketing_opt_in: true } });
    await settled('unreachable');
    await says('unreachable', 'WELCOME_EMAIL', 'not_delivered', [
      'WELCOME_EMAIL was not delivered to unreachable.',
      'The rule WELCOME_EMAIL decided to send WELCOME_EMAIL to unreachable, on signup_completed of 31 October 2025 at 19:00 UTC.',
      'To be sent: traits.marketing_opt_in == true holds and the limit allows it (1 of 1 ever).',
      'It could not be delivered by email on 20 November 2025 at 12:00 UTC: No email address is known for this user: no event has set user_traits.email, or a later one has removed it.',
    ]);
  });

  test('a condition that is false', async () => {
    await post('said-no', 'signup_completed', '31T19:00:00', { user_traits: { marketing_opt_in: false } });
    await says('said-no', 'WELCOME_EMAIL', 'not_sent', [
      'WELCOME_EMAIL was not sent to said-no.',
      'The rule WELCOME_EMAIL considered it once, on signup_completed of 31 October 2025 at 19:00 UTC.',
      'Not sent: the rule needs traits.marketing_opt_in == true, and traits.marketing_opt_in was false.',
    ]);
  });

  test('a field that is missing', async () => {
    await failed('gap', '30T10:00:00', {});
    await failed('gap', '31T10:00:00', {});
    await says('gap', 'HIGH_RISK_ALERT', 'not_sent', [
      'HIGH_RISK_ALERT was not sent to gap.',
      'The rule HIGH_RISK_ALERT considered it twice, the latest time on payment_failed of 31 October 2025 at 10:00 UTC.',
      'Not sent: the rule needs event.attempt_number >= 3, and event.attempt_number is missing.',
    ]);
  });

  test('a pattern that is incomplete', async () => {
    await post('linked', 'link_bank_success', '31T10:00:00');
    await says('linked', 'BANK_LINK_NUDGE_SMS', 'not_sent', [
      'BANK_LINK_NUDGE_SMS was not sent to linked.',
      'The rule BANK_LINK_NUDGE_SMS considered it once, on link_bank_success of 31 October 2025 at 10:00 UTC.',
      'Not sent: no signup_completed was known in the 24h before it (from 30 October 2025 at 10:00 UTC to 31 October 2025 at 10:00 UTC); BANK_LINK_NUDGE_SMS needs one.',
    ]);
  });

  test('a pattern that was completed', async () => {
    await post('quick', 'signup_completed', '31T10:00:00', { user_traits: { phone: '+351912345678' } });
    await post('quick', 'link_bank_success', '31T12:00:00');
    await settled('quick');
    await says('quick', 'BANK_LINK_NUDGE_SMS', 'sent', [
      'The rule BANK_LINK_NUDGE_SMS decided to send BANK_LINK_NUDGE_SMS to quick, on link_bank_success of 31 October 2025 at 12:00 UTC.',
      'To be sent: it happened within 24h after signup_completed on 31 October 2025 at 10:00 UTC and the limit allows it (1 of 1 ever).',
      'It was kept in the sandbox on 20 November 2025 at 12:00 UTC instead of going out by SMS.',
    ]);
  });

  test('a pattern that a late event completed', async () => {
    await post('late', 'link_bank_success', '31T12:00:00', { user_traits: { phone: '+351912345678' } });
    await post('late', 'signup_completed', '31T10:00:00');
    await settled('late');
    await says('late', 'BANK_LINK_NUDGE_SMS', 'sent', [
      'The rule BANK_LINK_NUDGE_SMS decided to send BANK_LINK_NUDGE_SMS to late, when signup_completed of 31 October 2025 at 10:00 UTC became known.',
      'To be sent: it happened within 24h after signup_completed on 31 October 2025 at 10:00 UTC and the limit allows it (1 of 1 ever).',
      'It was kept in the sandbox on 20 November 2025 at 12:00 UTC instead of going out by SMS.',
      'It was also considered once without being sent, on link_bank_success of 31 October 2025 at 12:00 UTC.',
      'Not sent: no signup_completed was known in the 24h before it (from 30 October 2025 at 12:00 UTC to 31 October 2025 at 12:00 UTC); BANK_LINK_NUDGE_SMS needs one.',
    ]);
  });

  test('sent long ago, and considered ever since: all of it counts', async () => {
    const at = (minute: number) => new Date(Date.parse('2025-10-01T00:00:00Z') + minute * 60_000).toISOString();
    const signup = (minute: number) => ({
      user_id: 'eager',
      event_type: 'signup_completed',
      event_timestamp: at(minute),
    });
    const traits = { user_traits: { email: 'e@example.com', marketing_opt_in: true } };
    const all = Array.from({ length: 260 }, (_, minute) => ({ ...signup(minute), ...traits }));
    expect((await server.post('/api/v1/events', all)).body.accepted).toBe(260);
    await settled('eager');
    await says('eager', 'WELCOME_EMAIL', 'sent', [
      'The rule WELCOME_EMAIL decided to send WELCOME_EMAIL to eager, on signup_completed of 1 October 2025 at 00:00 UTC.',
      'To be sent: traits.marketing_opt_in == true holds and the limit allows it (1 of 1 ever).',
      'It was kept in the sandbox on 20 November 2025 at 12:00 UTC instead of going out by email.',
      'It was also considered 259 times without being sent, the latest time on signup_completed of 1 October 2025 at 04:19 UTC.',
      'Not sent: already sent on 1 October 2025 at 00:00 UTC (1 of 1 ever).',
    ]);
    const { body } = await server.get('/api/v1/explain/eager/WELCOME_EMAIL');
    expect(body.decisions).toHaveLength(200);
    expect(body.rules[0].decisions).toMatchObject({ send: 1, suppressed: 259 });
    expect(body.notifications).toHaveLength(1);
  });

  test('what was refused', async () => {
    const wrong = { event_type: 'payment_failed', event_timestamp: '2025-10-31T10:00:00Z' };
    for (const attempt_number of ['3', '4']) {
      const event = { user_id: 'refused', ...wrong, properties: { attempt_number } };
      expect((await server.post('/api/v1/events', event)).status).toBe(422);
    }
    await says('refused', 'HIGH_RISK_ALERT', 'not_sent', [
      'HIGH_RISK_ALERT was not sent to refused.',
      'Nothing is known of refused: no event was ever accepted.',
      'payment_failed was rejected, as 1 more of these events was, the latest on 20 November 2025 at 12:00 UTC: properties.attempt_number is text ("3"), but must be an integer.',
      'The rule HIGH_RISK_ALERT is triggered by payment_failed.',
    ]);
    await post('refused', 'signup_completed', '31T10:00:00');
    await says('refused', 'HIGH_RISK_ALERT', 'not_sent', [
      'HIGH_RISK_ALERT was not sent to refused.',
      'payment_failed was rejected, as 1 more of these events was, the latest on 20 November 2025 at 12:00 UTC: properties.attempt_number is text ("3"), but must be an integer.',
      'The rule HIGH_RISK_ALERT is triggered by payment_failed, and no such event of refused was ever accepted.',
    ]);
    // What the rules do not wait for is no reason.
    await says('refused', 'BANK_LINK_NUDGE_SMS', 'not_sent', [
      'BANK_LINK_NUDGE_SMS was not sent to refused.',
      'The rule BANK_LINK_NUDGE_SMS is triggered by link_bank_success, and no such event of refused was ever received.',
      'It would have to happen within 24h after signup_completed, which was received on 31 October 2025 at 10:00 UTC.',
    ]);
  });

  test('another way of the rule, and an audience somebody is not in', async () => {
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
      await says('branched', 'HIGH_RISK_ALERT', 'not_sent', [
        'HIGH_RISK_ALERT was not sent to branched.',
        'The rule BRANCHES decided twice about branched, each time for another branch or variant.',
      ]);
      await says('branched', 'BANK_LINK_NUDGE_SMS', 'not_sent', [
        'BANK_LINK_NUDGE_SMS was not sent to branched.',
        'The rule WEEKLY runs every monday 09:00 for users with user.risk_segment == "HIGH"; branched is not among them.',
      ]);
      await failed('risky', '31T10:00:00', { attempt_number: 1 }, { risk_segment: 'HIGH' });
      await says('risky', 'BANK_LINK_NUDGE_SMS', 'not_sent', [
        'BANK_LINK_NUDGE_SMS was not sent to risky.',
        'The rule WEEKLY runs every monday 09:00 for users with user.risk_segment == "HIGH"; it has not reached risky yet.',
      ]);
    });
  });

  test('no triggering event was ever seen', async () => {
    await post('signed-up', 'signup_completed', '31T10:00:00');
    await says('signed-up', 'BANK_LINK_NUDGE_SMS', 'not_sent', [
      'BANK_LINK_NUDGE_SMS was not sent to signed-up.',
      'The rule BANK_LINK_NUDGE_SMS is triggered by link_bank_success, and no such event of signed-up was ever received.',
      'It would have to happen within 24h after signup_completed, which was received on 31 October 2025 at 10:00 UTC.',
    ]);
    await failed('payer', '31T10:00:00', {});
    await says('payer', 'BANK_LINK_NUDGE_SMS', 'not_sent', [
      'BANK_LINK_NUDGE_SMS was not sent to payer.',
      'The rule BANK_LINK_NUDGE_SMS is triggered by link_bank_success, and no such event of payer was ever received.',
      'It would have to happen within 24h after signup_completed, which was not received either.',
    ]);
  });

  test('a stranger', async () => {
    await says('nobody', 'BANK_LINK_NUDGE_SMS', 'not_sent', [
      'BANK_LINK_NUDGE_SMS was not sent to nobody.',
      'Nothing is known of nobody: no event was ever received.',
      'The rule BANK_LINK_NUDGE_SMS is triggered by link_bank_success.',
      'It would have to happen within 24h after signup_completed, which was not received.',
    ]);
  });

  test('no rule sends it, or none did when the event came', async () => {
    await post('early', 'refund_made', '30T10:00:00');
    await post('early', 'refund_made', '31T10:00:00');
    await post('earlier', 'refund_made', '31T10:00:00');
    await withCatalog({ 'rules.yaml': 'rules: { HIGH_RISK_ALERT: { on: payment_failed } }' }, async (version) => {
      await says('early', 'WELCOME_EMAIL', 'not_sent', [
        'WELCOME_EMAIL was not sent to early.',
        `No rule of catalog version ${version} sends it.`,
      ]);
    });
    const files = {
      'events.yaml': 'events: { refund_made: {} }',
      'rules.yaml': 'rules: { HIGH_RISK_ALERT: { on: refund_made } }',
    };
    await withCatalog(files, async () => {
      await says('early', 'HIGH_RISK_ALERT', 'not_sent', [
        'HIGH_RISK_ALERT was not sent to early.',
        'The rule HIGH_RISK_ALERT is triggered by refund_made, which was received twice, the latest time on 31 October 2025 at 10:00 UTC, before this rule was active.',
      ]);
      await says('earlier', 'HIGH_RISK_ALERT', 'not_sent', [
        'HIGH_RISK_ALERT was not sent to earlier.',
        'The rule HIGH_RISK_ALERT is triggered by refund_made, which was received once, on 31 October 2025 at 10:00 UTC, before this rule was active.',
      ]);
    });
  });

  test('a notification type that nobody knows is not found, and the known ones are named', async () => {
    const { status, body } = await server.get('/api/v1/explain/ana/WELCOME');
    expect([status, body.code, body.path]).toEqual([404, 'not_found', 'notification_type']);
    expect(body.detail).toBe(
      'The catalog has no notification type of this name; it has: WELCOME_EMAIL, BANK_LINK_NUDGE_SMS, INSUFFICIENT_FUNDS_EMAIL, HIGH_RISK_ALERT.',
    );
  });
});

describe('activity and people', () => {
  test('what arrived last comes first, with its decisions', async () => {
    for (const second of [1, 2, 3]) {
      tidings.clock.now += 1000;
      await post(`lately-${second}`, 'payment_failed', '01T00:00:00', { properties: { attempt_number: second } });
    }
    const { body } = await server.get('/api/v1/activity?limit=3');
    expect(body.events.map((one: { user_id: string }) => one.user_id)).toEqual(['lately-3', 'lately-2', 'lately-1']);
    expect(body.events[0]).toMatchObject({
      event_type: 'payment_failed',
      received_at: new Date(tidings.clock.now).toISOString(),
    });
    expect(body.events[0].decisions.map((one: { outcome: string }) => one.outcome)).toEqual(['not_matched', 'send']);
    // When little happened lately, it looks further back.
    tidings.clock.now += 40 * 86_400_000;
    expect((await server.get('/api/v1/activity?limit=2')).body.events.length).toBe(2);
  });

  test('people by the beginning of their id', async () => {
    for (const user of ['z_%1', 'z_%2', 'z_a', 'z_%']) await post(user, 'seen', '31T10:00:00');
    const found = async (prefix: string, limit = 10) =>
      (await server.get(`/api/v1/users?prefix=${encodeURIComponent(prefix)}&limit=${limit}`)).body.users.map(
        (user: { user_id: string }) => user.user_id,
      );
    expect(await found('z_%')).toEqual(['z_%', 'z_%1', 'z_%2']);
    expect(await found('z_', 2)).toEqual(['z_%', 'z_%1']);
    expect(await found('Z')).toEqual([]);
    expect((await found('', 200)).length).toBeGreaterThan(4);
  });
});

// ---------------------------------------------------------------------------------------------------------------------

/** @param at day of October 2025 and time: `31T19:00:00` */
async function post(user: string, type: string, at: string, more: object = {}): Promise<void> {
  const { status } = await server.post('/api/v1/events', {
    user_id: user,
    event_type: type,
    event_timestamp: `2025-10-${at}Z`,
    ...more,
  });
  expect(status).toBe(202);
}

function failed(user: string, at: string, properties: object, user_traits: object = {}): Promise<void> {
  return post(user, 'payment_failed', at, { properties, user_traits });
}

/** Every delivery of this person has come to an end. */
async function settled(user: string): Promise<void> {
  await expect
    .poll(async () => {
      const { rows } = await tidings.database.pool.query(
        `select 1 from deliveries where user_id = $1 and status in ('queued', 'sending')`,
        [user],
      );
      return rows.length;
    })
    .toBe(0);
}

async function says(user: string, type: string, answer: string, sentences: readonly string[]): Promise<void> {
  const { status, body } = await server.get(`/api/v1/explain/${user}/${type}`);
  expect(status).toBe(200);
  expect([body.user_id, body.notification_type, body.answer]).toEqual([user, type, answer]);
  expect(body.paragraph).toBe(sentences.join(' '));
}

/** With some files of the fintech catalog replaced; the catalog is put back afterwards. */
async function withCatalog(
  files: { readonly [file: string]: string },
  work: (version: number) => Promise<void>,
): Promise<void> {
  const fintech = await loadCatalogFiles(FINTECH);
  const changed: CatalogFiles = new Map([...fintech, ...Object.entries(files)]);
  const version = await tidings.apply(changed);
  await work(version);
  await tidings.apply(fintech);
}
