import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { inboxProvider } from '../src/channels/in-app/inbox.ts';
import type { Provider } from '../src/channels/provider.ts';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { keepInInbox } from '../src/delivery/keep-in-inbox.ts';
import { eraseUserAction } from '../src/jobs/erase-user.ts';
import type { ChunkResult, JobScope } from '../src/model/job.ts';
import { writeDump } from '../src/store/dump/write-dump.ts';
import { ERASURE_BY_TABLE } from '../src/store/erasure/tables.ts';
import { InboxSignals } from '../src/store/inbox/inbox-signals.ts';
import { MAX_OPEN_JOBS } from '../src/store/jobs/jobs.ts';
import { checkEncryptionKey } from '../src/store/metadata.ts';
import { withTransaction } from '../src/store/pg/transaction.ts';
import { expectProblem } from './support/api.ts';
import { cutAfter } from './support/cut-pool.ts';
import { type TestServer, testServer } from './support/http.ts';
import { makeKeeper } from './support/kafka/outbox.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** Everything about a user is erased, whatever is under way, and nothing brings the user back. */

const CATALOG = new Map([
  ['events.yaml', 'events: { noted: {}, later: {} }'],
  [
    'notifications.yaml',
    'notifications: { NOTED: { category: SYSTEM, channels: [email, in_app] }, LATER: { category: SYSTEM, channels: [sms] } }',
  ],
  [
    'rules.yaml',
    `rules:
  NOTED: { on: noted, limit: 3 per day }
  LATER: { on: later, delay: 1h }
  SEEN: { on: notification.delivered, notify: LATER, limit: once }`,
  ],
  ['sinks.yaml', `sinks: { all: { topic: shop.facts, event_types: ['*'], decisions: all } }`],
  ['templates/NOTED/in_app.en.txt', 'For {{user.name}}'],
  ['templates/NOTED/email.en.subject.txt', 'For {{user.name}}'],
  ['templates/NOTED/email.en.txt', 'For {{user.name}}'],
  ['templates/LATER/sms.en.txt', 'For {{user.name}}'],
]);

/** Bytes of the user that must be nowhere afterwards. */
const TRACES = ['maria-4711', 'Maria Silva', 'maria@example.com', '351912345678', 'm…@example.com', 'blue-suede'];

/** Traces that are never in the clear. */
const SEALED = ['maria@example.com', '351912345678'];

let tidings: TestTidings;
let server: TestServer;
let hold: Promise<void> | null = null;
const email: Provider = {
  ...sandboxProvider(['email']),
  send: async (message, options) => {
    await hold;
    return sandboxProvider(['email']).send(message, options);
  },
};

beforeAll(async () => {
  const inbox = inboxProvider(async (outgoing, mayStore) => store(outgoing, mayStore));
  tidings = await testTidings({ email, in_app: inbox, sms: sandboxProvider(['sms']) }, CATALOG);
  const { pool } = tidings.database;
  const store = keepInInbox(pool, tidings.seal, () => tidings.clock.now, new InboxSignals(pool));
  await checkEncryptionKey(pool, tidings.seal);
  // Messages for a topic wait, as without brokers.
  await makeKeeper(tidings).open();
  await pool.query(`update active_catalogs set open_until = 'infinity'`);
  server = await testServer(tidings);
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});

const at = () => new Date(tidings.clock.now).toISOString();
const traits = { name: 'Maria Silva', email: 'maria@example.com', phone: '+351912345678' };
const post = (fields: object) => {
  tidings.clock.now += 1000;
  return server.post('/api/v1/events', { event_type: 'noted', event_timestamp: at(), ...fields });
};
const query = async (text: string, values: unknown[] = []) => (await tidings.database.pool.query(text, values)).rows;
const erase = (id: string, body: object | undefined = undefined) => {
  tidings.clock.now += 1000;
  return server.post(`/api/v1/users/${encodeURIComponent(id)}/erase`, body);
};
const settled = () =>
  vi.waitFor(async () => expect(await query('select from deliveries where finished_at is null')).toEqual([]), {
    timeout: 15_000,
    interval: 50,
  });
