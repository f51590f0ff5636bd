import { afterEach, expect, test } from 'vitest';
import { type RoutedTidings, routedTidings } from './support/routes.ts';
import { TENANT } from './support/tidings.ts';

/** A tenant whose account answers slowly, and has more messages than it can hand over. */

let routed: RoutedTidings | undefined;
afterEach(() => routed?.close());

test('deliveries beyond the room of a slow account stay in the queue as they are, and are sent once it answers', async () => {
  let release = () => {};
  const answered = new Promise<void>((resolve) => {
    release = resolve;
  });
  let calls = 0;
  const slow = {
    account: 'slow',
    tenantId: TENANT,
    concurrency: 2,
    send: async () => {
      calls++;
      await answered;
      return { kind: 'sent' } as const;
    },
  };
  routed = await routedTidings({ accounts: [slow] });
  const { pool } = routed.tidings.database;
  await pool.query(
    `insert into provider_accounts (tenant_id, account, provider, channels, settings, place, operation_id)
     select $1, 'slow', 'log', array['email'], '{}', 1, gen_random_uuid()`,
    [TENANT],
  );
  await routed.post('mail', 300);
  await routed.worker();
  await expect.poll(() => calls).toBe(2);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const count = async () => {
    const { rows } = await pool.query(
      `select sum(fence)::int as claims, count(*) filter (where status = 'sent')::int as sent from deliveries`,
    );
    return rows[0];
  };
  const before = await count();
  for (let times = 0; times < 5; times++) {
    routed.tidings.clock.now += 5000;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  expect((await count()).claims).toBe(before.claims);
  release();
  routed.tidings.clock.now += 10_000;
  await expect.poll(async () => (await count()).sent, { timeout: 20_000 }).toBe(300);
}, 60_000);
