import { describe, expect, test } from 'vitest';
import { loadExample } from './support/catalog.ts';
import { useSandboxedApi } from './support/sandboxed-api.ts';

const api = useSandboxedApi();
const { post, settled } = api;

describe('audit', () => {
  test('returns everything about a user, in the documented format', async () => {
    await post('ana', 'signup_completed', '31T19:00:00', {
      event_id: 'signup-ana',
      properties: { signup_method: 'google' },
      user_traits: { email: 'ana@example.com', marketing_opt_in: true, time_zone: 'Europe/Lisbon', locale: 'pt' },
    });
    await settled('ana');
    const { status, body } = await api.server.get('/api/v1/audit/ana');
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
              status: 'sandboxed',
              reason_code: null,
              reason: null,
              account: null,
              target: '',
              receipt_state: null,
              receipt_flags: [],
              parts: null,
              cost: null,
              provider: 'sandbox',
              provider_message_id: `sandbox-${id}.email`,
              attempts_made: 1,
              decided_by: null,
              hold_code: null,
              due_at: '2025-11-20T12:00:00.000Z',
              created_at: '2025-11-20T12:00:00.000Z',
              finished_at: '2025-11-20T12:00:00.000Z',
              has_message: true,
              attempts: [
                {
                  attempt: 1,
                  provider: 'sandbox',
                  account: null,
                  code: null,
                  choice: null,
                  parts: null,
                  cost: null,
                  started_at: '2025-11-20T12:00:00.000Z',
                  duration_ms: 0,
                  outcome: 'sandboxed',
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
      previous: null,
    });
    expect((await api.server.get('/audit/ana')).body).toEqual(body);
  });

  test('returns empty lists for an unknown user', async () => {
    const { status, body } = await api.server.get('/api/v1/audit/unknown');
    expect(status).toBe(200);
    expect(body).toEqual({
      user_id: 'unknown',
      profile: null,
      recent_events: [],
      decisions: [],
      notifications: [],
      next: null,
      previous: null,
    });
  });

  test('returns every event once over its pages, newest first', async () => {
    // Equal times too: the place in the list is more than a time.
    for (let n = 0; n < 7; n++) {
      await post('pages', 'payment_failed', `31T1${Math.floor(n / 2)}:00:00`, { event_id: `page-${n}` });
    }
    const seen: { event_id: string; event_timestamp: string }[] = [];
    let next: string | null = '';
    for (let page = 0; next !== null && page < 10; page++) {
      const { body } = await api.server.get(`/api/v1/audit/pages?limit=3${next ? `&after=${next}` : ''}`);
      expect(body.recent_events.length).toBeLessThanOrEqual(3);
      seen.push(...body.recent_events);
      next = body.next;
    }
    expect(new Set(seen.map((one) => one.event_id)).size).toBe(7);
    expect(seen.length).toBe(7);
    const times = seen.map((one) => one.event_timestamp);
    expect(times).toEqual([...times].sort().reverse());
  });

  test('has an event in the middle of a page, and leads from there to all others', async () => {
    for (let n = 0; n < 12; n++) {
      // Pairs of events at the same time, every third without an id of its caller.
      const named = n % 3 === 0 ? {} : { event_id: `around-${n}` };
      await post('around', 'payment_failed', `31T1${Math.floor(n / 2)}:00:00`, { ...named, properties: { amount: n } });
    }
    const read = async (query: string) => {
      const { status, body } = await api.server.get(`/api/v1/audit/around?${query}`);
      expect([status, body.code]).toEqual([200, undefined]);
      return { ...body, ids: body.recent_events.map((one: { event_id: string }) => one.event_id) };
    };
    const all: string[] = (await read('limit=200')).ids;
    expect(all.length).toBe(12);
    for (const [place, id] of all.entries()) {
      const page = await read(`limit=5&around=${id}`);
      expect(page.ids).toEqual(all.slice(Math.max(0, place - 2), Math.max(0, place - 2) + 5));
      const seen: string[] = [...page.ids];
      for (let next = page.next; next !== null; ) {
        const older = await read(`limit=2&after=${next}`);
        seen.push(...older.ids);
        next = older.next;
      }
      for (let previous = page.previous; previous !== null; ) {
        const newer = await read(`limit=2&before=${previous}`);
        seen.unshift(...newer.ids);
        previous = newer.previous;
      }
      expect(seen).toEqual(all);
    }
    // Both cursors of a page between others lead on.
    const [, , third] = all;
    const { next } = await read(`limit=1&around=${third}`);
    const older = await read(`limit=2&after=${next}`);
    expect((await read(`limit=2&before=${older.previous}`)).ids).toEqual(all.slice(1, 3));
    expect((await read(`limit=1&around=${third}&notification_type=NONE`)).ids).toEqual([]);
    for (const path of ['around?around=never', `unknown?around=${third}`]) {
      const { status, body } = await api.server.get(`/api/v1/audit/${path}`);
      expect([status, body.code, body.errors[0].pointer]).toEqual([404, 'not_found', 'around']);
    }
  });

  test('ends a large page early, and continues on the next one without gaps or duplicates', async () => {
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
      const { status, body } = await api.server.get(`/api/v1/audit/large?limit=200${next ? `&after=${next}` : ''}`);
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
    const { status, body } = await api.server.get('/api/v1/explain/large/HIGH_RISK_ALERT');
    expect([status, body.decisions.length]).toEqual([200, 11]);
    expect((await api.server.get('/api/v1/activity?limit=200')).status).toBe(200);
  });

  test('filters the decisions and their events by notification_type', async () => {
    await post('filter', 'signup_completed', '31T10:00:00', { user_traits: { marketing_opt_in: false } });
    await post('filter', 'payment_failed', '31T11:00:00', { properties: { attempt_number: 3 } });
    const { body } = await api.server.get('/api/v1/audit/filter?notification_type=HIGH_RISK_ALERT');
    expect(body.decisions.map((one: { rule: string }) => one.rule)).toEqual(['HIGH_RISK_ALERT']);
    expect(body.recent_events.map((one: { event_type: string }) => one.event_type)).toEqual(['payment_failed']);
    const all = await api.server.get('/api/v1/audit/filter');
    expect(all.body.decisions.map((one: { rule: string }) => one.rule)).toEqual([
      'INSUFFICIENT_FUNDS_EMAIL',
      'HIGH_RISK_ALERT',
      'WELCOME_EMAIL',
    ]);
    expect((await api.server.get('/api/v1/audit/filter?notification_type=NONE')).body.decisions).toEqual([]);
  });

  test('returns the evidence as stored, after a change of the catalog', async () => {
    await post('before', 'signup_completed', '31T10:00:00', { user_traits: { marketing_opt_in: false } });
    const before = await api.server.get('/api/v1/audit/before');
    const source = new Map(await loadExample('fintech'));
    source.set('rules.yaml', 'rules: { HIGH_RISK_ALERT: { on: signup_completed } }');
    await api.tidings.apply(source);
    const after = await api.server.get('/api/v1/audit/before');
    expect(after.body).toEqual(before.body);
    expect(after.body.decisions[0].catalog_version).toBe(1);
    await api.tidings.apply(await loadExample('fintech'));
  });

  test.each([
    ['limit=0', 'limit'],
    ['limit=201', 'limit'],
    ['limit=x', 'limit'],
    ['after=nowhere', 'after'],
    ['before=nowhere', 'before'],
    ['around=a&after=b', 'around'],
    ['before=a&after=b', 'before'],
  ])('answers ?%s with a problem that names the parameter', async (query, pointer) => {
    const { status, body } = await api.server.get(`/api/v1/audit/ana?${query}`);
    expect([status, body.code, body.errors[0].pointer]).toEqual([400, 'invalid_request', pointer]);
  });
});

