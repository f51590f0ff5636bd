import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestServer, testServer } from './support/http.ts';
import { fakeProvider } from './support/providers.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Open circuits as a process without workers shows them. */

const CATALOG = new Map([
  ['events.yaml', 'events: { hello: {} }'],
  ['notifications.yaml', 'notifications: { HELLO: { category: OPERATIONAL, channels: [email] } }'],
  ['rules.yaml', 'rules: { HELLO: { on: hello } }'],
  ['templates/HELLO/email.en.subject.txt', 'Hello'],
  ['templates/HELLO/email.en.txt', 'Hello'],
]);

let tidings: TestTidings;
let server: TestServer;
beforeAll(async () => {
  const email = fakeProvider(() => ({ kind: 'misconfigured', reason: 'the password is wrong' }));
  tidings = await testTidings({ email }, CATALOG);
  server = await testServer(tidings);
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});

let opened = 0;
/** Opens a circuit, each a second after the one before. */
async function open(id: string, tenantId: string | null, account: string | null, domain: string | null = null) {
  await tidings.database.pool.query(
    `insert into circuits (circuit_id, tenant_id, account, provider, domain, code, cause, since, open_until, pause_ms)
     values ($1, $2, $3, 'smtp', $4, 'failures', $1, now() + $5 * interval '1 s', now() + interval '1 min', 2000)`,
    [id, tenantId, account, domain, opened++],
  );
}

const showCircuits = async () => (await server.get('/api/v1/queue')).body.circuits;

test('what workers of other processes find is shown', async () => {
  await server.post('/api/v1/events', {
    user_id: 'u1',
    event_type: 'hello',
    event_timestamp: new Date(tidings.clock.now).toISOString(),
    user_traits: { email: 'u1@a.example' },
  });
  await tidings.worker();
  await expect
    .poll(showCircuits)
    .toMatchObject([{ provider: 'fake', account: null, domain: null, of: 'installation', code: 'misconfigured' }]);
  const [{ next_probe_at, cause }] = await showCircuits();
  expect(cause).toBe('the password is wrong');
  expect(Number.isNaN(Date.parse(next_probe_at))).toBe(false);
});

test('a tenant sees its own circuits and those of the installation, accounts first, and at most 20', async () => {
  await tidings.database.pool.query('truncate circuits');
  await open('of another tenant', 'other', 'main');
  await open('domain', 'default', 'main', 'a.example');
  await open('own', 'default', 'main');
  await open('installation', null, null);
  await open('domain of the installation', null, null, 'b.example');
  expect((await showCircuits()).map(({ cause, of }: { cause: string; of: string }) => [cause, of])).toEqual([
    ['own', 'account'],
    ['installation', 'installation'],
    ['domain', 'domain'],
  ]);
  for (let n = 0; n < 30; n++) await open(`more ${n}`, 'default', `a${n}`);
  expect(await showCircuits()).toHaveLength(20);
});
