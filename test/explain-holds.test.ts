import { afterEach, describe, expect, test } from 'vitest';
import { markOwn } from '../src/events/own-events.ts';
import type { JsonObject } from '../src/model/event.ts';
import { DELIVERY_HOLD_CODES } from '../src/model/hold-codes.ts';
import { pauseWorkers } from '../src/store/pause.ts';
import { deliveryCatalog, eventOf, useDeliveries } from './support/deliveries.ts';
import { testServer } from './support/http.ts';

/** The explain API about messages that are queued and held: what holds them, why, and until when. */

const start = useDeliveries();
let close = async () => {};
afterEach(() => close());

const FILES = {
  'events.yaml': 'events: { mail: {}, steps: {}, promo: {} }',
  'notifications.yaml': `notifications:
  MAIL: { category: OPERATIONAL, channels: [email] }
  PROMO: { category: MARKETING, variables: { postal_address: { default: 1 Main Street } }, channels: [sms] }
  STEPS: { category: OPERATIONAL, channels: { first_of: [sms, email], wait: 1h } }`,
  'rules.yaml': 'rules: { MAIL: { on: mail }, STEPS: { on: steps }, PROMO: { on: promo } }',
  'templates/STEPS/email.en.subject.txt': 'Hello',
  'templates/STEPS/email.en.txt': 'Hello',
  'templates/STEPS/sms.en.txt': 'Hello',
  'templates/PROMO/sms.en.txt': 'Hello',
};

async function prepare(preferences?: string) {
  const tidings = await start({});
  await tidings.database.pool.query(
    `delete from limit_uses; delete from metadata where name = 'paused'; update users set terms = null`,
  );
  const files = new Map([...deliveryCatalog(FILES)].filter(([path]) => !/^templates\/(HELD|TEXT|LISTED)/.test(path)));
  if (preferences !== undefined) files.set('preferences.yaml', preferences);
  await tidings.apply(files);
  const server = await testServer(tidings);
  close = () => server.close();
  return {
    tidings,
    server,
    async post(type: string) {
      tidings.clock.now += 1000;
      const traits = { email: 'maria@example.com', phone: '+351912345678', marketing_opt_in: true };
      await tidings.ingest([
        { ...eventOf(type, { traits }), event_timestamp: new Date(tidings.clock.now).toISOString() },
      ]);
    },
    async prefer(change: JsonObject) {
      tidings.clock.now += 1000;
      const at = new Date(tidings.clock.now).toISOString();
      const item = { user_id: 'u1', event_type: 'preference.updated', event_timestamp: at, properties: change };
      await tidings.pipeline.ingest('default', [markOwn(item)], false);
    },
    /** Holds the one delivery as its claim would. */
    async hold(code: string | null, dueAt = '2025-11-20T15:00:00Z') {
      await tidings.database.pool.query(`update deliveries set hold_code = $1, due_at = $2`, [code, dueAt]);
    },
    async explain(type = 'MAIL'): Promise<{ answer: string; paragraph: string }> {
      const { status, body } = await server.get(`/api/v1/explain/u1/${type}`);
      expect(status).toBe(200);
      return body;
    },
  };
}

describe('what the plan holds is explained with what the user or the tenant said, and until when', () => {
  test('a pause of the messages to the user', async () => {
    const { post, prefer, explain } = await prepare();
    await prefer({ pause: { until: '2025-11-22T09:00:00Z', reason: 'ticket 4711' } });
    await post('mail');
    const { answer, paragraph } = await explain();
    expect(answer).toBe('on_its_way');
    expect(paragraph).toContain(
      'It is held until 22 November 2025 at 09:00 UTC for the pause of messages (ticket 4711) since 20 November 2025 at 12:00:01 UTC, and is to go by email then.',
    );
    expect(paragraph).not.toContain('on its way');
  });

  test('quiet hours', async () => {
    const { post, explain } = await prepare('quiet_hours: 11:00-13:30');
    await post('mail');
    expect((await explain()).paragraph).toMatch(
      /It is held until 20 November 2025 at 13:\d\d(:\d\d)? UTC for the quiet hours 11:00-13:30 UTC .*, and is to go by email then\.$/,
    );
  });

  test('the hours of the law', async () => {
    const { post, explain } = await prepare('legal_hours: { sms: 08:00-11:00 }');
    await post('promo');
    expect((await explain('PROMO')).paragraph).toMatch(
      /It is held until 21 November 2025 at 08:\d\d(:\d\d)? UTC for the hours of the law, 08:00-11:00 .*, and is to go by SMS then\.$/,
    );
  });

  test('the cap of a channel', async () => {
    const { post, explain } = await prepare('caps: { email: { per_hour: 1 } }');
    await post('mail');
    await post('mail');
    expect((await explain()).paragraph).toContain(
      'It is held until 20 November 2025 at 13:00:01 UTC for the limit of messages to its user, 1 per hour, and is to go by email then.',
    );
  });

  test('the turn after another channel, which is no hold', async () => {
    const { post, explain } = await prepare();
    await post('steps');
    expect((await explain('STEPS')).paragraph).toContain(
      'It waits for its turn to go by email until 20 November 2025 at 13:00:01 UTC: the channels before it come first. It is on its way by SMS.',
    );
  });
});

