import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { markOwn } from '../src/events/own-events.ts';
import { expectProblem } from './support/api.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Preferences and consents over HTTP: as they take effect, with what decides each, and who recorded them. */

const FILES = new Map([
  ['events.yaml', 'events: { signed_up: {} }'],
  [
    'notifications.yaml',
    `notifications:
  NEWS: { category: MARKETING, variables: { postal_address: { default: 1 Main Street } }, channels: [email, sms, internal] }
  INVOICE: { category: TRANSACTIONAL, channels: [email] }
  CODE: { category: SECURITY, channels: [sms] }`,
  ],
  ['rules.yaml', 'rules: { NEWS: { on: signed_up }, INVOICE: { on: signed_up }, CODE: { on: signed_up } }'],
  [
    'preferences.yaml',
    `consent: { MARKETING/sms: record }
locks: { types: { INVOICE: { email: true } } }
quiet_hours: 22:00-08:00`,
  ],
  ...['NEWS', 'INVOICE'].flatMap((type) => [
    [`templates/${type}/email.en.subject.txt`, 'Hello'] as const,
    [`templates/${type}/email.en.txt`, 'Hello'] as const,
  ]),
  ['templates/NEWS/sms.en.txt', 'Hello'],
  ['templates/CODE/sms.en.txt', 'Hello'],
]);
const PATH = '/api/v1/users/u1/preferences';
const CONSENTS = '/api/v1/users/u1/consents';

let tidings: TestTidings;
let server: TestServer;
beforeEach(async () => {
  tidings = await testTidings({}, FILES);
  server = await testServer(tidings);
});
afterEach(async () => {
  await server.close();
  await tidings.close();
});

const signUp = (traits: object = {}) => {
  tidings.clock.now += 1000;
  return tidings.ingest([
    {
      user_id: 'u1',
      event_type: 'signed_up',
      event_timestamp: new Date(tidings.clock.now).toISOString(),
      user_traits: { email: 'maria@example.com', phone: '+351912345678', ...traits },
    },
  ]);
};
const patch = (change: object) => {
  tidings.clock.now += 1000;
  return server.send('PATCH', PATH, change);
};
const cellsOf = (body: { types: readonly { type: string; channels: object }[] }) =>
  Object.fromEntries(body.types.map(({ type, channels }) => [type, channels]));