describe('activity and users', () => {
  test('lists the latest event first, with its decisions', async () => {
    for (const second of [1, 2, 3]) {
      api.tidings.clock.now += 1000;
      await post(`lately-${second}`, 'payment_failed', '01T00:00:00', { properties: { attempt_number: second } });
    }
    const { body } = await api.server.get('/api/v1/activity?limit=3');
    expect(body.events.map((one: { user_id: string }) => one.user_id)).toEqual(['lately-3', 'lately-2', 'lately-1']);
    expect(body.events[0]).toMatchObject({
      event_type: 'payment_failed',
      received_at: new Date(api.tidings.clock.now).toISOString(),
    });
    expect(body.events[0].decisions.map((one: { outcome: string }) => one.outcome)).toEqual(['not_matched', 'send']);
    // When little happened lately, it looks further back.
    api.tidings.clock.now += 40 * 86_400_000;
    expect((await api.server.get('/api/v1/activity?limit=2')).body.events.length).toBe(2);
  });

  test('lists users by the beginning of their ID', async () => {
    for (const user of ['z_%1', 'z_%2', 'z_a', 'z_%']) await post(user, 'seen', '31T10:00:00');
    const found = async (prefix: string, limit = 10) =>
      (await api.server.get(`/api/v1/users?prefix=${encodeURIComponent(prefix)}&limit=${limit}`)).body.users.map(
        (user: { user_id: string }) => user.user_id,
      );
    expect(await found('z_%')).toEqual(['z_%', 'z_%1', 'z_%2']);
    expect(await found('z_', 2)).toEqual(['z_%', 'z_%1']);
    expect(await found('Z')).toEqual([]);
    expect((await found('', 200)).length).toBeGreaterThan(4);
  });
});

/** @param at day of October 2025 and time: `31T19:00:00` */
