import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';
import { routedCatalog } from './support/routes.ts';

/** Routes of a catalog that is applied, and the accounts that they name. */

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
  for (const account of ['ses_eu', 'second']) {
    const settings = { url: 'smtp://mail.invalid:25', from: 'test@example.com' };
    const saved = await api.server.post('/api/v1/provider-accounts', { account, provider: 'smtp', settings });
    expect(saved.status).toBe(201);
  }
  await api.tidings.database.pool.query(`update provider_accounts set enabled = false where account = 'second'`);
});
afterAll(() => api.close());

test('accounts that a route names and the tenant cannot send by are warnings, and the catalog is applied', async () => {
  const routes = `routes:
  email: [{ account: mailgun }, { account: second, tier: 2 }, { account: installation, tier: 3 }]
  sms: [{ account: ses_eu }]`;
  const { status, body } = await api.server.post('/api/v1/catalog', {
    files: Object.fromEntries(routedCatalog(routes)),
  });
  expect(status).toBe(200);
  const unknown = body.problems.filter(({ code }: { code: string }) => code === 'unknown_account');
  expect(
    unknown.map(({ line, message, hint }: { line: number; message: string; hint: string }) => [line, message, hint]),
  ).toEqual([
    [2, 'this tenant has no account mailgun', 'save it with POST /api/v1/provider-accounts'],
    [2, 'the account second is disabled', expect.any(String)],
    [3, 'the account ses_eu is not used for sms', 'its channels: email'],
  ]);
  const changed = body.differences.filter(({ part }: { part: string }) => part === 'route');
  expect(changed).toMatchObject([
    { part: 'route', name: 'email', change: 'added' },
    { part: 'route', name: 'sms', change: 'added' },
  ]);
});

test.each([true, false])(
  'a route with a misspelled account is not applied, and the right name is suggested; dry run: %s',
  async (dryRun) => {
    const files = Object.fromEntries(routedCatalog('routes: { email: [{ account: ses_ue }] }'));
    const { status, body } = await api.server.post('/api/v1/catalog', { files, dry_run: dryRun });
    expect([status, body.code]).toEqual([422, 'invalid_catalog']);
    expect(body.errors).toMatchObject([
      {
        code: 'misspelled_account',
        severity: 'error',
        message: 'this tenant has no account ses_ue',
        hint: 'did you mean ses_eu?',
      },
    ]);
  },
);

test('no account can have the name of that of the installation', async () => {
  const settings = { url: 'smtp://127.0.0.1:1', from: 'test@example.com' };
  const { status, body } = await api.server.post('/api/v1/provider-accounts', {
    account: 'installation',
    provider: 'smtp',
    settings,
  });
  expect(status).toBe(400);
  expect(JSON.stringify(body.errors)).toContain('another name');
});

test('moves of accounts that fail are shown with the queue', async () => {
  await api.tidings.database.pool.query(
    `insert into route_moves values ('default', 'email', 'ses_eu', 10, '2025-11-20T11:00:00Z', '2025-11-20T11:00:00Z', 'it is down'),
       ('default', 'sms', 'ses_eu', 100, '2025-11-20T11:00:00Z', '2025-11-20T11:00:00Z', 'it was down')`,
  );
  expect((await api.server.get('/api/v1/queue')).body.moves).toEqual([
    {
      channel: 'email',
      account: 'ses_eu',
      share: 10,
      since: '2025-11-20T11:00:00.000Z',
      moved_at: '2025-11-20T11:00:00.000Z',
      cause: 'it is down',
    },
  ]);
});

test('an account that is disabled has no moves: the channels that it still sends keep theirs', async () => {
  const listMoved = async () =>
    (await api.server.get('/api/v1/queue')).body.moves.map((one: { account: string }) => one.account);
  const change = (body: object) => api.server.send('PATCH', '/api/v1/provider-accounts/ses_eu', body);
  await api.tidings.apply(
    routedCatalog('routes: { email: [{ account: ses_eu }, { account: installation, tier: 2 }] }'),
  );
  await change({ place: 2 });
  expect(await listMoved()).toEqual(['ses_eu']);
  await change({ enabled: false });
  expect(await listMoved()).toEqual([]);
  const { rows } = await api.tidings.database.pool.query('select from route_moves');
  expect(rows.length).toBe(0);
});