describe('preferences', () => {
  test('of an unknown user are not found; of a known one they say what decides each cell', async () => {
    expectProblem(await server.get(PATH), { status: 404, code: 'not_found', pointer: 'user_id' });
    await signUp();
    const { body } = await server.get(PATH);
    expect(cellsOf(body)).toMatchObject({
      NEWS: {
        email: { on: true, changeable: true, decided_by: { code: 'default_on', level: 'default', since: null } },
        sms: { on: false, changeable: false, decided_by: { code: 'consent_missing' } },
      },
      INVOICE: { email: { on: true, changeable: false, decided_by: { code: 'tenant_on' } } },
      CODE: { sms: { on: true, changeable: false, decided_by: { code: 'required' } } },
    });
    expect(cellsOf(body).NEWS).not.toHaveProperty('internal');
    expect(body.quiet_hours.hours).toContain('22:00-08:00 UTC (zone of the tenant');
  });

  test('change what the body names, and keep the rest', async () => {
    await signUp();
    await patch({ types: { NEWS: { email: false } } });
    const { status, body } = await patch({ quiet_hours: { enabled: false } });
    expect(status).toBe(200);
    expect(cellsOf(body).NEWS).toMatchObject({
      email: { on: false, decided_by: { code: 'preference_off', level: 'user: type NEWS / email', value: 'off' } },
    });
    expect(body.quiet_hours).toBeNull();
    const [result] = await signUp();
    expect(result?.decisions.find(({ notification_type: type }) => type === 'NEWS')?.evidence.plan).toMatchObject([
      { channel: 'email', code: 'preference_off' },
      { channel: 'sms', code: 'consent_missing' },
      { channel: 'internal', verdict: 'go' },
    ]);
  });

  test('are replaced by PUT, and forgotten by null', async () => {
    await signUp();
    await patch({ all: false });
    tidings.clock.now += 1000;
    const replaced = await server.send('PUT', PATH, { channels: { sms: false } });
    expect(cellsOf(replaced.body)).toMatchObject({ NEWS: { email: { decided_by: { code: 'default_on' } } } });
    await patch({ types: { NEWS: { enabled: false } } });
    const { body } = await patch({ types: { NEWS: { enabled: null } } });
    expect(cellsOf(body)).toMatchObject({ NEWS: { email: { on: true } } });
  });

  test.each([
    [{ types: { INVOICE: { email: false } } }, '/types/INVOICE/email'],
    [{ types: { INVOICE: { channels: [] } } }, '/types/INVOICE/email'],
    [{ types: { INVOICE: { enabled: false } } }, '/types/INVOICE'],
    [{ types: { INVOICE: { frequency: 'NEVER' } } }, '/types/INVOICE'],
    [{ types: { CODE: { frequency: 'NEVER' } } }, '/types/CODE'],
    [{ categories: { SECURITY: { enabled: false } } }, '/categories/SECURITY'],
  ])('that the tenant decides are rejected: %j', async (change, pointer) => {
    await signUp();
    const answer = await patch(change);
    expectProblem(answer, { status: 422, code: 'preference_locked', pointer });
    expect((await tidings.database.pool.query('select terms from users')).rows).toEqual([{ terms: null }]);
  });

  test('of channels that the type does not have are rejected in place of turning it off; an empty list turns it off', async () => {
    await signUp();
    const answer = await patch({ types: { NEWS: { channels: ['push', 'in_app'] } } });
    expectProblem(answer, { status: 422, code: 'channels_not_used', pointer: '/types/NEWS/channels' });
    expect(answer.body.detail).toMatch(/NEWS is not sent by push or in_app.*email/);
    expect((await tidings.database.pool.query('select terms from users')).rows).toEqual([{ terms: null }]);
    const some = await patch({ types: { NEWS: { channels: ['push', 'email'] } } });
    expect(cellsOf(some.body)).toMatchObject({ NEWS: { email: { on: true } } });
    tidings.clock.now += 1000;
    const none = await patch({ types: { NEWS: { channels: [] } } });
    expect(cellsOf(none.body)).toMatchObject({ NEWS: { email: { on: false } } });
  });

  test('of an unknown type name the nearest, and wrong bodies are rejected', async () => {
    await signUp();
    const answer = await patch({ types: { NEWZ: { enabled: false } } });
    expectProblem(answer, { status: 400, code: 'invalid_request', pointer: '/types/NEWZ' });
    expect(answer.body.detail).toContain('did you mean NEWS?');
    for (const wrong of [
      { quiet_hours: { start: '22:00', end: '22:00' } },
      { quiet_hours: { start: '25:00', end: '08:00' } },
      { quiet_hours: { start: '22:00', end: '08:00', zone: 'Mars/Olympus' } },
      { categories: { PROMO: { sms: false } } },
      { channels: { internal: 'off' } },
      { everything: false },
    ]) {
      expect((await patch(wrong)).status).toBe(400);
    }
  });

  test('of a type of which one channel is locked on turn off the others alone', async () => {
    await tidings.apply(new Map([...FILES, ['preferences.yaml', 'locks: { types: { NEWS: { email: true } } }']]));
    await signUp();
    for (const change of [
      { types: { NEWS: { enabled: false } } },
      { types: { NEWS: { frequency: 'NEVER' } } },
      { categories: { MARKETING: { enabled: false } } },
      { all: false },
    ]) {
      const { status, body } = await patch(change);
      expect(status).toBe(200);
      expect(cellsOf(body).NEWS).toMatchObject({
        email: { on: true, changeable: false, decided_by: { code: 'tenant_on' } },
        sms: { on: false },
      });
      const [result] = await signUp();
      const news = result?.decisions.find(({ notification_type: type }) => type === 'NEWS');
      expect(news).toMatchObject({ outcome: 'send', evidence: { plan: [{ verdict: 'go' }, { verdict: 'drop' }, {}] } });
    }
  });

  test('a lock does not bring a message to users outside its audience', async () => {
    await tidings.apply(
      new Map([
        ...FILES,
        ['preferences.yaml', 'locks: { types: { NEWS: true } }\naudiences: { NEWS: { products: [LOAN] } }'],
      ]),
    );
    const codeOf = async (traits: object) => {
      const [result] = await signUp(traits);
      const news = result?.decisions.find(({ notification_type: type }) => type === 'NEWS');
      return news?.evidence.plan?.[0]?.code ?? news?.outcome;
    };
    expect(await codeOf({ products: ['CREDIT'] })).toBe('not_for_user');
    expect(cellsOf((await server.get(PATH)).body)).toMatchObject({ NEWS: { email: { on: false, changeable: false } } });
    expect(await codeOf({ products: ['LOAN'] })).toBe('send');
  });

  test('are in the audit log, with who changed them, and what they were before', async () => {
    await signUp();
    await patch({ all: false });
    await patch({ all: true });
    const { rows } = await tidings.database.pool.query(
      `select action, subject, detail, before, after from audit_log where action = 'preferences.changed' order by entry_id`,
    );
    expect(rows).toMatchObject([
      {
        subject: 'u1',
        detail: { all: false },
        before: { terms: {} },
        after: { terms: { p: { '*': { on: [0, expect.any(Number)] } } } },
      },
      {
        detail: { all: true },
        before: { terms: { p: { '*': { on: [0, expect.any(Number)] } } } },
        after: { terms: { p: { '*': { on: [1, expect.any(Number)] } } } },
      },
    ]);
  });

  test('have a pause, which an operator sets and ends, and whose reason the user does not see', async () => {
    const path = '/api/v1/users/u1/pause';
    const pause = { until: '2025-11-22T12:00:00Z', reason: 'ticket 4711' };
    expect((await server.send('PUT', path, pause)).body.code).toBe('not_found');
    await signUp();
    tidings.clock.now += 1000;
    const since = new Date(tidings.clock.now).toISOString();
    const set = { user_id: 'u1', pause: { ...pause, until: '2025-11-22T12:00:00.000Z', since } };
    expect((await server.send('PUT', path, pause)).body).toEqual(set);
    expect((await server.get(PATH)).body.pause).toEqual(set.pause);
    const { body: user } = await server.post('/api/v1/users/u1/tokens', {});
    const own = { authorization: `Bearer ${user.token}` };
    expect((await server.get('/api/v1/me/preferences', own)).body.pause).toEqual({ ...set.pause, reason: null });
    tidings.clock.now += 1000;
    expect((await server.send('PUT', '/api/v1/me/preferences', { all: true }, own)).body.pause).toMatchObject({
      reason: null,
    });
    expect((await server.send('PATCH', '/api/v1/me/preferences', { pause: null }, own)).body.code).toBe(
      'invalid_request',
    );
    for (const wrong of [
      { ...pause, until: '2025-11-20T12:00:00Z' },
      { ...pause, until: '2025-12-05T12:00:00Z' },
      { ...pause, until: 'tomorrow' },
      { ...pause, reason: '' },
      { until: pause.until },
    ])
      expect((await server.send('PUT', path, wrong)).body.code).toBe('invalid_request');
    tidings.clock.now += 1000;
    for (let round = 0; round < 2; round++)
      expect((await server.send('DELETE', path)).body).toEqual({ user_id: 'u1', pause: null });
    expect((await server.get(PATH)).body.pause).toBe(null);
    const { rows } = await tidings.database.pool.query(
      `select action, subject, detail, before, after from audit_log where action in ('user.paused', 'user.resumed') order by entry_id`,
    );
    const stored = { terms: { h: [[Date.parse(pause.until), pause.reason], expect.any(Number)] } };
    expect(rows).toMatchObject([
      { action: 'user.paused', subject: 'u1', detail: { reason: 'ticket 4711' }, before: { terms: {} }, after: stored },
      { action: 'user.resumed', before: stored, after: { terms: { h: [null, expect.any(Number)] } } },
    ]);
  });

  test('and consents are written with their entries of the audit log, or not at all', async () => {
    await signUp();
    const { pool } = tidings.database;
    await pool.query(
      "alter table audit_log add constraint broken check (action not in ('preferences.changed', 'consent.recorded'))",
    );
    const failed = await patch({ all: false });
    expect(failed.status).toBeGreaterThanOrEqual(400);
    const granted = { purpose: 'MARKETING', channel: 'sms', state: 'granted' };
    expect((await server.post(CONSENTS, granted)).status).toBeGreaterThanOrEqual(400);
    expect((await pool.query('select terms from users')).rows).toEqual([{ terms: null }]);
    expect((await pool.query('select from consents')).rows).toHaveLength(0);
    await pool.query('alter table audit_log drop constraint broken');
    expect((await patch({ all: false })).status).toBe(200);
  });

  test('that take more than 64 KiB are rejected by ingest, also those of one request, and may only become smaller', async () => {
    await signUp();
    const types = (from: number) =>
      Object.fromEntries(
        Array.from({ length: 200 }, (_, n) => [`${'T'.repeat(100)}${from + n}`, { enabled: false, email: false }]),
      );
    const say = (properties: object) => {
      tidings.clock.now += 1000;
      const event_timestamp = new Date(tidings.clock.now).toISOString();
      return markOwn({ user_id: 'u1', event_type: 'preference.updated', event_timestamp, properties });
    };
    const items = [say({ types: types(0) }), say({ types: types(200) }), say({ all: false })];
    const results = await tidings.pipeline.ingest('default', items, false);
    expect(results.map(({ status }) => status)).toEqual(['accepted', 'rejected', 'accepted']);
    expect(results[1]).toMatchObject({ code: 'profile_too_large', message: expect.stringContaining('65536') });
    const { rows } = await tidings.database.pool.query('select length(terms::text) as length from users');
    expect(rows[0].length).toBeLessThan(64 * 1024);
  });

  test('cannot be posted as events', async () => {
    const [result] = await tidings.ingest([
      {
        user_id: 'u1',
        event_type: 'preference.updated',
        event_timestamp: '2025-11-20T10:00:00Z',
        properties: { all: false },
      },
    ]);
    expect(result).toMatchObject({ status: 'rejected', code: 'invalid_event' });
    expect(result?.message).toContain('/api/v1/users/{id}/preferences');
  });
});