const LOOKED = '; it is tried again by email on 20 November 2025 at 15:00 UTC.';
const ENDED = (by: string) => `, and does not go by email until ${by}: the hold has no end of its own.`;

const HELD: { readonly [code: string]: string } = {
  fallback:
    'It waits for its turn to go by email until 20 November 2025 at 15:00 UTC: the channels before it come first.',
  batch_paused: `It is held for the pause of its batch${ENDED('the batch is resumed or cancelled')}`,
  paused:
    'It is held until 20 November 2025 at 15:00 UTC for a pause of the messages to its user, and is to go by email then.',
  legal_hours:
    'It is held until 20 November 2025 at 15:00 UTC for the hours in which the law allows it, and is to go by email then.',
  quiet_hours: 'It is held until 20 November 2025 at 15:00 UTC for quiet hours, and is to go by email then.',
  sending_paused: `It is held for a pause of emails, which bounce or are complained about too often${ENDED('someone lets these emails be sent again')}`,
  rate_limited:
    'It is held until 20 November 2025 at 15:00 UTC for a rate limit of the account by which it goes, or of its user, and is to go by email then.',
  account_paused: `It is held for the account by which it goes, which is paused${LOOKED}`,
  domain_paused: `It is held for the servers of the recipient's domain, which do not respond${LOOKED}`,
  endpoint_disabled: `It is held for its webhook endpoint, which is disabled${ENDED('the endpoint is active again and a replay sends it')}`,
  endpoint_order: `It is held for an older message to its webhook endpoint, which comes first${LOOKED}`,
  endpoint_rate: `It is held for the rate limit of its webhook endpoint${LOOKED}`,
  endpoint_busy: `It is held for its webhook endpoint, which is busy with other messages${LOOKED}`,
};

describe('each code of a delivery that waits has its words', () => {
  test.each(DELIVERY_HOLD_CODES)('%s', async (code) => {
    const { post, hold, explain } = await prepare();
    await post('mail');
    await hold(code);
    const { answer, paragraph } = await explain();
    expect(answer).toBe('on_its_way');
    expect(paragraph.endsWith(HELD[code] as string)).toBe(true);
  });

  test('the pause of emails of a type says since when and why', async () => {
    const { tidings, post, hold, explain } = await prepare();
    await post('mail');
    await hold('sending_paused');
    await tidings.database.pool.query(
      `insert into email_standings (tenant_id, notification_type, alerted_at, paused_at, cause)
       values ('default', 'MAIL', $1, $1, '50 of 500 emails (10.00%) bounced')`,
      ['2025-11-20T11:00:00Z'],
    );
    expect((await explain()).paragraph).toContain(
      'It is held for the pause of emails of MAIL since 20 November 2025 at 11:00 UTC (50 of 500 emails (10.00%) bounced), and does not go by email until someone',
    );
  });
});

describe('a message that is due is held as well while nothing may be sent', () => {
  test('by the outage of its account, which says since when and why', async () => {
    const { tidings, server, post, explain } = await prepare();
    await post('mail');
    expect((await explain()).paragraph).toMatch(/It is on its way by email\.$/);
    await tidings.database.pool.query(
      `insert into circuits (circuit_id, provider, code, cause, since, open_until, pause_ms)
       values ('/smtp@email', 'smtp', 'failures', 'the service is down.', $1, now() + interval '1 minute', 1000)`,
      ['2025-11-20T11:30:00Z'],
    );
    const held =
      /It is held for the provider smtp of the installation, by which nothing is sent since 20 November 2025 at 11:30 UTC \(the service is down\); it is tried again by email on 20 November 2025 at 12:0.* UTC\.$/;
    expect((await explain()).paragraph).toMatch(held);
    const settings = { url: 'smtp://mail.invalid:25', from: 'test@example.com' };
    await server.post('/api/v1/provider-accounts', { account: 'own', provider: 'smtp', settings });
    expect((await explain()).paragraph).toMatch(/It is on its way by email\.$/);
  });

  test('by the pause after a restore, which an operator ends', async () => {
    const { tidings, post, explain } = await prepare();
    await post('mail');
    await pauseWorkers(tidings.database.pool, { since: '2025-11-20T11:00:00Z', dumped_at: '2025-11-20T10:00:00Z' });
    expect((await explain()).paragraph).toContain(
      'It is held for the pause of the installation since its restore on 20 November 2025 at 11:00 UTC, and does not go by email until an operator resumes it: the hold has no end of its own.',
    );
  });

  test('what was held and is due again is on its way', async () => {
    const { post, hold, explain } = await prepare();
    await post('mail');
    await hold('quiet_hours', '2025-11-20T11:59:00Z');
    expect((await explain()).paragraph).toMatch(/It is on its way by email\.$/);
  });
});
