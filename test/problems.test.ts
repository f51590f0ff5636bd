import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from './support/cli.ts';
import { type TestServer, testServer } from './support/http.ts';
import { fakeProvider } from './support/providers.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Problems of the present, in one answer: for the own tenant, and as far as the caller may see it. */

const CATALOG = new Map([
  ['events.yaml', 'events: { hello: { properties: { amount: number } } }'],
  ['notifications.yaml', 'notifications: { HELLO: { category: OPERATIONAL, channels: [email] } }'],
  ['rules.yaml', 'rules: { HELLO: { on: hello } }'],
  ['templates/HELLO/email.en.subject.txt', 'Hello'],
  ['templates/HELLO/email.en.txt', 'Hello'],
]);
const KEY = 'the-key-of-the-problems';
const HOUR = 3_600_000;

let tidings: TestTidings;
let server: TestServer;

beforeAll(async () => {
  tidings = await testTidings({ email: fakeProvider(() => ({ kind: 'sent' })) }, CATALOG);
  server = await testServer(tidings, { apiKeys: [KEY] });
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});

const as = (key: string) => ({ 'x-api-key': key });
const list = async (key = KEY) => (await server.get('/api/v1/problems', as(key))).body;
const codes = async () => (await list()).problems.map(({ code }: { code: string }) => code);
const iso = (ago: number) => new Date(tidings.clock.now - ago).toISOString();
const post = (userId: string, fields = {}) =>
  server.post(
    '/api/v1/events',
    {
      user_id: userId,
      event_type: 'hello',
      event_timestamp: iso(0),
      user_traits: { email: 'a@example.com' },
      ...fields,
    },
    as(KEY),
  );

test('without any, the list is empty', async () => {
  expect(await list()).toEqual({ problems: [], not_looked_at: [] });
});

test('work that is due and not done is one, by queue and channel', async () => {
  await post('late');
  const due = iso(0);
  tidings.clock.now += 61_000;
  expect((await list()).problems).toEqual([
    {
      code: 'overdue',
      subject: 'deliveries email',
      since: due,
      count: 1,
      has_more: false,
      detail: expect.stringContaining(due),
      values: { queue: 'deliveries', channel: 'email' },
      next_at: null,
    },
  ]);
  await tidings.pool.query("update deliveries set status = 'cancelled', finished_at = now()");
});

test('a circuit that is open is one, with its cause and the next try', async () => {
  await tidings.pool.query(
    `insert into circuits (circuit_id, provider, code, cause, since, open_until, pause_ms)
     values ('smtp', 'smtp', 'failures', 'the service is down', $1, now() + interval '1 min', 60000)`,
    [iso(1000)],
  );
  const { problems } = await list();
  await tidings.pool.query('delete from circuits');
  expect(problems).toMatchObject([
    {
      code: 'circuit_open',
      subject: 'smtp',
      since: iso(1000),
      detail: 'the service is down',
      values: { provider: 'smtp', cause: 'failures' },
      next_at: expect.stringMatching(/Z$/),
    },
  ]);
});

test('events that were rejected within the hour are one, with their most frequent cause', async () => {
  await post('rita', { event_id: 'r1', properties: { amount: 'a' } });
  await post('rita', { event_id: 'r2', properties: { amount: 'b' } });
  await post('rita', { event_id: 'r3', event_timestamp: 'yesterday' });
  expect((await list()).problems).toMatchObject([
    {
      code: 'rejected_events',
      count: 3,
      has_more: false,
      detail: 'mostly schema_mismatch at properties.amount',
      values: { reason: 'schema_mismatch', path: 'properties.amount' },
    },
  ]);
  tidings.clock.now += HOUR + 1000;
  expect(await codes()).toEqual([]);
});

test('messages that failed within the hour are one for each reason, but not for the fault of a recipient', async () => {
  const fail = (user: string, fault: string) =>
    tidings.pool.query(
      `update deliveries set status = 'dead', finished_at = $3, hold_code = null, reason_code = 'rejected',
              dead_letter = dead_letter_group($2, channel, 'smtp', null, 'rejected', '550')
       where user_id = $1`,
      [user, fault, iso(0)],
    );
  await post('dina');
  await post('dora');
  await fail('dina', 'account');
  await fail('dora', 'recipient');
  const [problem, ...others] = (await list()).problems;
  expect([problem, others]).toMatchObject([
    {
      code: 'dead_letters',
      count: 1,
      since: iso(0),
      detail: 'email · smtp · rejected · 550',
      values: { channel: 'email', provider: 'smtp', reason: 'rejected', code: '550' },
    },
    [],
  ]);
  const group = await server.get(`/api/v1/dead-letters/${encodeURIComponent(problem.subject)}`, as(KEY));
  expect(group.status).toBe(200);
  tidings.clock.now += HOUR + 1000;
  expect(await codes()).toEqual([]);
});

