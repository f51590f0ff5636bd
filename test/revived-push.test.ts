import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { systemActor } from '../src/model/principal.ts';
import { claimDeliveries } from '../src/store/deliveries/claim.ts';
import type { ClaimedDelivery } from '../src/store/deliveries/claimed-delivery.ts';
import { retryDelivery } from '../src/store/deliveries/delivery-commands.ts';
import { settleDeliveries } from '../src/store/deliveries/settlements.ts';
import { spreadDelivery } from '../src/store/deliveries/spread.ts';
import { type PushTidings, pushTidings } from './support/push.ts';
import { missingOf } from './support/settlements.ts';
import { TENANT } from './support/tidings.ts';

/** Push messages to users without a device, who register one later. */

const open: PushTidings[] = [];
async function start(): Promise<PushTidings> {
  const push = await pushTidings([{ name: 'google' }]);
  open.push(push);
  return push;
}
afterEach(() => Promise.all(open.splice(0).map((one) => one.close())));

async function listStatuses(push: PushTidings, user: string): Promise<string[]> {
  const { rows } = await push.tidings.database.pool.query(
    `select status from deliveries where user_id = $1 order by created_at`,
    [user],
  );
  return rows.map(({ status }) => status);
}

/** Posts a push message to `ann` while no worker runs, and claims it. */
async function claimOne({ tidings, post }: PushTidings): Promise<ClaimedDelivery> {
  await tidings.stopWorkers();
  await post('ann');
  const { pool } = tidings.database;
  const [claimed] = await claimDeliveries(pool, 'worker', [{ channel: 'push', count: 1 }], tidings.clock.now, 30_000);
  return claimed as ClaimedDelivery;
}

function sentTokens(push: PushTidings): unknown[] {
  return push.sent.map(({ outgoing: { target } }) => ('token' in target ? target.token : target));
}

test('a message that had no device goes to the first one that is registered, once', async () => {
  const push = await start();
  expect(await push.push('ann')).toMatchObject([{ status: 'undeliverable', reason_code: 'missing_device' }]);
  await push.register('ann', { token: 'the first' });
  await push.register('ann', { token: 'the second' });
  await expect.poll(() => listStatuses(push, 'ann'), { timeout: 10_000 }).toEqual(['sent']);
  await sleep(200);
  expect(sentTokens(push)).toEqual(['the first']);
  const { rows } = await push.tidings.database.pool.query(
    `select reason from attempts where outcome = 'undeliverable'`,
  );
  expect(rows[0].reason).toContain('a device became known on');
});

test('it goes to the first device alone, however many are registered before a worker sends it', async () => {
  const push = await start();
  await push.push('ann');
  await push.tidings.stopWorkers();
  await push.register('ann', { token: 'the first' });
  await push.register('ann', { token: 'the second' });
  // The app starts again: the first device is seen last.
  push.tidings.clock.now += 1000;
  await push.register('ann', { token: 'the first' });
  await push.startWorker();
  await expect.poll(() => listStatuses(push, 'ann'), { timeout: 10_000 }).toEqual(['sent']);
  expect(sentTokens(push)).toEqual(['the first']);
  // A later message goes to both.
  await push.push('ann');
  expect(sentTokens(push).slice(1).sort()).toEqual(['the first', 'the second']);
});

test('it goes to the first device alone also if that is registered while the attempt without one is under way', async () => {
  const push = await start();
  const { tidings } = push;
  const { pool } = tidings.database;
  const claimed = await claimOne(push);
  await push.register('ann', { token: 'the first' });
  await settleDeliveries(pool, 'worker', [missingOf(claimed, 'missing_device')], tidings.clock.now);
  await push.register('ann', { token: 'the second' });
  await push.startWorker();
  await expect.poll(() => listStatuses(push, 'ann'), { timeout: 10_000 }).toEqual(['sent']);
  expect(sentTokens(push)).toEqual(['the first']);
});

test('a worker that has yet to look for devices sends to all that it finds', async () => {
  const push = await start();
  const { tidings } = push;
  const { pool } = tidings.database;
  const claimed = await claimOne(push);
  const devices = [await push.register('ann'), await push.register('ann')];
  expect(await spreadDelivery(pool, claimed, devices, true)).toBe(true);
  const { rows } = await pool.query('select target, status, reason_code, reason from deliveries order by target');
  expect(rows).toEqual(devices.sort().map((target) => ({ target, status: 'queued', reason_code: null, reason: null })));
});

test('one that is retried by command goes to all devices', async () => {
  const push = await start();
  const { tidings } = push;
  const { pool } = tidings.database;
  await push.push('ann');
  await pool.query('update deliveries set retry_until = created_at');
  await push.register('ann', { token: 'the first' });
  await push.register('ann', { token: 'the second' });
  const { rows } = await pool.query('select notification_id from deliveries');
  const id = { notificationId: rows[0].notification_id, channel: 'push', target: '' } as const;
  await retryDelivery(pool, TENANT, id, systemActor('test'), tidings.clock.now, 3_600_000);
  await expect.poll(() => listStatuses(push, 'ann'), { timeout: 10_000 }).toEqual(['sent', 'sent']);
  expect(sentTokens(push).sort()).toEqual(['the first', 'the second']);
});

test('the device of another user revives nothing', async () => {
  const push = await start();
  await push.push('ann');
  await push.register('ben');
  await sleep(200);
  expect(await listStatuses(push, 'ann')).toEqual(['undeliverable']);
});

test('a message that has expired, or whose retry time is over, is not revived', async () => {
  const push = await start();
  const { pool } = push.tidings.database;
  await push.push('ann');
  await pool.query(`update deliveries set expires_at = created_at`);
  await push.push('ben');
  await pool.query(`update deliveries set retry_until = created_at where user_id = 'ben'`);
  await push.register('ann');
  await push.register('ben');
  await sleep(200);
  expect(await listStatuses(push, 'ann')).toEqual(['undeliverable']);
  expect(await listStatuses(push, 'ben')).toEqual(['undeliverable']);
});

test('a message that another channel has taken over is not revived', async () => {
  const push = await start();
  const { pool } = push.tidings.database;
  await push.push('ann');
  await pool.query('update deliveries set step = 1');
  await pool.query(
    `insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, status, step, due_at, retry_until,
                             in_doubt_policy, created_at, finished_at)
     select tenant_id, notification_id, 'in_app', user_id, notification_type, 'sent', 2, due_at, retry_until, 'resend', created_at,
            created_at from deliveries`,
  );
  await push.register('ann');
  await sleep(200);
  expect((await listStatuses(push, 'ann')).sort()).toEqual(['sent', 'undeliverable']);
});
