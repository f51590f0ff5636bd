import { afterAll, beforeAll, expect, test } from 'vitest';
import { deleteCircuit, saveCircuit } from '../src/store/deliveries/circuits.ts';
import { type TestApi, testApi } from './support/api.ts';

/** GET /api/v1/sending: the accounts of a tenant, and the use of their limits. */

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
});
afterAll(() => api.close());

const show = async () => (await api.server.get('/api/v1/sending')).body;

test('a tenant without accounts and receipts has empty lists, and the thresholds', async () => {
  expect(await show()).toEqual({
    emails: [],
    counts: [],
    accounts: [],
    installation: [],
    installation_channels: [{ channel: 'email', provider: 'sandbox' }],
    thresholds: {
      min_emails: 500,
      bounces: { alert: 0.05, pause: 0.1 },
      complaints: { alert: 0.001, pause: 0.003 },
      min_complaints: { alert: 2, pause: 4 },
    },
  });
});

test('an account has the latest times at which its circuit was open, and when each ended', async () => {
  const settings = { url: 'smtp://mail.invalid:25', from: 'test@example.com' };
  await api.server.post('/api/v1/provider-accounts', { account: 'mail', provider: 'smtp', settings });
  const { pool } = api.tidings.database;
  const place = { id: 'default/mail', tenantId: 'default', account: 'mail', provider: 'smtp', domain: null };
  const state = { code: 'failures', cause: 'it is down', remaining: 60_000, pause: 1000 } as const;
  for (let n = 0; n < 22; n++) {
    await saveCircuit(pool, place, { ...state, since: Date.parse('2025-11-20T10:00:00Z') + n * 1000 });
    // A probe that fails opens it no second time.
    await saveCircuit(pool, place, { ...state, since: Date.parse('2025-11-20T10:00:00Z') + n * 1000 });
    if (n < 21) await deleteCircuit(pool, place.id);
  }
  await saveCircuit(pool, { ...place, id: 'default/mail a.example', domain: 'a.example' }, { ...state, since: 0 });
  const account = (await show()).accounts.find((one: { account: string }) => one.account === 'mail');
  expect(account.openings.length).toBe(10);
  expect(account.openings.slice(0, 2)).toEqual([
    { opened_at: '2025-11-20T10:00:21.000Z', closed_at: null, code: 'failures', cause: 'it is down' },
    { opened_at: '2025-11-20T10:00:20.000Z', closed_at: expect.any(String), code: 'failures', cause: 'it is down' },
  ]);
  expect((await pool.query('select from circuit_openings')).rowCount).toBe(20);
  // A change of the account closes it, by the login of the API.
  await api.server.send('PATCH', '/api/v1/provider-accounts/mail', { place: 5 });
  const [latest] = (await show()).accounts.find((one: { account: string }) => one.account === 'mail').openings;
  expect(latest.closed_at).not.toBeNull();
  await api.server.send('DELETE', '/api/v1/provider-accounts/mail');
});

test('a provider of the installation has the same, also for a tenant without accounts, and never domains', async () => {
  const { pool } = api.tidings.database;
  const place = { id: '/smtp@email', tenantId: null, account: null, provider: 'smtp', domain: null };
  const state = { code: 'failures', cause: 'it is down', remaining: 60_000, pause: 1000 } as const;
  for (const [since, cause] of [
    ['2025-11-20T10:00:00Z', 'it is down'],
    ['2025-11-20T11:00:00Z', 'it hangs up'],
  ] as const) {
    await saveCircuit(pool, place, { ...state, cause, since: Date.parse(since) });
    await deleteCircuit(pool, place.id);
  }
  await saveCircuit(pool, { ...place, id: '/smtp@email b.example', domain: 'b.example' }, { ...state, since: 0 });
  await saveCircuit(
    pool,
    { ...place, id: 'other/mail', tenantId: 'other', account: 'mail' },
    { ...state, since: Date.parse('2025-11-20T12:00:00Z') },
  );
  const past = { closed_at: expect.any(String), code: 'failures' };
  const openings = [
    { ...past, opened_at: '2025-11-20T11:00:00.000Z', cause: 'it hangs up' },
    { ...past, opened_at: '2025-11-20T10:00:00.000Z', cause: 'it is down' },
  ];
  expect(await show()).toMatchObject({ accounts: [], installation: [{ provider: 'smtp', circuit: null, openings }] });
  await saveCircuit(pool, place, { ...state, since: Date.parse('2025-11-20T13:00:00Z') });
  const [smtp, ...others] = (await show()).installation;
  expect(others).toEqual([]);
  expect(smtp).toMatchObject({ channel: 'email', circuit: { of: 'installation', cause: 'it is down' } });
  expect(smtp.openings[0]).toMatchObject({ opened_at: '2025-11-20T13:00:00.000Z', closed_at: null });
});

test('an account without limits of its own has those of its provider, and the use of each period counts', async () => {
  const settings = {
    account_sid: 'AC00000000000000000000000000000001',
    auth_token: '0123456789abcdef0123456789abcdef',
    from: '+15005550006',
  };
  const create = (account: string, limits?: object) =>
    api.server.post('/api/v1/provider-accounts', { account, provider: 'twilio', channels: ['sms'], settings, limits });
  expect((await create('plain')).status).toBe(201);
  expect((await create('own', { per_second: 10, per_day: 1000 })).status).toBe(201);
  await api.tidings.database.pool.query(
    `insert into rate_limits (limit_id, taken_until)
     values ('account default/own per_day', extract(epoch from now()) * 1000 + 43200000),
            ('account other/plain per_second', extract(epoch from now()) * 1000 + 999999)`,
  );
  const { accounts } = await show();
  expect(accounts).toMatchObject([
    { account: 'plain', limits: [{ period: 'per_second', allowed: 100, burst: 25, free: 25 }] },
    {
      account: 'own',
      limits: [
        { period: 'per_second', allowed: 10, burst: 10, free: 10 },
        { period: 'per_day', allowed: 1000, burst: 1000 },
      ],
    },
  ]);
  expect(Math.abs(accounts[1].limits[1].free - 500)).toBeLessThan(5);
});
