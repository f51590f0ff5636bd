import { afterEach, beforeEach, expect, test } from 'vitest';
import { startAccounts, type TestAccounts } from './support/accounts.ts';

/** Rate limits and circuits of the account of a tenant, from the event to the provider. */

let accounts: TestAccounts;

beforeEach(async () => {
  accounts = await startAccounts();
});
afterEach(() => accounts.close());

async function signUp(count: number): Promise<void> {
  const { tidings } = accounts;
  await tidings.ingest(
    Array.from({ length: count }, (_, n) => ({
      user_id: `user ${n}`,
      event_type: 'signup_completed',
      event_timestamp: new Date(tidings.clock.now).toISOString(),
      properties: { device_type: 'mobile', signup_method: 'email' },
      user_traits: { email: `maria${n}@example.com`, marketing_opt_in: true, country: 'PT' },
    })),
  );
}

async function countEmails(): Promise<{ [status: string]: number }> {
  const { rows } = await accounts.tidings.database.pool.query(
    `select status, count(*)::int as n, max(fence) as fence from deliveries where channel = 'email' group by 1`,
  );
  return Object.fromEntries(
    rows.flatMap(({ status, n, fence }) => [[status, n], ...(status === 'queued' ? [['fence', fence]] : [])]),
  );
}

test('an account sends no more than its limit; what waits is not written', async () => {
  await accounts.save('main', { limits: { per_day: 4 } });
  await signUp(9);
  await accounts.tidings.worker({ accounts: accounts.pool });
  // One of the four is kept for what is urgent.
  await expect.poll(countEmails, { timeout: 10_000 }).toEqual({ sent: 3, queued: 6, fence: 0 });
  await accounts.save('main', { limits: { per_day: 1000 } });
  await expect.poll(countEmails, { timeout: 10_000 }).toEqual({ sent: 9 });
});

test('a change of the account closes its circuit at once', async () => {
  await accounts.save('main');
  await accounts.query(
    `insert into circuits (circuit_id, tenant_id, account, provider, code, cause, since, open_until, pause_ms)
     select tenant_id || '/main', tenant_id, 'main', 'sendgrid', 'retry_after', 'busy', now(), now() + interval '1 h', 2000
     from provider_accounts`,
  );
  await signUp(1);
  const worker = await accounts.tidings.worker({ accounts: accounts.pool });
  await expect.poll(() => worker.openCircuits()).toMatchObject([{ provider: 'sendgrid', account: 'main' }]);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await countEmails()).toEqual({ queued: 1, fence: 0 });
  await accounts.save('main');
  await expect.poll(() => worker.openCircuits(), { timeout: 1000 }).toEqual([]);
  await expect.poll(countEmails, { timeout: 10_000 }).toEqual({ sent: 1 });
});