const ended = (erasureId: string) =>
  vi.waitFor(
    async () => {
      const { body } = await server.get(`/api/v1/erasures/${erasureId}`);
      expect(body.status).toBe('done');
      return body;
    },
    { timeout: 15_000, interval: 50 },
  );

/** Leaves rows of a user in every table that has some. */
async function live(id: string): Promise<void> {
  await post({ user_id: id, event_id: `first-${id}`, user_traits: traits, properties: { shoes: 'blue-suede' } });
  await settled();
  await post({ user_id: id, event_type: 'later' });
  await post({ user_id: id, event_type: 5, user_traits: traits });
  const path = `/api/v1/users/${encodeURIComponent(id)}`;
  await server.post(`${path}/addresses`, { kind: 'email', address: 'blue-suede@example.com' });
  await server.send('PATCH', path, { traits: { shoes: 'blue-suede' } });
  await server.post(`${path}/reveal`, { reason: 'a test' });
  await server.send('PATCH', `${path}/preferences`, { channels: { push: false } });
  const evidence = { ip: '203.0.113.9', user_agent: 'blue-suede' };
  const consent = { purpose: 'MARKETING', channel: 'email', state: 'granted', source: 'form', evidence };
  expect((await server.post(`${path}/consents`, consent)).status).toBeLessThan(300);
  await server.post(
    '/api/v1/users/bulk',
    { users: [{ user_id: id, traits: {} }] },
    { 'idempotency-key': `key-${tidings.clock.now}` },
  );
  await server.post('/api/v1/suppressions', {
    channel: 'email',
    address: 'maria@example.com',
    scope: 'type:LATER',
    note: 'blue-suede',
  });
  const lifted = await server.post('/api/v1/suppressions', {
    channel: 'email',
    address: 'maria@example.com',
    scope: 'type:SOONER',
    note: 'blue-suede',
  });
  await server.post(`/api/v1/suppressions/${lifted.body.suppression_id}/lift`, {});
  await server.post('/api/v1/jobs', { action: 'deliveries.cancel', filter: { user_id: id } });
  await settled();
}

async function dump(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of writeDump({
    pool: tidings.database.pool,
    seal: tidings.seal,
    program: 'test',
    tenant: null,
  }))
    chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const tracesIn = (text: string) => TRACES.filter((trace) => text.includes(trace));

