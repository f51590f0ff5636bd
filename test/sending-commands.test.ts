import { beforeEach, expect, test, vi } from 'vitest';
import { ROOT_KEY } from './support/api-keys.ts';
import { runCommand } from './support/cli.ts';
import { useTenants } from './support/tenants.ts';

/** `tidings sending` and `tidings routes`, of one tenant of several. */

const api = useTenants();

beforeEach(() => {
  vi.stubEnv('TIDINGS_URL', api.server.url);
  vi.stubEnv('TIDINGS_API_KEY', ROOT_KEY);
});

const print = async (...args: string[]) => (await runCommand(...args)).text;
const parse = async (...args: string[]) => JSON.parse(await print(...args, '--json'));

test('an operator sees the accounts, limits and routes of the tenant, and nothing of another one', async () => {
  await api.create('shop');
  await api.create('bank');
  for (const tenant of ['shop', 'bank']) {
    const { status } = await api.server.send(
      'POST',
      '/api/v1/provider-accounts',
      {
        account: `${tenant}_mail`,
        provider: 'smtp',
        settings: { url: 'smtp://mail.invalid:25', from: 'test@example.com' },
        limits: { per_day: 100 },
      },
      { authorization: `Bearer ${ROOT_KEY}`, 'x-tidings-tenant': tenant },
    );
    expect(status).toBe(201);
  }
  const { pool } = api.tidings.database;
  await pool.query(
    `insert into rate_limits (limit_id, taken_until)
     select 'account ' || tenant || '/' || tenant || '_mail per_day', extract(epoch from now()) * 1000 + 86400000 + 1000
     from unnest(array['shop']) as tenant`,
  );
  await pool.query(
    `insert into circuits (circuit_id, tenant_id, account, provider, code, cause, since, open_until, pause_ms)
     values ('bank/bank_mail', 'bank', 'bank_mail', 'smtp', 'failures', 'it is down', now(), now() + interval '1 minute', 1000)`,
  );
  expect(await print('sending', '--tenant', 'shop')).toBe(
    'account shop_mail (smtp)  in use  per_day 100 (0 free now)\nNo email is paused.',
  );
  expect(await print('sending', '--tenant', 'bank')).toMatch(
    /^account bank_mail \(smtp\) {2}circuit open since .*: it is down {2}per_day 100 \(100 free now\)\nNo email is paused\.$/,
  );
  expect(await print('routes', '--tenant', 'shop')).toBe(
    'email (by the places of the accounts)\n  shop_mail (smtp)  tier 1, weight 1; 100% of the messages now',
  );
  expect(await print('routes', '--tenant', 'bank')).toContain(
    '0% of the messages now; 100% wait for it; circuit open: it is down',
  );
  await pool.query(
    `insert into route_moves values ('shop', 'email', 'shop_mail', 10, '2025-11-20T11:00:00Z', '2025-11-20T11:00:00Z', 'it was down')`,
  );
  expect(await print('routes', '--tenant', 'shop')).toContain(
    '; keeps 10% since 2025-11-20T11:00:00.000Z: it was down',
  );
  await pool.query('update route_moves set share = 100');
  expect(await print('routes', '--tenant', 'shop')).toContain(
    '; has all of its messages again since 2025-11-20T11:00:00.000Z, after: it was down',
  );
  expect(await parse('routes', '--tenant', 'default')).toEqual({ routes: [] });
  expect(await print('routes', '--tenant', 'default')).toBe('Messages go by the accounts of the installation.');
});
