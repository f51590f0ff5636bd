import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { inboxProvider } from '../src/channels/in-app/inbox.ts';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { keepInInbox } from '../src/delivery/keep-in-inbox.ts';
import { markOwn } from '../src/events/own-events.ts';
import { mergeUsers } from '../src/ingest/merge-users.ts';
import { systemActor } from '../src/model/principal.ts';
import { writeDump } from '../src/store/dump/write-dump.ts';
import { InboxSignals } from '../src/store/inbox/inbox-signals.ts';
import { checkEncryptionKey } from '../src/store/metadata.ts';
import { expectProblem } from './support/api.ts';
import { cutAfter } from './support/cut-pool.ts';
import { type TestServer, testServer } from './support/http.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** Two users are merged into one: what is open goes to the survivor, and so does what comes later. */

const CATALOG = new Map([
  ['events.yaml', 'events: { noted: {}, later: {}, sorted: {} }'],
  [
    'notifications.yaml',
    `notifications:
  NOTED: { category: MARKETING, variables: { postal_address: { default: 1 Main Street } }, channels: [email, in_app] }
  LATER: { category: SYSTEM, channels: [sms] }
  MERGED: { category: SYSTEM, channels: [in_app] }`,
  ],
  [
    'rules.yaml',
    `rules:
  NOTED: { on: noted, limit: once }
  LATER: { on: later, delay: 1h }
  MERGED: { on: user.merged }`,
  ],
  ['templates/NOTED/in_app.en.txt', 'For {{user.name}}'],
  ['templates/NOTED/email.en.subject.txt', 'For {{user.name}}'],
  ['templates/NOTED/email.en.txt', 'For {{user.name}}'],
  ['templates/LATER/sms.en.txt', 'For {{user.name}}'],
  ['templates/MERGED/in_app.en.txt', 'Merged'],
]);

let tidings: TestTidings;
let server: TestServer;
beforeAll(async () => {
  const inbox = inboxProvider(async (outgoing, mayStore) => store(outgoing, mayStore));
  tidings = await testTidings(
    { email: sandboxProvider(['email']), in_app: inbox, sms: sandboxProvider(['sms']) },
    CATALOG,
  );
  const { pool } = tidings.database;
  const store = keepInInbox(pool, tidings.seal, () => tidings.clock.now, new InboxSignals(pool));
  await checkEncryptionKey(pool, tidings.seal);
  server = await testServer(tidings);
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});

const at = () => new Date(tidings.clock.now).toISOString();
const pathOf = (id: string) => `/api/v1/users/${encodeURIComponent(id)}`;
const post = (fields: object) => {
  tidings.clock.now += 1000;
  return server.post('/api/v1/events', { event_type: 'sorted', event_timestamp: at(), ...fields });
};
const merge = (id: string, into: string) => {
  tidings.clock.now += 1000;
  return server.post(`${pathOf(id)}/merge`, { into });
};
const query = async (text: string, values: unknown[] = []) => (await tidings.database.pool.query(text, values)).rows;
const eventually = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 50 });
const settled = () =>
  eventually(async () => expect(await query('select from deliveries where finished_at is null')).toEqual([]));