describe('consents', () => {
  const sms = { purpose: 'MARKETING', channel: 'sms', state: 'granted', source: 'checkout form' };
  const record = (body: object) => {
    tidings.clock.now += 1000;
    return server.post(CONSENTS, body);
  };

  test('let marketing go, are listed with their evidence, and end by a withdrawal', async () => {
    await signUp();
    const evidence = { ip: '203.0.113.7', page: 'https://shop.example/checkout' };
    expect((await record({ ...sms, wording_version: 'sms-2026-03', evidence })).status).toBe(201);
    expect(cellsOf((await server.get(PATH)).body)).toMatchObject({ NEWS: { sms: { on: true } } });
    await record({ ...sms, state: 'withdrawn', source: 'keyword' });
    expect(cellsOf((await server.get(PATH)).body)).toMatchObject({
      NEWS: { sms: { on: false, decided_by: { code: 'consent_withdrawn' } } },
    });
    const { body } = await server.get(CONSENTS);
    expect(body.consents).toMatchObject([
      { state: 'withdrawn', source: 'keyword', evidence: null },
      { state: 'granted', wording_version: 'sms-2026-03', evidence },
    ]);
    expect(JSON.stringify(body)).not.toContain('+351912345678');
    const { rows } = await tidings.database.pool.query(
      'select e::text as row from events e union all select c::text from consents c',
    );
    expect(rows.map(({ row }) => row).join()).not.toMatch(/203\.0\.113\.7|912345678/);
  });

  test('are for one address: the next phone number does not inherit it', async () => {
    await signUp();
    await record(sms);
    await signUp({ phone: '+351934567811' });
    expect(cellsOf((await server.get(PATH)).body)).toMatchObject({
      NEWS: { sms: { decided_by: { code: 'consent_missing' } } },
    });
  });

  test('need an address, and are not from the future', async () => {
    expectProblem(await record(sms), { status: 404, code: 'not_found', pointer: 'user_id' });
    await signUp({ phone: null });
    expectProblem(await record(sms), { status: 400, code: 'invalid_request', pointer: '/address' });
    expect((await record({ ...sms, address: '+351912345678' })).status).toBe(201);
    expectProblem(await record({ ...sms, address: '+351912345678', at: '2099-01-01T00:00:00Z' }), {
      status: 400,
      code: 'invalid_request',
      pointer: '/at',
    });
  });

  test('come in pages', async () => {
    await signUp();
    for (let n = 0; n < 3; n++) await record({ ...sms, method: `m${n}` });
    const first = await server.get(`${CONSENTS}?limit=2`);
    const second = await server.get(`${CONSENTS}?limit=2&after=${first.body.next}`);
    expect([...first.body.consents, ...second.body.consents].map(({ method }) => method)).toEqual(['m2', 'm1', 'm0']);
    expect(second.body.next).toBeNull();
  });

  test('of an import undo no withdrawal', async () => {
    await signUp();
    await record({ ...sms, state: 'withdrawn' });
    await record({ ...sms, source: 'import' });
    expect(cellsOf((await server.get(PATH)).body)).toMatchObject({
      NEWS: { sms: { decided_by: { code: 'consent_withdrawn' } } },
    });
  });
});