describe('an erasure', () => {
  test('says of each table of the schema what becomes of it', async () => {
    const rows = await query(
      `select relname as name from pg_class
       where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and not relispartition order by 1`,
    );
    expect(rows.map(({ name }) => name)).toEqual(Object.keys(ERASURE_BY_TABLE).sort());
    const withUsers = await query(
      `select distinct c.relname as name from pg_class as c join pg_attribute as a on a.attrelid = c.oid
       where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
         and (a.attname like '%user_id' or a.attname like '%notification_id' or a.attname like '%user_hash')`,
    );
    for (const { name } of withUsers)
      expect([name, ERASURE_BY_TABLE[name]]).toEqual([name, expect.stringMatching(/^(erased|pseudonymized)$/)]);
  });

  test('leaves no byte of the user in a dump, and others as they are', async () => {
    await tidings.worker();
    tidings.jobs();
    await live('maria-4711');
    await post({ user_id: 'other', user_traits: { name: 'Other', email: 'other@example.com' } });
    await settled();
    expect(tracesIn(await dump())).toEqual(TRACES.filter((trace) => !SEALED.includes(trace)));
    expect((await query(`select from kafka_outbox where user_id = 'maria-4711'`)).length).toBeGreaterThan(3);
    const { status, body } = await erase('maria-4711', { reason: 'asked for' });
    expect([status, body.status]).toEqual([202, 'running']);
    expect(JSON.stringify(body)).not.toContain('maria');
    const done = await ended(body.erasure_id);
    expect(done.counts).toMatchObject({ events: 6, notifications: 1, rejected_events: 1, limit_uses: 1, inboxes: 1 });
    expect(tracesIn(await dump())).toEqual([]);
    expect((await server.get('/api/v1/users/maria-4711')).status).toBe(404);
    expect((await server.get('/api/v1/audit/other')).body).toMatchObject({ profile: { traits: { name: 'Other' } } });
    expect((await query(`select from messages`)).length).toBeGreaterThan(0);
    expect((await query(`select from kafka_outbox where user_id = 'other'`)).length).toBeGreaterThan(0);
    const log = await server.get(`/api/v1/audit-log?subject=${body.erasure_id}`);
    expect(log.body.entries).toMatchObject([{ action: 'user.erased', detail: { reason: 'asked for' } }]);
    expect(await query('select user_id, purpose, state, sealed from consents')).toMatchObject([
      { user_id: expect.stringMatching(/^erased user \S{32}$/), purpose: 'MARKETING', state: 'granted', sealed: null },
    ]);
    expect((await query('select address_mask from suppressions')).map((row) => row.address_mask)).toEqual([null]);
  });

  test('is the same when it is asked for again, and that of an unknown user is a problem', async () => {
    await live('again');
    const first = await erase('again');
    await ended(first.body.erasure_id);
    const second = await erase('again');
    expect([second.status, second.body.erasure_id]).toEqual([200, first.body.erasure_id]);
    expectProblem(await erase('unknown'), { status: 404, code: 'not_found', pointer: 'user_id' });
  });

  test('rejects events from before, keeps nothing of them, and lets later ones make the user anew', async () => {
    await live('late');
    const before = at();
    const { body } = await erase('late');
    await ended(body.erasure_id);
    const { body: old } = await server.post('/api/v1/events', {
      user_id: 'late',
      event_type: 'noted',
      event_timestamp: before,
    });
    expect(old.rejected).toMatchObject([{ code: 'user_erased', path: 'user_id' }]);
    expect((await server.get('/api/v1/users/late')).status).toBe(404);
    expect(JSON.stringify(await query('select * from rejected_events'))).not.toContain('late');
    expect((await post({ user_id: 'late', user_traits: { plan: 'new' } })).body.accepted).toBe(1);
    const again = await server.post('/api/v1/events', {
      user_id: 'late',
      event_type: 'noted',
      event_timestamp: before,
    });
    expect(again.body.rejected).toMatchObject([{ code: 'user_erased' }]);
    expect((await server.get('/api/v1/users/late')).body.traits).toEqual({ plan: 'new' });
    await settled();
    const other = await erase('late');
    expect([other.status, other.body.erasure_id === body.erasure_id]).toEqual([202, false]);
    await ended(other.body.erasure_id);
  });

  test('finds what a process whose clock is ahead has stored', async () => {
    tidings.clock.now += 4000;
    const { body: made } = await post({ user_id: 'ahead-4711', event_id: 'of ahead-4711', user_traits: traits });
    expect(made.accepted).toBe(1);
    await post({ user_id: 'ahead-4711', event_type: 5 });
    const path = '/api/v1/users/ahead-4711';
    await server.post(`${path}/consents`, { purpose: 'MARKETING', channel: 'email', state: 'granted', source: 'form' });
    await server.send('PATCH', path, { traits: { plan: 'of ahead-4711' } });
    tidings.clock.now -= 6000;
    const { body } = await erase('ahead-4711');
    tidings.clock.now += 130_000;
    await ended(body.erasure_id);
    expect(await dump()).not.toContain('ahead-4711');
  });

  test('begins anew with what came of the user while it was under way, when it is asked for again', async () => {
    await tidings.stopJobs();
    await post({ user_id: 'back', user_traits: { name: 'Ines First' } });
    const first = await erase('back');
    expect([await erase('back')]).toMatchObject([{ status: 200, body: { erasure_id: first.body.erasure_id } }]);
    await post({ user_id: 'back', user_traits: { name: 'Ines Second' } });
    const second = await erase('back');
    expect([second.status, second.body]).toMatchObject([202, { erasure_id: first.body.erasure_id, status: 'running' }]);
    expect(second.body.erased_at > first.body.erased_at).toBe(true);
    tidings.jobs();
    tidings.clock.now += 130_000;
    await ended(first.body.erasure_id);
    expect(await dump()).not.toContain('Ines');
  });

  test('has room for those who were merged into the user, whatever else is under way', async () => {
    for (const user_id of ['united', 'part one', 'part two']) await post({ user_id });
    for (const part of ['part one', 'part two'])
      expect((await server.post(`/api/v1/users/${part}/merge`, { into: 'united' })).status).toBe(200);
    await query(
      `insert into jobs (tenant_id, job_id, action, filter, matched, matched_exact, actor, created_at, due_at)
       select $1, gen_random_uuid(), 'waits.cancel', '{"rule": "LATER"}', 1, true, '{}', now(), 'infinity'
       from generate_series(1, $2 - (select count(*) from jobs where ended_at is null))`,
      [TENANT, MAX_OPEN_JOBS - 1],
    );
    const { status, body } = await erase('united');
    expect(status).toBe(202);
    await query(`delete from jobs where due_at = 'infinity'`);
    await ended(body.erasure_id);
    await vi.waitFor(async () => expect(await query('select from erasures where user_id is not null')).toEqual([]), {
      timeout: 15_000,
    });
    expect(await query('select from merged_users')).toEqual([]);
  });

  test('lets a message end that is being sent, and drops its result', async () => {
    let release = () => {};
    hold = new Promise((resolve) => {
      release = resolve;
    });
    await post({ user_id: 'sending', user_traits: traits });
    await vi.waitFor(
      async () =>
        expect(await query(`select from deliveries where status = 'sending' and user_id = 'sending'`)).toHaveLength(1),
      { timeout: 15_000 },
    );
    const { body } = await erase('sending');
    await vi.waitFor(
      async () => expect(await query(`select from notifications where user_id = 'sending'`)).toEqual([]),
      {
        timeout: 15_000,
      },
    );
    release();
    hold = null;
    // The last steps wait for the end of all that was being sent.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await server.get(`/api/v1/erasures/${body.erasure_id}`)).body.status).toBe('running');
    tidings.clock.now += 10 * 15_000;
    await query(`update jobs set due_at = now() where ended_at is null`);
    await ended(body.erasure_id);
    for (const table of ['deliveries', 'users', 'outbox_events', 'inbox_items'])
      expect([table, await query(`select from ${table} where user_id = 'sending'`)]).toEqual([table, []]);
  });

  test('drops news of Tidings itself about a user who is gone', async () => {
    await post({ user_id: 'news' });
    await settled();
    const { body } = await erase('news');
    await ended(body.erasure_id);
    tidings.clock.now += 1000;
    const event = {
      event_id: 'notification.delivered x',
      user_id: 'news',
      event_type: 'notification.delivered',
      event_timestamp: at(),
    };
    expect(await tidings.ingest([event])).toMatchObject([{ status: 'rejected', code: 'user_erased' }]);
  });
});

