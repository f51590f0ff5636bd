import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ChannelLanes, shareOut } from '../src/delivery/lanes.ts';
import { claimDeliveries } from '../src/store/deliveries/claim.ts';
import { useDatabase } from './support/database.ts';
import { deliveryCatalog, eventOf, useDeliveries } from './support/deliveries.ts';
import { DELIVERED, fakeProvider } from './support/providers.ts';

/** Order and fairness of deliveries while more is due than can be sent. */

const database = useDatabase();
const start = useDeliveries();
const NOW = Date.parse('2026-01-10T12:00:00Z');

const INSERT = `
with made as (
  insert into notifications (tenant_id, user_id, notification_id, notification_type, category, rule, decision_id,
    event_id, catalog_version, data, created_at)
  select $1, 'u', gen_random_uuid(), 'N', 'C', 'R', n::text, 'e', 1, '{}', now() from generate_series(1, $4::int) as n
  returning notification_id
)
insert into deliveries (tenant_id, notification_id, channel, target, priority, user_id, notification_type, due_at, retry_until,
  in_doubt_policy, created_at)
select $1, notification_id, $5, $6, $2, 'u', 'N', $3::timestamptz, 'infinity', 'resend', now() from made`;

interface Rows {
  readonly tenant: string;
  readonly count: number;
  readonly priority?: number;
  readonly dueAt?: number;
  readonly channel?: string;
  readonly target?: string;
}

async function add({ tenant, count, priority = 2, dueAt = NOW, channel = 'email', target = '' }: Rows): Promise<void> {
  const values = [tenant, priority, new Date(dueAt), count, channel, target];
  await database().pool.query(INSERT, values);
}

/** Claims as a worker does, until nothing is due; returns the lanes of each claim. */
async function claimAll(count: number, channel: 'email' | 'webhook' = 'email'): Promise<string[][]> {
  const { pool } = database();
  const lanes = new ChannelLanes(pool, channel, () => NOW + 1);
  const claims: string[][] = [];
  for (;;) {
    const wants = await lanes.chooseWants(count);
    if (wants.length === 0) return claims;
    const claimed = await claimDeliveries(pool, 'w', wants, NOW + 1, 60_000);
    expect(claimed.length).toBeLessThanOrEqual(count);
    const names = claimed.map(({ tenantId, target, priority }) => `${tenantId}${target && `/${target}`} ${priority}`);
    for (const want of wants) {
      const name = `${want.lane?.name} ${want.lane?.priority}`;
      lanes.report(want, names.filter((one) => one === name).length);
    }
    if (claimed.length > 0) claims.push(names);
    if (claims.length > 1000) throw new Error('the claims do not end');
  }
}

const countOf = (claim: readonly string[] | undefined, lane: string) => claim?.filter((one) => one === lane).length;

test('each tenant has its share of every claim, however much another one has queued before it', async () => {
  await add({ tenant: 'flood', count: 3000, dueAt: NOW - 60_000 });
  await add({ tenant: 'a', count: 30 });
  await add({ tenant: 'b', count: 30 });
  const claims = await claimAll(30);
  expect(countOf(claims[0], 'a 2')).toBe(10);
  expect(countOf(claims[0], 'b 2')).toBe(10);
  expect(countOf(claims[0], 'flood 2')).toBe(10);
  expect(claims.flat().length).toBe(3060);
  const done = claims.findLastIndex((claim) => claim.some((lane) => lane !== 'flood 2'));
  expect(done).toBeLessThanOrEqual(3);
});

test('urgent deliveries are claimed before others that have been due for longer, which keep a share', async () => {
  await add({ tenant: 'flood', count: 2000, priority: 3, dueAt: NOW - 60_000 });
  await add({ tenant: 'flood', count: 40, priority: 0 });
  await add({ tenant: 'a', count: 40, priority: 1 });
  const [first, second] = await claimAll(40);
  expect(countOf(first, 'flood 0')).toBe(30);
  expect(countOf(first, 'a 1')).toBe(5);
  expect(countOf(first, 'flood 3')).toBe(5);
  expect(countOf(second, 'flood 0')).toBe(10);
});

