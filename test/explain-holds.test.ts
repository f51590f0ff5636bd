import pg from 'pg';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { markOwn } from '../src/events/own-events.ts';
import type { BATCH_PAUSED } from '../src/model/batch.ts';
import { CHANNELS } from '../src/model/delivery.ts';
import type { JsonObject } from '../src/model/event.ts';
import { DELIVERY_HOLD_CODES, type DeliveryHoldCode } from '../src/model/hold-codes.ts';
import type { EndpointHoldCode } from '../src/model/webhook.ts';
import { pauseWorkers } from '../src/store/pause.ts';
import { bearer, createKey, ROOT_KEY } from './support/api-keys.ts';
import { deliveryCatalog, eventOf, useDeliveries } from './support/deliveries.ts';
import { testServer } from './support/http.ts';
import { fakeProvider } from './support/providers.ts';

/** The explain API about messages that are queued and held: what holds them, why, and until when. */

const start = useDeliveries();
let close = async () => {};
afterEach(() => close());

const FILES = {
  'events.yaml': 'events: { mail: {}, steps: {}, promo: {}, brief: {}, urgent: {}, hook: {}, device: {} }',
  'notifications.yaml': `notifications:
  MAIL: { category: OPERATIONAL, channels: [email] }
  PROMO: { category: MARKETING, variables: { postal_address: { default: 1 Main Street } }, channels: [sms] }
  BRIEF: { category: OPERATIONAL, channels: [email], expires_after: 1h }
  URGENT: { category: OPERATIONAL, channels: [email], give_up_after: 1h }
  HOOK: { category: OPERATIONAL, channels: [webhook] }
  PUSH: { category: OPERATIONAL, channels: [push] }
  STEPS: { category: OPERATIONAL, channels: { first_of: [sms, email], wait: 1h } }`,
  'rules.yaml': `rules:
  MAIL: { on: mail }
  STEPS: { on: steps }
  PROMO: { on: promo }
  BRIEF: { on: brief }
  URGENT: { on: urgent }
  HOOK: { on: hook }
  PUSH: { on: device }`,
  'templates/STEPS/email.en.subject.txt': 'Hello',
  'templates/STEPS/email.en.txt': 'Hello',
  'templates/STEPS/sms.en.txt': 'Hello',
  'templates/PROMO/sms.en.txt': 'Hello',
  'templates/BRIEF/email.en.subject.txt': 'Hello',
  'templates/BRIEF/email.en.txt': 'Hello',
  'templates/URGENT/email.en.subject.txt': 'Hello',
  'templates/URGENT/email.en.txt': 'Hello',
  'templates/PUSH/push.en.title.txt': 'Hello',
  'templates/PUSH/push.en.txt': 'Hello',
};

function catalogFiles(): Map<string, string> {
  return new Map([...deliveryCatalog(FILES)].filter(([path]) => !/^templates\/(HELD|TEXT|LISTED)/.test(path)));
}