test('a job that failed within a day, and waits that are set aside, are some; of another tenant none is', async () => {
  await tidings.pool.query("insert into tenants (tenant_id, name) values ('other', 'Other')");
  for (const tenant of ['default', 'other']) {
    await tidings.pool.query(
      `insert into waits (tenant_id, user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at, began_at, state, set_aside_at)
       values ($1, 'w', gen_random_uuid(), 'HELLO', '', 'delay', 1, 'waiting', $2, $2, $2, '{}', $2)`,
      [tenant, iso(2000)],
    );
  }
  expect((await list()).problems).toMatchObject([{ code: 'waits_set_aside', count: 1, since: iso(2000) }]);
  const made = await server.post('/api/v1/keys', { name: 'no waits', scopes: ['deliveries:read'] }, as(KEY));
  expect(await list(made.body.key)).toEqual({
    problems: [],
    not_looked_at: expect.arrayContaining([
      { code: 'waits_set_aside', scope: 'waits:read' },
      { code: 'rejected_events', scope: 'rejected:read' },
    ]),
  });
});

test('a topic that is not read is one', async () => {
  await tidings.apply(new Map([...CATALOG, ['sources.yaml', 'sources: { shop: { topic: shop.events } }']]));
  expect((await list()).problems).toContainEqual(
    expect.objectContaining({ code: 'source_not_read', subject: 'shop', detail: expect.stringContaining('Kafka') }),
  );
});

test('a release that failed or was rolled back by its watch is one, until another goes well', async () => {
  const system = { kind: 'system', id: 'releases', name: 'releases', from: null };
  const add = (id: string, state: string, by: object) =>
    tidings.pool.query(
      `insert into releases (tenant_id, release_id, operation_id, from_version, to_version, state, share, steps, started_at, started_by,
                             checked_at, ended_at, ended_by, end_reason)
       values ('default', $1, gen_random_uuid(), 1, 2, $2, 1000, '[]', case when $2 <> 'failed' then $3::timestamptz end, $4, $3, $3, $4, 'Because.')`,
      [`00000000-0000-7000-8000-00000000000${id}`, state, iso(0), JSON.stringify(by)],
    );
  const found = async () =>
    (await list()).problems
      .filter(({ code }: { code: string }) => code === 'release_failed')
      .map(({ subject, detail }: { subject: string; detail: string }) => [subject, detail]);
  await add('1', 'failed', system);
  await add('2', 'rolled_back', { ...system, kind: 'member' });
  expect(await found()).toEqual([['version 2', 'Because.']]);
  await add('3', 'rolled_back', system);
  expect(await found()).toHaveLength(2);
  await add('4', 'finished', system);
  expect(await found()).toEqual([]);
});

test('a webhook endpoint that nothing reaches is one, but not one that was disabled by hand', async () => {
  const made = await server.post(
    '/api/v1/webhooks',
    { url: 'https://example.com/hook', description: 'Warehouse' },
    as(KEY),
  );
  expect(made.status).toBe(201);
  const set = (columns: string) => tidings.pool.query(`update webhook_endpoints set ${columns}`);
  const found = async () => (await list()).problems.filter(({ code }: { code: string }) => code.startsWith('webhook_'));
  expect(await found()).toEqual([]);
  await set(`failures = 3, failing_since = '${iso(-1000)}'`);
  const subject = made.body.endpoint_id;
  expect(await found()).toMatchObject([
    {
      code: 'webhook_failing',
      subject,
      count: 3,
      since: iso(-1000),
      detail: 'Warehouse: nothing reaches it',
      values: { name: 'Warehouse' },
    },
  ]);
  await set(`state = 'disabled', state_code = 'failing', state_changed_at = '${iso(0)}'`);
  expect(await found()).toMatchObject([{ code: 'webhook_disabled', subject, since: iso(0) }]);
  await set(`state_code = 'by_hand'`);
  expect(await found()).toEqual([]);
});

test('is a command as well', async () => {
  process.env.TIDINGS_URL = server.url;
  process.env.TIDINGS_API_KEY = KEY;
  try {
    expect((await runCommand('problems')).text).toMatch(/^waits_set_aside {2}1 {2}could not be fired/);
  } finally {
    delete process.env.TIDINGS_URL;
    delete process.env.TIDINGS_API_KEY;
  }
});