test('an erasure whose process is killed after any number of statements goes on where it was', async () => {
  await tidings.stopWorkers();
  await tidings.stopJobs();
  const { pool } = tidings.database;
  await post({ user_id: 'killed', event_id: 'killed 1', user_traits: traits });
  const { body } = await erase('killed');
  const [job] = await query('select * from jobs where job_id = $1', [body.job_id]);
  const scope: JobScope<{ erasure_id: string }> = {
    tenantId: TENANT,
    filter: job.filter,
    startedAt: tidings.clock.now,
  };
  const { seal, pipeline, catalogs } = tidings;
  const actor = { kind: 'system', id: 'test', name: 'test', from: null } as const;
  let cursor: ChunkResult['cursor'] = null;
  let chunks = 0;
  for (let isDone = false; !isDone; chunks++) {
    for (let allowed = 0; ; allowed++) {
      const cut = cutAfter(pool, allowed);
      const parts = { pool: cut, pipeline, catalogs, seal, clock: () => tidings.clock.now };
      try {
        await eraseUserAction.runChunk(parts, { scope, actor, cursor, patch: null, limit: 1 }, async (work) => {
          const result = await withTransaction(cut, work);
          cursor = result.cursor;
        });
        break;
      } catch (error) {
        expect(String(error)).toContain('killed');
      }
    }
    isDone = cursor === null;
    expect(chunks).toBeLessThan(200);
  }
  expect((await server.get(`/api/v1/erasures/${body.erasure_id}`)).body.status).toBe('done');
  expect(await dump()).not.toContain('killed');
});
