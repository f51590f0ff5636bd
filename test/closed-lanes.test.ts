import { expect, test } from 'vitest';
import type { SendOutcome } from '../src/model/delivery.ts';
import { useDeliveries } from './support/deliveries.ts';
import { type Answer, DELIVERED, fakeProvider } from './support/providers.ts';

/** Lanes whose accounts are down, beside one that works. */

const start = useDeliveries();
const WRONG: SendOutcome = { kind: 'misconfigured', reason: 'the key is wrong' };
const BROKEN = 300;
const HEALTHY = 60;

/** Queues deliveries of a tenant as they are, without notifications of their own. */
const INSERT = `
with made as (
  insert into notifications (tenant_id, user_id, notification_id, notification_type, category, rule, decision_id,
    event_id, catalog_version, data, created_at)
  select t, 'u', gen_random_uuid(), 'MAIL', 'TRANSACTIONAL', 'MAIL', t || n, 'e', $3, '{}', now()
  from unnest($1::text[], $2::int[]) as want(t, count) cross join lateral generate_series(1, count) as n
  returning tenant_id, notification_id
)
insert into deliveries (tenant_id, notification_id, channel, target, user_id, notification_type, due_at, retry_until,
  in_doubt_policy, created_at)
select tenant_id, notification_id, 'internal', '', 'u', 'MAIL', $4, $4::timestamptz + interval '1 h', 'resend', now() from made`;

test('many closed lanes take nothing from the share of one that works', async () => {
  const tidings = await start({ internal: fakeProvider() });
  const names = Array.from({ length: BROKEN }, (_, n) => `broken ${n}`);
  const tenants = [...names, 'healthy'];
  const { pool } = tidings.database;
  const accounts = new Map(
    tenants.map((tenantId) => {
      const answer: Answer = () => (tenantId === 'healthy' ? DELIVERED : WRONG);
      return [tenantId, fakeProvider(answer, { tenantId, account: 'main', concurrency: 100 })] as const;
    }),
  );
  await pool.query(INSERT, [
    tenants,
    tenants.map((name) => (name === 'healthy' ? HEALTHY : 20)),
    0,
    new Date(tidings.clock.now),
  ]);
  await pool.query(
    `insert into circuits (circuit_id, tenant_id, account, provider, code, cause, since, open_until, pause_ms)
     select t || '/main', t, 'main', 'fake', 'misconfigured', 'the key is wrong', $2, now() + interval '1 h', 60000
     from unnest($1::text[]) as t`,
    [names, new Date(tidings.clock.now)],
  );
  await tidings.worker({
    accounts: {
      list: (tenantId) => {
        const found = accounts.get(tenantId);
        return found ? [found] : [];
      },
    },
    limits: { internal: { tenant: { per_day: 1_000_000 } } },
  });
  const countHealthy = async () => {
    const { rows } = await pool.query(
      `select count(*)::int as n from deliveries where tenant_id = 'healthy' and finished_at is not null`,
    );
    return rows[0].n;
  };
  await expect.poll(countHealthy, { timeout: 5000 }).toBe(HEALTHY);
  const { rows } = await pool.query(
    `select coalesce(sum(fence), 0)::int as writes from deliveries where tenant_id <> 'healthy'`,
  );
  expect(rows).toEqual([{ writes: 0 }]);
}, 40_000);
