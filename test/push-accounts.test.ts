import { afterEach, expect, test } from 'vitest';
import { listDeadLetterGroups } from '../src/store/deliveries/dead-letters.ts';
import { type PushAccount, type PushTidings, pushTidings } from './support/push.ts';
import { TENANT } from './support/tidings.ts';

/** Which account of a channel sends to which device. */

const open: PushTidings[] = [];
async function start(...accounts: PushAccount[]): Promise<PushTidings> {
  const push = await pushTidings(accounts);
  open.push(push);
  return push;
}
afterEach(() => Promise.all(open.splice(0).map((one) => one.close())));

const FCM: PushAccount = { name: 'google', services: ['fcm'] };
const APNS: PushAccount = { name: 'apple', services: ['apns'] };
const WEB: PushAccount = { name: 'browsers', services: ['web_push'] };
const APPLE_DEVICE = {
  platform: 'ios',
  service: 'apns',
  environment: 'sandbox',
  secret: { token: 'a1b2c3d4' },
} as const;
const BROWSER = {
  platform: 'web',
  service: 'web_push',
  secret: { endpoint: 'https://push.example.com/1', p256dh: 'p', auth: 'a' },
} as const;

test('each device of a user is reached by the account that takes its token', async () => {
  const push = await start(FCM, APNS, WEB);
  await push.register('ann', { token: 'an android' });
  await push.register('ann', APPLE_DEVICE);
  await push.register('ann', BROWSER);
  expect((await push.push('ann')).map(({ status }) => status)).toEqual(['sent', 'sent', 'sent']);
  const targets = Object.fromEntries(push.sent.map(({ account, outgoing: { target } }) => [account, target]));
  expect(targets).toMatchObject({
    google: { kind: 'device', platform: 'android', token: 'an android' },
    apple: { kind: 'device', platform: 'ios', token: 'a1b2c3d4', environment: 'sandbox' },
    browsers: { kind: 'browser', endpoint: 'https://push.example.com/1', p256dh: 'p', auth: 'a' },
  });
});

test('an account without services takes every token', async () => {
  const push = await start({ name: 'any' });
  await push.register('ann', { token: 'an android' });
  await push.register('ann', BROWSER);
  expect((await push.push('ann')).map(({ status }) => status)).toEqual(['sent', 'sent']);
});

test('a token that no account takes is handed to none, and the delivery says so', async () => {
  const push = await start(FCM, WEB);
  await push.register('ann', APPLE_DEVICE);
  expect(await push.push('ann')).toMatchObject([{ status: 'dead', reason_code: 'rejected' }]);
  expect(push.sent).toEqual([]);
  expect(await push.devices('ann')).toMatchObject([{ retiredCode: null }]);
  const groups = await listDeadLetterGroups(push.tidings.pool, TENANT, null, 10, null);
  expect(groups.map(({ group }) => group)).toEqual([
    {
      fault: 'account',
      channel: 'push',
      provider: 'none',
      account: null,
      reasonCode: 'rejected',
      code: 'no_apns_account',
    },
  ]);
});

test('a user without a device cannot be reached, and not by a device of another tenant', async () => {
  const push = await start(FCM);
  await push.tidings.database.pool.query(
    `insert into devices (tenant_id, device_id, user_id, platform, service, app, sealed, hash, mask, registered_at, seen_at)
     values ('other', '01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e', 'ann', 'android', 'fcm', 'default', '', 'h', 'm', now(), now())`,
  );
  expect(await push.push('ann')).toMatchObject([{ status: 'undeliverable', reason_code: 'missing_device' }]);
});

test('a message that waits for a device is not sent to the user who has its token by then', async () => {
  let isBusy = true;
  const push = await start({
    ...FCM,
    answer: () => (isBusy ? { kind: 'retry', of: 'recipient', reason: 'busy' } : { kind: 'sent' }),
  });
  await push.register('ann', { token: 'shared tablet' });
  const pushed = push.push('ann');
  while (push.sent.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  await push.register('ben', { token: 'shared tablet' });
  isBusy = false;
  push.tidings.clock.now += 3_600_000;
  expect(await pushed).toMatchObject([{ status: 'undeliverable', reason_code: 'target_gone' }]);
  expect(push.sent).toHaveLength(1);
});