test('one endpoint of a tenant does not wait for another', async () => {
  await add({ tenant: 't', count: 500, channel: 'webhook', target: 'slow', dueAt: NOW - 60_000 });
  await add({ tenant: 't', count: 5, channel: 'webhook', target: 'quick' });
  const [first] = await claimAll(10, 'webhook');
  expect(countOf(first, 't/quick 2')).toBe(5);
});

test('more lanes than one search finds have their turn one after the other', async () => {
  const { pool } = database();
  await pool.query(
    `insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, due_at, retry_until,
       in_doubt_policy, created_at)
     select 'tenant ' || n, gen_random_uuid(), 'sms', 'u', 'N', $1, 'infinity', 'resend', now() from generate_series(1, 1200) as n`,
    [new Date(NOW)],
  );
  const lanes = new ChannelLanes(pool, 'sms', () => NOW + 1);
  const seen = new Set<string>();
  await expect
    .poll(
      async () => {
        for (const { lane } of await lanes.chooseWants(600)) seen.add(lane?.name ?? '');
        return seen.size;
      },
      { timeout: 20_000 },
    )
    .toBe(1200);
});

test('shares add up to what was asked for, and each lane has its turn', () => {
  const lanes = fc.array(fc.record({ priority: fc.nat(3), name: fc.string() }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(lanes, fc.integer({ min: 1, max: 200 }), (all, count) => {
      const turns = Array.from({ length: 400 }, (_, turn) => shareOut(all, count, turn));
      for (const shares of turns) {
        expect(shares.reduce((sum, share) => sum + share.count, 0)).toBe(count);
        expect(shares.every((share) => share.count > 0)).toBe(true);
      }
      const urgent = Math.min(...all.map(({ priority }) => priority));
      const served = new Set(turns.flat().map(({ lane }) => lane));
      for (const lane of all) if (lane.priority === urgent) expect(served).toContain(lane);
    }),
    { numRuns: 50 },
  );
});

test('an urgent message is handed over while slow ones fill a provider and thousands wait', async () => {
  const open: (() => void)[] = [];
  const provider = fakeProvider(
    ({ notificationType }) =>
      notificationType === 'URGENT' ? DELIVERED : new Promise((resolve) => open.push(() => resolve(DELIVERED))),
    { concurrency: 8 },
  );
  const tidings = await start({ sms: provider });
  await tidings.apply(
    deliveryCatalog({
      'events.yaml': 'events: { news: {}, alarm: {}, mail: {}, held: {}, text: {}, alert: {}, listed: {} }',
      'notifications.yaml': `notifications:
  NEWS: { category: MARKETING, channels: [sms] }
  URGENT: { category: SECURITY, channels: [sms] }
  MAIL: { category: TRANSACTIONAL, channels: [email], give_up_after: 1h }
  HELD: { category: TRANSACTIONAL, channels: [email], in_doubt: hold }
  TEXT: { category: TRANSACTIONAL, channels: [sms] }
  ALERT: { category: SECURITY, channels: [internal] }
  LISTED: { category: TRANSACTIONAL, channels: [email] }`,
      'rules.yaml': 'rules: { NEWS: { on: news }, URGENT: { on: alarm } }',
      'templates/NEWS/sms.en.txt': 'News',
      'templates/URGENT/sms.en.txt': 'Urgent',
    }),
  );
  const traits = { phone: '+15550100' };
  await tidings.ingest(Array.from({ length: 400 }, (_, n) => eventOf('news', { user: `u${n}`, traits })));
  await tidings.worker();
  await expect.poll(() => open.length).toBe(7);
  await tidings.ingest([eventOf('alarm', { traits })]);
  await expect.poll(() => provider.calls.some(({ notificationType }) => notificationType === 'URGENT')).toBe(true);
  expect(open.length).toBe(7);
  for (const one of open) one();
});
