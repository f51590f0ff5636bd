import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';
import { routedCatalog } from './support/routes.ts';

/** GET /api/v1/routes: by which accounts messages go at present. */

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

const settings = { url: 'smtp://mail.invalid:25', from: 'test@example.com' };
const createAccount = async (account: string) => {
  expect((await api.server.post('/api/v1/provider-accounts', { account, provider: 'smtp', settings })).status).toBe(
    201,
  );
};
const show = async () => (await api.server.get('/api/v1/routes')).body.routes;
const apply = async (routes: string) => {
  const files = Object.fromEntries(routedCatalog(routes));
  expect((await api.server.post('/api/v1/catalog', { files })).status).toBe(200);
};
const ROUTE = `routes:
  email:
    - { account: a, weight: 3 }
    - { account: b }
    - { account: c, when: message.priority == "URGENT" }
    - { account: gone }
    - { account: installation, tier: 2 }`;

test('a tenant with neither a route nor an account has no routes', async () => {
  expect(await show()).toEqual([]);
});

test('a tenant without an account goes by the installation, whatever the route names', async () => {
  await apply(ROUTE);
  const [{ entries }] = await show();
  expect(entries.map((one: { account: string; share: number }) => [one.account, one.share])).toEqual([
    ['a', 0],
    ['b', 0],
    ['c', 0],
    ['gone', 0],
    ['installation', 100],
  ]);
});

test('shares follow the weights; an account that cannot be used says why, and a condition decides for itself', async () => {
  for (const account of ['a', 'b', 'c']) await createAccount(account);
  const [route] = await show();
  expect(route).toMatchObject({ channel: 'email', origin: 'catalog' });
  expect(route.entries).toMatchObject([
    { account: 'a', provider: 'smtp', share: 75, waiting: 0, missing: null, circuit: null, move: null },
    { account: 'b', share: 25 },
    { account: 'c', share: null, waiting: null, when: 'message.priority == "URGENT"' },
    { account: 'gone', provider: null, share: 0, missing: 'unknown_account' },
    { account: 'installation', provider: null, share: 0, missing: null },
  ]);
});

test('an account that fails over says to which one, with the circuit of that', async () => {
  const change = (failover_to: string | null) =>
    api.server.send('PATCH', '/api/v1/provider-accounts/a', { failover_to });
  expect((await change('b')).status).toBe(200);
  const [{ entries }] = await show();
  expect(entries).toMatchObject([{ account: 'a', failover_to: 'b', share: 75 }, { failover_to: null }, {}, {}, {}]);
  await change(null);
});

test('an outage of the installation is shown at its account, and that of another channel is not', async () => {
  const { pool } = api.tidings.database;
  const open = (channel: string) =>
    pool.query(
      `insert into circuits (circuit_id, provider, code, cause, since, open_until, pause_ms)
       values ($1, 'smtp', 'failures', $2, now(), now() + interval '1 minute', 1000)`,
      [`/smtp@${channel}`, `${channel} is down`],
    );
  await open('sms');
  const [before] = await show();
  expect(before.entries[4].circuit).toBeNull();
  await open('email');
  const [after] = await show();
  expect(after.entries[4].circuit).toMatchObject({ cause: 'email is down', of: 'installation', account: null });
});

test('an outage of a provider of the installation with several channels is shown at each of them', async () => {
  const both = await testApi({
    installation: new Map([
      ['email', 'courier'],
      ['sms', 'courier'],
      ['push', 'fcm'],
    ]),
  });
  try {
    const routes = `routes:
  email: [{ account: installation }]
  sms: [{ account: installation }]
  push: [{ account: installation }]`;
    const files = Object.fromEntries(routedCatalog(routes));
    expect((await both.server.post('/api/v1/catalog', { files })).status).toBe(200);
    await both.tidings.database.pool.query(
      `insert into circuits (circuit_id, provider, code, cause, since, open_until, pause_ms)
       values ('/courier@email', 'courier', 'failures', 'it is down', now(), now() + interval '1 minute', 1000)`,
    );
    const shown = (await both.server.get('/api/v1/routes')).body.routes;
    const circuits = shown.map(
      (one: { channel: string; entries: readonly { circuit: { cause: string } | null }[] }) => [
        one.channel,
        one.entries[0]?.circuit?.cause ?? null,
      ],
    );
    expect(circuits).toEqual([
      ['email', 'it is down'],
      ['sms', 'it is down'],
      ['push', null],
    ]);
    expect((await both.server.get('/api/v1/sending')).body.installation_channels).toEqual([
      { channel: 'email', provider: 'courier' },
      { channel: 'sms', provider: 'courier' },
      { channel: 'push', provider: 'fcm' },
    ]);
  } finally {
    await both.close();
  }
});
