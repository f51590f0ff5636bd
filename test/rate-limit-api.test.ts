import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';
import { runLikeProcess } from './support/cli.ts';

/** Rate limits over the API and on the command line: of accounts, and of tenants and their users. */

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});

afterAll(() => api.close());

const PATH = '/api/v1/provider-accounts';
const SENDGRID = { provider: 'sendgrid', settings: { api_key: 'SG.key', from: 'Acme <hello@acme.example>' } };

const run = (...args: string[]) => runLikeProcess(args, { TIDINGS_URL: api.server.url });

test('an account is saved with limits, which are shown, changed and removed', async () => {
  const limits = { per_second: 14, per_day: 50_000, burst: 5 };
  const created = await api.server.post(PATH, { account: 'limited', ...SENDGRID, limits });
  expect([created.status, created.body.limits]).toEqual([201, limits]);
  const kept = await api.server.send('PATCH', `${PATH}/limited`, { place: 2 });
  expect(kept.body.limits).toEqual(limits);
  const changed = await api.server.send('PATCH', `${PATH}/limited`, { limits: { per_minute: 60 } });
  expect(changed.body.limits).toEqual({ per_minute: 60 });
  const removed = await api.server.send('PATCH', `${PATH}/limited`, { limits: null });
  expect(removed.body.limits).toBeNull();
});

test.each([
  [{}, '/limits'],
  [{ burst: 5 }, '/limits'],
  [{ per_second: 0 }, '/limits/per_second'],
  [{ per_second: -1 }, '/limits/per_second'],
  [{ per_second: 1.5 }, '/limits/per_second'],
  [{ per_second: '14' }, '/limits/per_second'],
  [{ per_day: 1_000_001 }, '/limits/per_day'],
  [{ per_week: 5 }, '/limits'],
  [[], '/limits'],
  [14, '/limits'],
])('limits %j of an account are rejected with their place', async (limits, pointer) => {
  const { status, body } = await api.server.post(PATH, { account: 'wrong', ...SENDGRID, limits });
  expect(status).toBe(400);
  expect(JSON.stringify(body)).toContain(pointer);
});

test('the command line sets and removes the limits of an account', async () => {
  await api.server.post(PATH, { account: 'by_command', ...SENDGRID });
  const set = await run('accounts', 'update', 'by_command', '--limits', 'per_second=14, burst=3', '--json');
  expect([set.code, JSON.parse(set.stdout).limits]).toEqual([0, { per_second: 14, burst: 3 }]);
  const wrong = await run('accounts', 'update', 'by_command', '--limits', 'per_week=14');
  expect([wrong.code, wrong.output]).toEqual([2, expect.stringContaining('per_week is not known')]);
  const removed = await run('accounts', 'update', 'by_command', '--limits', 'none', '--json');
  expect([removed.code, JSON.parse(removed.stdout).limits]).toEqual([0, null]);
});

test('a tenant is given limits of itself and of its users, by channel', async () => {
  const limits = {
    sms: { tenant: { per_minute: 600 }, user: { per_day: 10 } },
    email: { user: { per_hour: 4, burst: 2 } },
  };
  const made = await api.server.post('/api/v1/tenants', { tenant_id: 'limited', settings: { limits } });
  expect([made.status, made.body.settings]).toEqual([201, { limits }]);
  const changed = await api.server.send('PATCH', '/api/v1/tenants/limited', { settings: { limits: null } });
  expect([changed.status, changed.body.settings]).toEqual([200, {}]);
  const wrong = await api.server.send('PATCH', '/api/v1/tenants/limited', {
    settings: { limits: { sms: { tenant: { per_minute: 0 } } } },
  });
  expect([wrong.status, JSON.stringify(wrong.body)]).toEqual([
    400,
    expect.stringContaining('/settings/limits/sms/tenant/per_minute'),
  ]);
  const unknown = await api.server.send('PATCH', '/api/v1/tenants/limited', {
    settings: { limits: { fax: { tenant: { per_minute: 1 } } } },
  });
  expect(unknown.status).toBe(400);
});