async function prepare(preferences?: string) {
  const tidings = await start({});
  await tidings.database.pool.query(
    `delete from provider_accounts; delete from limit_uses; delete from metadata where name = 'paused'; update users set terms = null`,
  );
  const files = catalogFiles();
  if (preferences !== undefined) files.set('preferences.yaml', preferences);
  await tidings.apply(files);
  let server = await testServer(tidings);
  close = () => server.close();
  return {
    tidings,
    get server() {
      return server;
    },
    /** Replaces the server. */
    async another(options: Parameters<typeof testServer>[1]) {
      await server.close();
      server = await testServer(tidings, options);
    },
    /** Registers a device; returns its id. */
    async device(platform: string, service: string) {
      const token = 'a'.repeat(64);
      const body = { platform, service, app: 'com.example.app', environment: 'production', token };
      const { body: answer } = await server.post('/api/v1/users/u1/devices', body);
      return answer.device_id as string;
    },
    /** Starts a worker whose emails go out. */
    async start() {
      tidings.providers.set('email', fakeProvider());
      await tidings.worker();
    },
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

const HELD: { readonly [code in Exclude<DeliveryHoldCode, EndpointHoldCode | typeof BATCH_PAUSED>]: string } = {
  fallback:
    'It waits for its turn to go by email until 20 November 2025 at 15:00 UTC: the channels before it come first.',
  paused:
    'It is held until 20 November 2025 at 15:00 UTC for a pause of the messages to its user, and is to go by email then.',
  legal_hours:
    'It is held until 20 November 2025 at 15:00 UTC for the hours in which the law allows it, and is to go by email then.',
  quiet_hours: 'It is held until 20 November 2025 at 15:00 UTC for quiet hours, and is to go by email then.',
  sending_paused: `It is held for a pause of emails, which is over${LOOKED}`,
  rate_limited:
    'It is held until 20 November 2025 at 15:00 UTC for a rate limit of the account by which it goes, or of its user, and is to go by email then.',
  account_paused: `It is held for the account by which it goes, which was paused when it was last tried${LOOKED}`,
  domain_paused: `It is held for the servers of the recipient's domain, which did not respond when it was last tried${LOOKED}`,
};

describe('each code of a message that waits has its words', () => {
  test.each(Object.entries(HELD))('%s', async (code, sentence) => {
    const { post, hold, explain } = await prepare();
    await post('mail');
    await hold(code);
    const { answer, paragraph } = await explain();
    expect(answer).toBe('on_its_way');
    expect(paragraph.endsWith(sentence)).toBe(true);
  });

  test.each(Object.keys(HELD))('%s is over when the message is due, which is on its way then', async (code) => {
    const { post, hold, explain } = await prepare();
    await post('mail');
    await hold(code, '2025-11-20T11:59:00Z');
    expect((await explain()).paragraph).toMatch(/It is on its way by email\.$/);
  });

  test.each([
    ['quiet_hours', 'It is held for quiet hours, and it expires on TIME, before it may go by email.'],
    [
      'account_paused',
      'It is held for the account by which it goes, which was paused when it was last tried; it expires on TIME, before it is tried again by email.',
    ],
  ])('%s beyond the time at which the message expires', async (code, sentence) => {
    const { tidings, post, explain } = await prepare();
    await post('brief');
    await tidings.database.pool.query(`update deliveries set hold_code = $1, due_at = expires_at + interval '1 ms'`, [
      code,
    ]);
    expect((await explain('BRIEF')).paragraph).toContain(sentence.replace('TIME', '20 November 2025 at 13:00:01 UTC'));
    tidings.clock.now += 2 * 3_600_000;
    expect((await explain('BRIEF')).paragraph).toMatch(
      /It expired on 20 November 2025 at 13:00:01 UTC and no longer goes by email\.$/,
    );
  });
});

describe('a pause of emails', () => {
  const pause = (pool: pg.Pool) =>
    pool.query(
      `insert into email_standings (tenant_id, notification_type, alerted_at, paused_at, cause)
       values ('default', 'URGENT', $1, $1, '50 of 500 emails (10.00%) bounced')`,
      ['2025-11-20T11:00:00Z'],
    );

  test('says since when and why, and when the message fails, as it does then', async () => {
    const { tidings, post, explain, start } = await prepare();
    await pause(tidings.database.pool);
    await start();
    await post('urgent');
    const held = async () => (await tidings.database.pool.query('select hold_code, status from deliveries')).rows;
    await expect.poll(held, { timeout: 10_000 }).toEqual([{ hold_code: 'sending_paused', status: 'queued' }]);
    expect((await explain('URGENT')).paragraph).toContain(
      'It is held for the pause of emails of URGENT since 20 November 2025 at 11:00 UTC (50 of 500 emails (10.00%) bounced), and does not go by email until someone lets these emails be sent again; it fails on 20 November 2025 at 13:00:01 UTC if that has not happened.',
    );
    tidings.clock.now = Date.parse('2025-11-20T13:00:02Z');
    await expect.poll(held, { timeout: 10_000 }).toEqual([{ hold_code: null, status: 'dead' }]);
  });

  test('holds what is due before a worker has seen it, and nothing once it is resumed', async () => {
    const { tidings, server, post, hold, explain } = await prepare();
    await post('urgent');
    await pause(tidings.database.pool);
    expect((await explain('URGENT')).paragraph).toContain('It is held for the pause of emails of URGENT');
    await hold('sending_paused', '2025-11-20T12:10:00Z');
    expect((await server.post('/api/v1/sending/resume', { notification_type: 'URGENT' })).status).toBe(200);
    expect((await explain('URGENT')).paragraph).toMatch(
      /It is held for a pause of emails, which is over; it is tried again by email on 20 November 2025 at 12:10 UTC\.$/,
    );
  });

  test('does not concern SMS', async () => {
    const { tidings, post, explain } = await prepare();
    await post('promo');
    await tidings.database.pool.query(
      `insert into email_standings (tenant_id, notification_type, alerted_at, paused_at, cause)
       values ('default', '', now(), now(), 'they bounce')`,
    );
    expect((await explain('PROMO')).paragraph).toMatch(/It is on its way by SMS\.$/);
  });
});

describe('the webhook endpoint of a message', () => {
  const LATER = '2025-11-20T15:00:00Z';

  async function prepareHook() {
    const prepared = await prepare();
    const { tidings, server, post } = prepared;
    await tidings.database.pool.query('delete from webhook_endpoints');
    const created = await server.post('/api/v1/webhooks', {
      url: 'https://hooks.example.com/a',
      notification_types: ['HOOK'],
    });
    expect(created.status).toBe(201);
    await post('hook');
    await tidings.database.pool.query('update deliveries set target = $1', [created.body.endpoint_id]);
    const turn = async (state: 'active' | 'disabled') =>
      expect((await server.send('PATCH', `/api/v1/webhooks/${created.body.endpoint_id}`, { state })).status).toBe(200);
    return { ...prepared, turn };
  }

  test.each([
    ['endpoint_order', 'an older message to its webhook endpoint, which came first when it was last tried'],
    ['endpoint_rate', 'the rate limit of its webhook endpoint'],
    ['endpoint_busy', 'its webhook endpoint, which was busy with other messages when it was last tried'],
  ])('holds it with %s', async (code, cause) => {
    const { hold, explain } = await prepareHook();
    await hold(code, LATER);
    expect((await explain('HOOK')).paragraph).toContain(
      `It is held for ${cause}; it is tried again by webhook on 20 November 2025 at 15:00 UTC.`,
    );
  });

  test('keeps it while it is disabled, and until a replay', async () => {
    const { hold, explain, turn } = await prepareHook();
    await turn('disabled');
    const disabled =
      'It is held for its webhook endpoint, which is disabled, and does not go by webhook until the endpoint is active again and a replay sends it: the hold has no end of its own.';
    for (const [code, dueAt] of [
      [null, '2025-11-20T11:59:00Z'],
      ['endpoint_busy', LATER],
      ['endpoint_disabled', '2035-11-20T12:00:00Z'],
    ] as const) {
      await hold(code, dueAt);
      expect((await explain('HOOK')).paragraph).toContain(disabled);
    }
    await turn('active');
    expect((await explain('HOOK')).paragraph).toMatch(
      /It was kept while its webhook endpoint was disabled; a replay sends it\.$/,
    );
  });
});

describe('a message that is due is held as well while nothing may be sent', () => {
  const SETTINGS = { url: 'smtp://mail.invalid:25', from: 'test@example.com' };
  const open = (pool: pg.Pool, circuit: { id: string; account?: string; since?: string; minutes?: number }) => {
    const [, tenant, rest = ''] = /^(.*?)\/(.*)$/.exec(circuit.id) ?? [];
    return pool.query(
      `insert into circuits (circuit_id, tenant_id, account, provider, code, cause, since, open_until, pause_ms)
       values ($1, $2, $3, $4, 'failures', $5, $6, now() + $7 * interval '1 minute', 1000)`,
      [
        circuit.id,
        tenant || null,
        circuit.account ?? null,
        rest.split('@')[0],
        `${rest} is down.`,
        circuit.since ?? '2025-11-20T11:30:00Z',
        circuit.minutes ?? 1,
      ],
    );
  };
  const OF_INSTALLATION =
    /It is held for the provider smtp of the installation, by which nothing is sent since 20 November 2025 at 11:30 UTC \(smtp@email is down\); it is tried again by email on 20 November 2025 at 12:0.* UTC\.$/;

  test('by the outage of its account, which says since when and why', async () => {
    const { tidings, server, post, explain } = await prepare();
    await post('mail');
    expect((await explain()).paragraph).toMatch(/It is on its way by email\.$/);
    await open(tidings.database.pool, { id: '/smtp@email' });
    expect((await explain()).paragraph).toMatch(OF_INSTALLATION);
    await server.post('/api/v1/provider-accounts', { account: 'own', provider: 'smtp', settings: SETTINGS });
    expect((await explain()).paragraph).toMatch(/It is on its way by email\.$/);
  });

  test.each([...DELIVERY_HOLD_CODES, null].filter((code) => !/^(endpoint|batch)_/.test(code ?? '')))(
    'also if %s held it before',
    async (code) => {
      const { tidings, post, hold, explain } = await prepare();
      await post('mail');
      await open(tidings.database.pool, { id: '/smtp@email' });
      await hold(code, '2025-11-20T11:59:00Z');
      expect((await explain()).paragraph).toMatch(OF_INSTALLATION);
    },
  );

  test('by an outage that lasts beyond its retry time, at which it fails', async () => {
    const { tidings, post, explain } = await prepare();
    await post('urgent');
    await open(tidings.database.pool, { id: '/smtp@email', minutes: 90 });
    expect((await explain('URGENT')).paragraph).toContain(
      '(smtp@email is down); it fails on 20 November 2025 at 13:00:01 UTC, before it is tried again by email.',
    );
  });

  test('if the process of the API has another provider than the workers, but not by one that is no longer used', async () => {
    const { tidings, post, explain, another } = await prepare();
    await post('mail');
    await another({ installation: new Map([['email', 'sandbox']]) });
    await open(tidings.database.pool, { id: '/smtp@email' });
    expect((await explain()).paragraph).toMatch(OF_INSTALLATION);
    await tidings.database.pool.query(`update circuits set open_until = now() - interval '5 minutes'`);
    expect((await explain()).paragraph).toMatch(/It is on its way by email\.$/);
  });

  test('by the outage of all of its accounts, and is tried with the first probe', async () => {
    const { tidings, server, post, explain } = await prepare();
    await post('mail');
    for (const account of ['a', 'b'])
      await server.post('/api/v1/provider-accounts', { account, provider: 'smtp', settings: SETTINGS });
    await open(tidings.database.pool, { id: 'default/smtp@a', account: 'a', minutes: 50 });
    expect((await explain()).paragraph).toMatch(/It is on its way by email\.$/);
    await open(tidings.database.pool, { id: 'default/smtp@b', account: 'b', since: '2025-11-20T11:40:00Z' });
    expect((await explain()).paragraph).toMatch(
      /It is held for an outage: none of the accounts b and a sends since 20 November 2025 at 11:40 UTC; b is tried first \(smtp@b is down\); it is tried again by email on 20 November 2025 at 12:0.* UTC\.$/,
    );
  });

  test('by the outage of the accounts for the push service of its device', async () => {
    const { tidings, post, explain, device } = await prepare();
    await post('device');
    await tidings.database.pool.query(
      `insert into provider_accounts (tenant_id, account, provider, channels, settings, secrets, enabled, place, operation_id, created_at, updated_at)
       select 'default', name, name, '{push}', '{}', '{}', true, 1, gen_random_uuid(), now(), now() from unnest(array['apns', 'fcm']) as name`,
    );
    await tidings.database.pool.query('update deliveries set target = $1', [await device('ios', 'apns')]);
    await open(tidings.database.pool, { id: 'default/fcm@x', account: 'fcm' });
    expect((await explain('PUSH')).paragraph).toMatch(/It is on its way by push\.$/);
    await tidings.database.pool.query('delete from circuits');
    await open(tidings.database.pool, { id: 'default/apns@x', account: 'apns' });
    expect((await explain('PUSH')).paragraph).toContain('It is held for the account apns (apns), by which nothing is');
  });

  test('but not with a test key, whose messages go to the sandbox', async () => {
    const prepared = await prepare();
    const { tidings, another } = prepared;
    await open(tidings.database.pool, { id: '/smtp@email' });
    await another({ apiKeys: [ROOT_KEY], installation: new Map([['email', 'smtp']]) });
    const { server } = prepared;
    const scopes = ['decisions:read', 'events:write', 'catalog:write', 'deliveries:read'];
    const { key } = await createKey(server, { environment: 'test', scopes });
    const headers = bearer(key);
    const files = Object.fromEntries(catalogFiles());
    expect((await server.post('/api/v1/catalog', { files }, headers)).status).toBe(200);
    const event = { ...eventOf('mail'), event_timestamp: new Date(tidings.clock.now).toISOString() };
    expect((await server.post('/api/v1/events', event, headers)).status).toBe(202);
    const { body } = await server.get('/api/v1/explain/u1/MAIL', headers);
    expect(body.paragraph).toMatch(/It is on its way by email\.$/);
    const sending = (await server.get('/api/v1/sending', headers)).body;
    expect(sending.installation).toEqual([]);
    expect(sending.installation_channels).toEqual(CHANNELS.map((channel) => ({ channel, provider: 'sandbox' })));
    expect((await server.get('/api/v1/queue', headers)).body.circuits).toEqual([]);
    const { routes } = (await server.get('/api/v1/routes', headers)).body;
    expect(routes.map(({ channel }: { channel: string }) => channel)).toEqual(CHANNELS);
    for (const { entries } of routes)
      expect(entries).toMatchObject([{ account: 'installation', provider: 'sandbox', share: 100, circuit: null }]);
  });

  test('by the pause after a restore, which an operator ends', async () => {
    const { tidings, post, explain } = await prepare();
    await post('mail');
    await pauseWorkers(tidings.database.pool, { since: '2025-11-20T11:00:00Z', dumped_at: '2025-11-20T10:00:00Z' });
    expect((await explain()).paragraph).toContain(
      `It is held for the pause of the installation since its restore on 20 November 2025 at 11:00 UTC${ENDED('an operator resumes it')}`,
    );
  });
});

test('what holds a thousand messages of a notification is read by as many queries as for one', async () => {
  const { tidings, post, explain } = await prepare();
  await post('hook');
  const count = async () => {
    const query = vi.spyOn(pg.Client.prototype, 'query');
    const { paragraph } = await explain('HOOK');
    const queries = query.mock.calls.length;
    query.mockRestore();
    return { queries, sentences: paragraph.split('It is on its way by webhook.').length - 1 };
  };
  await count();
  const one = await count();
  expect(one.sentences).toBe(1);
  const { rows } = await tidings.database.pool.query(
    `select string_agg(quote_ident(column_name), ', ') as columns from information_schema.columns
     where table_name = 'deliveries' and is_generated = 'NEVER' and column_name <> 'target'`,
  );
  await tidings.database.pool.query(
    `insert into deliveries (target, ${rows[0].columns}) select gen_random_uuid(), ${rows[0].columns} from deliveries, generate_series(1, 999)`,
  );
  expect(await count()).toEqual({ queries: one.queries, sentences: 1000 });
});