describe('over all users', () => {
  test('it shows what goes to those who have said nothing, and how many chose otherwise', async () => {
    await signUp();
    await patch({
      types: { NEWS: { sms: false } },
      categories: { MARKETING: { enabled: true } },
      channels: { sms: false },
    });
    const { body } = await server.get('/api/v1/preferences');
    const news = body.types.find(({ type }: { type: string }) => type === 'NEWS');
    expect(news).toMatchObject({ category: 'MARKETING', chosen: { off: 0, on: 0 } });
    // Users who have said nothing have no record of consent.
    expect(news.channels.sms).toMatchObject({ on: false, chosen: { off: 1, on: 0 } });
    const invoice = body.types.find(({ type }: { type: string }) => type === 'INVOICE');
    expect(invoice.channels.email).toMatchObject({ on: true, changeable: false, chosen: { off: 0, on: 0 } });
    expect(body).toMatchObject({
      categories: [
        { category: 'MARKETING', chosen: { off: 0, on: 1 } },
        { category: 'SECURITY', chosen: { off: 0, on: 0 } },
        { category: 'TRANSACTIONAL', chosen: { off: 0, on: 0 } },
      ],
      everything: { channels: { sms: { off: 1, on: 0 } } },
      users: { counted: 1, has_more: false },
      quiet_hours: { hours: '22:00-08:00', zone: null },
    });
    await patch({ types: { NEWS: { channels: ['email'] } } });
    const chosen = (await server.get('/api/v1/preferences')).body.types[0].channels;
    expect([chosen.email.chosen, chosen.sms.chosen]).toEqual([
      { off: 0, on: 1 },
      { off: 2, on: 0 },
    ]);
  });

  test('the ledger of consent is paged, by purpose, channel and state', async () => {
    await signUp();
    for (const state of ['granted', 'withdrawn', 'granted']) {
      const body = { purpose: 'MARKETING', channel: 'sms', state, source: 'form' };
      expect((await server.post(CONSENTS, body)).status).toBe(201);
      tidings.clock.now += 1000;
    }
    const first = (await server.get('/api/v1/consents?limit=2')).body;
    expect(first.consents.map(({ state, user_id }: { state: string; user_id: string }) => [user_id, state])).toEqual([
      ['u1', 'granted'],
      ['u1', 'withdrawn'],
    ]);
    const second = (await server.get(`/api/v1/consents?limit=2&after=${first.next}`)).body;
    expect(second).toMatchObject({ consents: [{ state: 'granted', evidence: null }], next: null });
    const withdrawn = (await server.get('/api/v1/consents?state=withdrawn&channel=sms&purpose=MARKETING')).body;
    expect(withdrawn.consents).toHaveLength(1);
    expect((await server.get('/api/v1/consents?channel=email')).body).toEqual({ consents: [], next: null });
  });
});