async function dump(): Promise<string> {
  const chunks: Buffer[] = [];
  const { database, seal } = tidings;
  for await (const chunk of writeDump({ pool: database.pool, seal, program: 'test', tenant: null })) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('a merge', () => {
  test('unites profile, addresses, devices, preferences and limits, and leaves the survivor what it had', async () => {
    await post({
      user_id: 'a1',
      user_traits: { name: 'Old', plan: 'free', email: 'a1@example.com', phone: '+351912345678' },
    });
    await post({ user_id: 'b1', user_traits: { name: 'New', email: 'b1@example.com' } });
    await post({ user_id: 'a1', event_type: 'noted' });
    await server.send('PATCH', `${pathOf('a1')}/preferences`, { channels: { push: false } });
    await server.send('PATCH', `${pathOf('b1')}/preferences`, { channels: { push: true, sms: false } });
    await server.post(`${pathOf('a1')}/devices`, { platform: 'android', token: 'token-of-a1' });
    const { status, body } = await merge('a1', 'b1');
    expect([status, body]).toMatchObject([
      200,
      { user_id: 'a1', merged_into: 'b1', moved: { addresses: 2, devices: 1, notifications: 1, limit_uses: 1 } },
    ]);
    const user = (await server.get(pathOf('b1'))).body;
    expect(user).toMatchObject({ user_id: 'b1', traits: { name: 'New', plan: 'free', email: 'b…@example.com' } });
    const { addresses } = (await server.get(`${pathOf('b1')}/addresses`)).body;
    expect(addresses).toMatchObject([
      { kind: 'email', address: 'b…@example.com', primary: true, is_trait: true },
      { kind: 'email', address: 'a…@example.com', primary: false, is_trait: false },
      { kind: 'phone', primary: true, is_trait: true },
    ]);
    const revealed = await server.post(`${pathOf('b1')}/reveal`, { reason: 'a test' });
    expect(revealed.body).toMatchObject({ email: 'b1@example.com', phone: '+351912345678' });
    const [{ terms }] = await query(`select terms from users where user_id = 'b1'`);
    expect([terms.p['ch:push'].on[0], terms.p['ch:sms'].on[0]]).toEqual([0, 0]);
    // The limit of the other one counts.
    const { body: again } = await post({ user_id: 'b1', event_type: 'noted' });
    expect(again.results[0].decisions).toMatchObject([{ outcome: 'suppressed', reason_code: 'limit_reached' }]);
  });

  test('is not undone by a consent that arrives late, from before the one that it outweighed', async () => {
    await post({ user_id: 'a11', user_traits: { email: 'a11@example.com' } });
    await post({ user_id: 'b11', user_traits: { email: 'b11@example.com' } });
    const say = (id: string, state: string) =>
      server.post(`${pathOf(id)}/consents`, { purpose: 'MARKETING', channel: 'email', state, source: 'form' });
    expect((await say('a11', 'withdrawn')).status).toBe(201);
    const late = at();
    tidings.clock.now += 10_000;
    expect((await say('b11', 'granted')).status).toBe(201);
    await merge('b11', 'a11');
    const properties = { purpose: 'MARKETING', channel: 'email', state: 'granted', source: 'form' };
    const item = { user_id: 'b11', event_type: 'consent.recorded', event_timestamp: late, properties };
    expect(await tidings.pipeline.ingest(TENANT, [markOwn(item)], false)).toMatchObject([{ status: 'accepted' }]);
    expect(
      await query(`select terms -> 'k' -> 'MARKETING/email' ->> 'state' as state from users where user_id = 'a11'`),
    ).toEqual([{ state: 'withdrawn' }]);
  });

  test('takes along what waits, at its time, and what is not sent yet', async () => {
    await post({ user_id: 'a2', event_type: 'later', user_traits: { name: 'Two' } });
    await post({ user_id: 'a2', event_type: 'noted' });
    await post({ user_id: 'b2', user_traits: { phone: '+351912345679', email: 'b2@example.com' } });
    const [before] = await query(`select due_at from waits where user_id = 'a2'`);
    expect((await merge('a2', 'b2')).body.moved).toMatchObject({ waits: 1, notifications: 1 });
    expect(await query(`select user_id, status, due_at from waits where user_id in ('a2', 'b2')`)).toEqual([
      { user_id: 'b2', status: 'waiting', due_at: before.due_at },
    ]);
    tidings.clock.now += 3_600_000;
    await tidings.worker();
    await tidings.timers();
    await eventually(async () =>
      expect(
        await query(
          `select status, notification_type from deliveries where user_id = 'b2' and channel <> 'in_app' order by 2`,
        ),
      ).toEqual([
        { status: 'sandboxed', notification_type: 'LATER' },
        { status: 'sandboxed', notification_type: 'NOTED' },
      ]),
    );
    await settled();
  });

  test('gives later events of the id to the survivor, and knows those that are stored', async () => {
    await post({ user_id: 'a3' });
    const known = { user_id: 'a3', event_timestamp: at(), properties: { n: 1 } };
    const named = { ...known, event_id: 'known 3', properties: { n: 2 } };
    expect(
      (
        await server.post('/api/v1/events', [
          { event_type: 'sorted', ...known },
          { event_type: 'sorted', ...named },
        ])
      ).body.accepted,
    ).toBe(2);
    await post({ user_id: 'b3' });
    await merge('a3', 'b3');
    const { body } = await server.post('/api/v1/events', [
      { event_type: 'sorted', ...known },
      { event_type: 'sorted', ...named },
      { event_type: 'sorted', user_id: 'a3', event_timestamp: at(), user_traits: { plan: 'pro' } },
      { event_type: 'sorted', user_id: 'other 3', event_timestamp: at() },
    ]);
    expect(body.results.map((result: { status: string }) => result.status)).toEqual([
      'duplicate',
      'duplicate',
      'accepted',
      'accepted',
    ]);
    expect((await server.get(pathOf('a3'))).body).toMatchObject({ user_id: 'b3', traits: { plan: 'pro' } });
    expect(await query(`select from users where user_id = 'a3'`)).toEqual([]);
    expect((await server.send('PATCH', pathOf('a3'), { traits: { plan: 'free' } })).body).toMatchObject({
      user_id: 'b3',
    });
  });

  test('is an event for rules, and in the audit log of both', async () => {
    await post({ user_id: 'a4' });
    await post({ user_id: 'b4' });
    const { body } = await merge('a4', 'b4');
    await eventually(async () =>
      expect(
        await query(`select properties from events where user_id = 'b4' and event_type = 'user.merged'`),
      ).toMatchObject([{ properties: { from: 'a4', into: 'b4', by: { kind: 'local' } } }]),
    );
    await eventually(async () =>
      expect((await server.get(`${pathOf('b4')}/inbox`)).body.items).toMatchObject([{ notification_type: 'MERGED' }]),
    );
    for (const subject of ['a4', 'b4']) {
      const log = await server.get(`/api/v1/audit-log?subject=${subject}`);
      expect(log.body.entries).toMatchObject([{ action: 'user.merged', detail: { from: 'a4', into: 'b4' } }]);
    }
    const repeated = await merge('a4', 'b4');
    expect([repeated.status, repeated.body.merged_at]).toEqual([200, body.merged_at]);
    const posted = await post({ user_id: 'b4', event_type: 'user.merged' });
    expect(posted.body.rejected).toMatchObject([{ code: 'invalid_event' }]);
    await settled();
  });

  test('moves the inbox behind what the survivor has', async () => {
    await post({ user_id: 'a5', event_type: 'noted' });
    await post({ user_id: 'b5', event_type: 'noted' });
    await settled();
    expect((await merge('a5', 'b5')).body.moved).toMatchObject({ inbox_items: 1 });
    const { body } = await server.get(`${pathOf('b5')}/inbox`);
    expect(body.items.filter((item: { notification_type: string }) => item.notification_type === 'NOTED')).toHaveLength(
      2,
    );
  });

  test('has no chains and no circles', async () => {
    for (const id of ['a6', 'b6', 'c6']) await post({ user_id: id });
    await merge('a6', 'b6');
    expectProblem(await merge('b6', 'a6'), { status: 409, code: 'already_merged', pointer: '/into' });
    expectProblem(await merge('a6', 'c6'), { status: 409, code: 'already_merged', pointer: 'user_id' });
    expect((await merge('b6', 'c6')).status).toBe(200);
    expect(await query(`select user_id, merged_into from merged_users where merged_into = 'c6' order by 1`)).toEqual([
      { user_id: 'a6', merged_into: 'c6' },
      { user_id: 'b6', merged_into: 'c6' },
    ]);
    expect((await server.get(pathOf('a6'))).body.user_id).toBe('c6');
    expectProblem(await merge('c6', 'c6'), { status: 400, code: 'invalid_request', pointer: '/into' });
    expectProblem(await merge('unknown', 'c6'), { status: 404, code: 'not_found', pointer: 'user_id' });
    expectProblem(await merge('c6', 'unknown'), { status: 404, code: 'not_found', pointer: '/into' });
  });

  test('lets a withdrawal of either win, whichever was said later, until the user consents anew', async () => {
    const consent = (id: string, state: string) => {
      tidings.clock.now += 1000;
      const said = { purpose: 'MARKETING', channel: 'email', state, source: 'a form' };
      return server.post(`${pathOf(id)}/consents`, said);
    };
    for (const id of ['a7', 'b7']) await post({ user_id: id, user_traits: { email: 'both7@example.com' } });
    expect((await consent('a7', 'withdrawn')).status).toBe(201);
    expect((await consent('b7', 'granted')).status).toBe(201);
    const cell = async (id: string) => {
      const { types } = (await server.get(`${pathOf(id)}/preferences`)).body;
      return types.find(({ type }: { type: string }) => type === 'NOTED').channels.email;
    };
    expect(await cell('b7')).toMatchObject({ on: true });
    await merge('a7', 'b7');
    expect(await cell('b7')).toMatchObject({ on: false, decided_by: { code: 'consent_withdrawn' } });
    const { body } = await post({ user_id: 'b7', event_type: 'noted' });
    expect(body.results[0].decisions).toMatchObject([{ outcome: 'send' }]);
    const { deliveries } = (await server.get(`/api/v1/notifications/${body.results[0].decisions[0].notification_id}`))
      .body;
    expect(deliveries.map(({ channel }: { channel: string }) => channel)).toEqual(['in_app']);
    expect((await consent('a7', 'granted')).status).toBe(201);
    expect(await cell('b7')).toMatchObject({ on: true });
  });

  test('makes the earlier id another name for the preferences, consents, addresses and devices of the survivor', async () => {
    await post({ user_id: 'a8', user_traits: { phone: '+351912345670' } });
    await post({ user_id: 'b8', user_traits: { email: 'b8@example.com' } });
    await merge('a8', 'b8');
    const changed = await server.send('PATCH', `${pathOf('a8')}/preferences`, { channels: { sms: false } });
    expect(changed.body).toMatchObject({ user_id: 'b8' });
    const said = { purpose: 'MARKETING', channel: 'email', state: 'granted', source: 'a form' };
    expect((await server.post(`${pathOf('a8')}/consents`, said)).status).toBe(201);
    const device = await server.post(`${pathOf('a8')}/devices`, { platform: 'android', token: 'token-of-8' });
    expect(device.body).toMatchObject({ user_id: 'b8' });
    const added = await server.post(`${pathOf('a8')}/addresses`, { kind: 'email', address: 'more8@example.com' });
    expect(added.status).toBe(201);
    const { address_id: id } = added.body;
    expect((await server.post(`${pathOf('a8')}/addresses/${id}/primary`)).status).toBe(200);
    for (const part of ['preferences', 'consents', 'addresses', 'devices']) {
      const [ofOld, ofSurvivor] = await Promise.all(['a8', 'b8'].map((one) => server.get(`${pathOf(one)}/${part}`)));
      expect(ofOld?.body).toEqual(ofSurvivor?.body);
    }
    const { devices } = (await server.get(`${pathOf('b8')}/devices`)).body;
    expect(devices).toHaveLength(1);
    expect((await server.send('DELETE', `${pathOf('a8')}/devices/${devices[0].device_id}`)).status).toBe(200);
    expect((await server.send('DELETE', `${pathOf('a8')}/addresses/${id}`)).status).toBe(200);
    expectProblem(await server.get(`${pathOf('never')}/preferences`), {
      status: 404,
      code: 'not_found',
      pointer: 'user_id',
    });
    await settled();
  });

  test('is left out of a backtest of its time, which says so', async () => {
    const { left_out: leftOut } = await tidings.backtest(0);
    expect(leftOut).toEqual(expect.arrayContaining(['a6', 'b6', 'c6', 'b4']));
  });

  test('is one user for an erasure', async () => {
    tidings.jobs();
    await post({ user_id: 'first-half', user_traits: { name: 'Maria Halfway', email: 'half@example.com' } });
    await post({ user_id: 'second-half', event_type: 'noted', user_traits: { name: 'Maria Halfway' } });
    await settled();
    await merge('first-half', 'second-half');
    await eventually(async () => expect(await query('select from outbox_events')).toEqual([]));
    await settled();
    tidings.clock.now += 1000;
    expectProblem(await server.post(`${pathOf('first-half')}/erase`), {
      status: 409,
      code: 'already_merged',
      pointer: 'user_id',
    });
    expect((await server.post(`${pathOf('second-half')}/erase`)).status).toBe(202);
    await eventually(async () => expect(await query('select from erasures where finished_at is null')).toEqual([]));
    const text = await dump();
    for (const trace of ['first-half', 'second-half', 'Halfway', 'half@example.com'])
      expect([trace, text.includes(trace)]).toEqual([trace, false]);
  });
});

test('a merge whose process is killed after any number of statements has happened as a whole, or not at all', async () => {
  await tidings.stopWorkers();
  const { pool } = tidings.database;
  await post({ user_id: 'k1', event_type: 'noted', user_traits: { email: 'k1@example.com', plan: 'pro' } });
  await post({ user_id: 'k1', event_type: 'later' });
  await post({ user_id: 'k2' });
  const state = async () =>
    JSON.stringify([
      await query(`select user_id, traits from users where user_id in ('k1', 'k2') order by 1`),
      await query(`select user_id from waits where user_id in ('k1', 'k2')`),
      await query(`select user_id from deliveries where user_id in ('k1', 'k2')`),
      await query(`select user_id from addresses where user_id in ('k1', 'k2')`),
      await query(`select user_id from merged_users where user_id = 'k1'`),
      await query(`select user_id from outbox_events where user_id in ('k1', 'k2')`),
    ]);
  const before = await state();
  const request = { tenantId: TENANT, userId: 'k1', into: 'k2', actor: systemActor('test') };
  let kills = 0;
  for (let isDone = false; !isDone; ) {
    const parts = { pool: cutAfter(pool, kills), seal: tidings.seal, clock: () => tidings.clock.now };
    try {
      await mergeUsers(parts, request);
      isDone = true;
    } catch (error) {
      expect(String(error)).toContain('killed');
      // The last one is the call that wakes the workers, after the commit.
      if ((await state()) !== before) break;
      kills++;
      expect(kills).toBeLessThan(200);
    }
  }
  expect(kills).toBeGreaterThan(10);
  const after = await state();
  expect(after).not.toContain('"user_id":"k1","traits"');
  expect(after).toContain('"user_id":"k2","traits":{"email":"k…@example.com","plan":"pro"}');
});
