import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type PushTidings, pushTidings } from './support/push.ts';

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

test('a message that had no device goes to the first one that is registered, once', async () => {
  const push = await start();
  expect(await push.push('ann')).toMatchObject([{ status: 'undeliverable', reason_code: 'missing_device' }]);
  await push.register('ann', { token: 'the first' });
  await push.register('ann', { token: 'the second' });
  await expect.poll(() => listStatuses(push, 'ann'), { timeout: 10_000 }).toEqual(['sent']);
  await sleep(200);
  expect(push.sent.map(({ outgoing: { target } }) => target)).toMatchObject([{ token: 'the first' }]);
  const { rows } = await push.tidings.database.pool.query(
    `select reason from attempts where outcome = 'undeliverable'`,
  );
  expect(rows[0].reason).toContain('a device became known on');
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
