import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startAccounts, type TestAccounts } from './support/accounts.ts';

/** Accounts of tenants as deliveries use them: opened lazily, changed under way, closed when nothing is under way. */

let accounts: TestAccounts;

beforeEach(async () => {
  accounts = await startAccounts();
});
afterEach(() => accounts.close());

test('a tenant without accounts costs one look-up, and uses that of the installation', async () => {
  for (let times = 0; times < 5; times++) expect(await accounts.list('email')).toEqual([]);
  expect(accounts.lookUps()).toBe(1);
});

test('the accounts of a channel come in order of choice; disabled ones and those of other channels do not', async () => {
  await accounts.save('second', { place: 2 });
  await accounts.save('first', { place: 1 });
  await accounts.save('off', { place: 1, enabled: false });
  await accounts.save('texts', { provider: 'courier', channels: ['sms'], settings: { auth_token: 'pk_test_1' } });
  expect((await accounts.list('email')).map(({ account }) => account)).toEqual(['first', 'second']);
  expect((await accounts.list('sms')).map(({ account, name }) => [account, name])).toEqual([['texts', 'courier']]);
  expect(await accounts.list('push')).toEqual([]);
});

test('an account is opened once, also if several deliveries need it at once', async () => {
  await accounts.save('main');
  const found = await Promise.all([accounts.list('email'), accounts.list('email'), accounts.list('email')]);
  expect(new Set([...found.flat(), ...(await accounts.list('email'))]).size).toBe(1);
  // Without a promise, once the notification of its change has arrived.
  await expect.poll(() => accounts.list('email') instanceof Promise).toBe(false);
});

test('a change is noticed by the notification, and what is under way by the old account ends first', async () => {
  await accounts.save('main');
  const [before] = await accounts.list('email');
  const { sent, release } = await accounts.startSend(before!);
  await accounts.save('main', { settings: { ip_pool: 'other' } });
  await expect.poll(async () => (await accounts.list('email'))[0] !== before).toBe(true);
  const late = await accounts.send(before!);
  expect(late).toMatchObject({ kind: 'retry', of: 'message' });
  release();
  expect(await sent).toMatchObject({ kind: 'sent' });
});

test('an account that was deleted and made again under its name is another one', async () => {
  await accounts.save('main');
  const [before] = await accounts.list('email');
  await accounts.delete('main');
  await accounts.save('main');
  await expect.poll(async () => (await accounts.list('email'))[0] !== before).toBe(true);
});

test('an account that was disabled sends nothing more, and the installation takes over', async () => {
  await accounts.save('main');
  const [before] = await accounts.list('email');
  await accounts.save('main', { enabled: false });
  await expect.poll(async () => (await accounts.list('email')).length).toBe(0);
  expect(await accounts.send(before!)).toMatchObject({ kind: 'retry', of: 'message' });
});

test('a tenant whose only account cannot be opened gets an error, so that nothing goes by the installation', async () => {
  await accounts.save('broken', { place: 1 });
  await accounts.query(`update provider_accounts set sealed = 'broken' where account = 'broken'`);
  await expect(accounts.list('email')).rejects.toThrow(
    /account broken of the tenant default cannot be opened.*encryption key/,
  );
  // It is not tried again at once, and other channels are not concerned.
  await expect(accounts.list('email')).rejects.toThrow(/cannot be opened/);
  expect(await accounts.list('sms')).toEqual([]);
});

test('an account of a provider that is no longer known throws', async () => {
  await accounts.save('main');
  await accounts.query(`update provider_accounts set provider = 'pigeon'`);
  await expect(accounts.list('email')).rejects.toThrow(/no provider "pigeon"/);
});

test('a test tenant never has accounts', async () => {
  await accounts.save('main');
  expect(accounts.pool.list('default.test', 'email')).toEqual([]);
  expect(accounts.lookUps()).toBe(0);
});

test('of more accounts than may be open, the one used least recently is closed, and opened again when it is needed', async () => {
  await accounts.close();
  accounts = await startAccounts({ maxOpen: 2 });
  for (const [index, name] of ['a', 'b', 'c'].entries()) await accounts.save(name, { place: index + 1 });
  const first = await accounts.list('email');
  expect(first.map(({ account }) => account)).toEqual(['a', 'b', 'c']);
  // A delivery that waits for a slot of an account that was evicted is still sent by it.
  expect(await accounts.send(first[0]!)).toMatchObject({ kind: 'sent' });
  expect((await accounts.list('email')).map(({ account }) => account)).toEqual(['a', 'b', 'c']);
});

test('changes are noticed after the connection was lost', async () => {
  await accounts.save('main');
  const [before] = await accounts.list('email');
  await accounts.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = 'tidings wake-up' and datname = current_database()`,
  );
  await accounts.save('main', { settings: { ip_pool: 'other' } });
  await sleep(100);
  await expect.poll(async () => (await accounts.list('email'))[0] !== before, { timeout: 10_000 }).toBe(true);
});

test('an account of a tenant takes templates that are kept at its provider', async () => {
  await accounts.save('main');
  expect(await accounts.list('email')).toMatchObject([{ name: 'sendgrid', takesHosted: true }]);
});
