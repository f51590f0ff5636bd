import { afterEach, beforeEach, expect, test } from 'vitest';
import { startAccounts, type TestAccounts } from './support/accounts.ts';

/** One of several accounts of a tenant that cannot be opened. */

let accounts: TestAccounts;
beforeEach(async () => {
  accounts = await startAccounts();
  await accounts.save('broken', { place: 1 });
  await accounts.save('good', { place: 2 });
  await accounts.query(`update provider_accounts set sealed = 'broken' where account = 'broken'`);
});
afterEach(() => accounts.close());

test('it sends nothing and says why, and the others of its tenant are there', async () => {
  const [broken, good] = await accounts.list('email');
  expect([broken?.account, good?.account]).toEqual(['broken', 'good']);
  const outcome = await accounts.send(broken!);
  expect(outcome).toMatchObject({ kind: 'misconfigured', code: 'account_not_opened' });
  expect(outcome).toMatchObject({
    reason: expect.stringMatching(/^The account broken .* cannot be opened.*encryption key/),
  });
  expect(await accounts.send(good!)).toMatchObject({ kind: 'sent' });
  // The same one while it is not tried again, so that it has one slot and one circuit.
  expect((await accounts.list('email'))[0]).toBe(broken);
});

test('its messages go by the other accounts, and its circuit is open', async () => {
  const { tidings } = accounts;
  await tidings.ingest([
    {
      user_id: 'maria',
      event_type: 'signup_completed',
      event_timestamp: new Date(tidings.clock.now).toISOString(),
      properties: { device_type: 'mobile', signup_method: 'email' },
      user_traits: { email: 'maria@example.com', marketing_opt_in: true, country: 'PT' },
    },
  ]);
  const worker = await tidings.worker({ accounts: accounts.pool });
  const find = async () => {
    tidings.clock.now += 5000;
    const { rows } = await tidings.database.pool.query(
      `select status, account from deliveries where user_id = 'maria' and channel = 'email'`,
    );
    return rows[0];
  };
  await expect.poll(find, { timeout: 15_000 }).toMatchObject({ status: 'sent', account: 'good' });
  expect(worker.openCircuits()).toMatchObject([{ account: 'broken', of: 'account', code: 'misconfigured' }]);
});
