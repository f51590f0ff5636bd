import { afterEach, beforeEach, expect, test } from 'vitest';
import { startAccounts, type TestAccounts } from './support/accounts.ts';

/** Deliveries of a tenant with accounts of its own, from the event to the provider. */

let accounts: TestAccounts;
let users = 0;

beforeEach(async () => {
  accounts = await startAccounts();
});
afterEach(() => accounts.close());

/** Ingests an event that sends an email; resolves to its user. */
async function signUp(): Promise<string> {
  const user = `user ${users++}`;
  const { tidings } = accounts;
  await tidings.ingest([
    {
      user_id: user,
      event_type: 'signup_completed',
      event_timestamp: new Date(tidings.clock.now).toISOString(),
      properties: { device_type: 'mobile', signup_method: 'email' },
      user_traits: { email: `maria${users}@example.com`, marketing_opt_in: true, country: 'PT' },
    },
  ]);
  return user;
}

async function findDelivery(user: string) {
  const { rows } = await accounts.tidings.database.pool.query(
    `select status, attempts, provider, account from deliveries where user_id = $1 and channel = 'email'`,
    [user],
  );
  return rows[0];
}

test('a delivery goes by the account of its tenant, and the delivery says which', async () => {
  await accounts.save('main');
  const user = await signUp();
  await accounts.tidings.worker({ accounts: accounts.pool });
  await expect
    .poll(() => findDelivery(user), { timeout: 10_000 })
    .toMatchObject({ status: 'sent', provider: 'sendgrid', account: 'main' });
});

test('a tenant without accounts sends by the installation', async () => {
  const user = await signUp();
  await accounts.tidings.worker({ accounts: accounts.pool });
  await expect
    .poll(() => findDelivery(user), { timeout: 10_000 })
    .toMatchObject({ status: 'sandboxed', provider: 'sandbox', account: null });
});

test('with an account that cannot be opened nothing is sent, no attempt is spent, and all goes on once it is corrected', async () => {
  await accounts.save('main');
  await accounts.query(`update provider_accounts set sealed = 'broken'`);
  const user = await signUp();
  await accounts.tidings.worker({ accounts: accounts.pool });
  await new Promise((resolve) => setTimeout(resolve, 500));
  const held = await findDelivery(user);
  expect(['queued', 'sending']).toContain(held.status);
  expect([held.provider, held.account]).toEqual([null, null]);
  await accounts.save('main');
  accounts.tidings.clock.now += 60_000;
  await expect
    .poll(() => findDelivery(user), { timeout: 15_000 })
    .toMatchObject({ status: 'sent', provider: 'sendgrid', account: 'main' });
});
