import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from './support/cli.ts';
import { type TestServer, testServer } from './support/http.ts';
import { fakeProvider } from './support/providers.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Operators see what holds up the queue, who changed the catalog, and what became of each notification. */

const CATALOG = new Map([
  ['events.yaml', 'events: { hello: {} }'],
  ['notifications.yaml', 'notifications: { HELLO: { category: OPERATIONAL, channels: [email, sms] } }'],
  ['rules.yaml', 'rules: { HELLO: { on: hello } }'],
  ['templates/HELLO/email.en.subject.txt', 'Hello'],
  ['templates/HELLO/email.en.txt', 'Hello'],
  ['templates/HELLO/sms.en.txt', 'Hello'],
]);

let tidings: TestTidings;
let server: TestServer;

beforeAll(async () => {
  const email = fakeProvider(() => ({ kind: 'misconfigured', reason: 'the password is wrong' }));
  tidings = await testTidings({ email, sms: fakeProvider(() => ({ kind: 'sent' })) }, CATALOG);
  server = await testServer(tidings);
  process.env.TIDINGS_URL = server.url;
});

afterAll(async () => {
  delete process.env.TIDINGS_URL;
  await server.close();
  await tidings.close();
});

async function post(userId: string): Promise<void> {
  const { body } = await server.post('/api/v1/events', {
    user_id: userId,
    event_type: 'hello',
    event_timestamp: new Date(tidings.clock.now).toISOString(),
    user_traits: { email: `${userId}@example.com`, phone: '+351912345678' },
  });
  expect(body.accepted).toBe(1);
}

async function activityOf(userId: string) {
  const { body } = await server.get('/api/v1/activity');
  return body.events.find((event: { user_id: string }) => event.user_id === userId);
}

test('a queue without trouble says so', async () => {
  expect((await server.get('/api/v1/queue')).body).toEqual({ overdue: [], circuits: [], moves: [] });
  expect(await runCommand('queue')).toMatchObject({
    exitCode: 0,
    text: 'Nothing is overdue.\nNo circuit is open.',
  });
});

test('deliveries that no worker claims are overdue after a minute, by channel, of the own tenant', async () => {
  await post('u1');
  await post('u2');
  expect((await server.get('/api/v1/queue')).body.overdue).toEqual([]);
  const due = new Date(tidings.clock.now).toISOString();
  tidings.clock.now += 61_000;
  await tidings.pool.query(
    `insert into outbox_events (tenant_id, user_id, event_id, event, due_at) values ('other', 'u', 'e', '{}', $1)`,
    [due],
  );
  const one = { queue: 'deliveries', count: 2, has_more: false, oldest_due_at: due };
  expect((await server.get('/api/v1/queue')).body.overdue).toEqual([
    { ...one, channel: 'email' },
    { ...one, channel: 'sms' },
  ]);
  expect((await runCommand('queue')).text).toContain(`2 items overdue in deliveries of sms, the oldest since ${due}`);
});

test('deliveries of a worker that is gone, which no worker rescues, are shown as abandoned', async () => {
  const { pool } = tidings;
  await pool.query(
    `update deliveries set status = 'sending', worker = 'gone' where user_id = 'u1' and channel = 'sms'`,
  );
  await pool.query(`insert into leases values ('gone', now() - interval '30 s')`);
  const abandoned = async () => {
    const { body } = await server.get('/api/v1/queue');
    return body.overdue.filter(({ queue }: { queue: string }) => queue === 'abandoned');
  };
  expect(await abandoned()).toEqual([]);
  const { rows } = await pool.query(`update leases set lease_until = now() - interval '2 min' returning lease_until`);
  expect(await abandoned()).toEqual([
    {
      queue: 'abandoned',
      channel: 'sms',
      count: 1,
      has_more: false,
      oldest_due_at: new Date(rows[0].lease_until).toISOString(),
    },
  ]);
  await pool.query(`update deliveries set status = 'queued' where worker = 'gone'`);
});

test('activity shows the state of each delivery as it comes in', async () => {
  expect((await activityOf('u1')).deliveries).toMatchObject([
    { channel: 'email', status: 'queued' },
    { channel: 'sms', status: 'queued' },
  ]);
  const worker = await tidings.worker();
  await expect
    .poll(async () => (await activityOf('u1')).deliveries)
    .toMatchObject([
      { channel: 'email', status: 'queued', reason: expect.stringContaining('the password is wrong') },
      { channel: 'sms', status: 'sent', provider: 'fake' },
    ]);
  const [{ notification_id }] = (await activityOf('u1')).decisions;
  expect((await activityOf('u1')).deliveries[0].notification_id).toBe(notification_id);
  const withWorkers = await testServer(tidings, { listOpenCircuits: () => worker.openCircuits() });
  process.env.TIDINGS_URL = withWorkers.url;
  const { body } = await withWorkers.get('/api/v1/queue');
  expect(body.circuits).toMatchObject([{ provider: 'fake', domain: null, cause: 'the password is wrong' }]);
  expect((await runCommand('queue')).text).toMatch(
    /^circuit of fake open since \S+: the password is wrong; next probe \S+$/m,
  );
  process.env.TIDINGS_URL = server.url;
  await withWorkers.close();
});

test('a rollback is visible with the actor and the time, in the API, on the command line and in the audit log', async () => {
  await tidings.apply(new Map([...CATALOG, ['rules.yaml', 'rules: { HELLO: { on: hello, limit: 1 per day } }']]));
  tidings.clock.now += 1000;
  const at = new Date(tidings.clock.now).toISOString();
  await server.post('/api/v1/catalog/rollback', { version: 1 });
  const { body } = await server.get('/api/v1/catalog/versions');
  expect(body.versions).toMatchObject([
    { version: 2, active: false, activations: [{ kind: 'applied', by: 'test' }] },
    {
      version: 1,
      active: true,
      activations: [
        { kind: 'rolled_back', at, by: 'api', from: 2 },
        { kind: 'applied', by: 'test' },
      ],
    },
  ]);
  expect((await runCommand('catalog', 'versions')).text).toMatch(
    new RegExp(`^\\* +1 .*\\n +${at}  rollback from version 2 by api$`, 'm'),
  );
  const log = await server.get('/api/v1/audit-log?limit=1');
  expect(log.body.entries).toMatchObject([
    { at, actor: 'api', action: 'catalog.rolled_back', subject: 'version 1', detail: { from: 2 } },
  ]);
  const older = await server.get(`/api/v1/audit-log?limit=1&after=${log.body.next}`);
  expect(older.body.entries).toMatchObject([{ action: 'catalog.applied', subject: 'version 2' }]);
  expect((await server.get('/api/v1/audit-log?after=x')).body).toMatchObject({
    code: 'invalid_request',
    errors: [{ pointer: 'after' }],
  });
});
