import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { shareOut } from '../src/store/pg/queue-lanes.ts';
import { useDatabase } from './support/database.ts';
import { TENANT_QUEUES, TenantQueueUnderTest } from './support/tenant-queues.ts';

/** Queues of all tenants: while more is due than the workers take, tenants take turns. */

const database = useDatabase();
const START = Date.parse('2026-01-10T12:00:00Z');
const NOW = START + 60_000;

let queue: TenantQueueUnderTest;
afterEach(async () => {
  if (!queue.isOpen) return;
  await queue.run('truncate waits, schedules, outbox_events');
  await queue.run(`delete from tenants where tenant_id <> 'default'`);
  await queue.close();
});

const countOf = (claim: readonly string[], tenant: string) => claim.filter((one) => one === tenant).length;

describe.each(Object.keys(TENANT_QUEUES))('the queue of %s', (name) => {
  const open = () => {
    queue = new TenantQueueUnderTest(database(), name);
    return queue;
  };

  test('serves a tenant with little within two claims, however much another had due before', async () => {
    open();
    await queue.add(['flood'], 2000, START);
    await queue.add(['few'], 1, NOW);
    const claims = [await queue.claim(NOW, 50), await queue.claim(NOW, 50)];
    expect(claims.flat()).toContain('few');
  });

  test('divides a claim evenly among tenants, and leaves what one does not need to the others', async () => {
    open();
    await queue.add(['flood'], 2000, START);
    await queue.add(['a', 'b'], 60, NOW);
    await queue.claim(NOW, 1);
    const [first, second, third] = [await queue.claim(NOW, 90), await queue.claim(NOW, 90), await queue.claim(NOW, 90)];
    for (const claim of [first, second])
      for (const tenant of ['flood', 'a', 'b']) expect(Math.abs(countOf(claim, tenant) - 30)).toBeLessThanOrEqual(1);
    // At most one row of them is left.
    expect(countOf(third, 'flood')).toBeGreaterThanOrEqual(28);
    expect(countOf(await queue.claim(NOW, 90), 'flood')).toBe(90);
  });

  test('claims everything, once, and then in order of due time again', async () => {
    open();
    await queue.add(['a', 'b', 'c'], 70, START);
    const claimed: string[] = [];
    for (let claim = await queue.claim(NOW, 20); claim.length > 0; claim = await queue.claim(NOW, 20))
      claimed.push(...claim);
    for (const tenant of ['a', 'b', 'c']) expect(countOf(claimed, tenant)).toBe(70);
    expect(queue.lanesOf().isBehind).toBe(false);
    await queue.finish();
    await queue.add(['b'], 1, START + 1);
    await queue.add(['a'], 1, START + 2);
    queue.lanesOf().lower(START + 1);
    expect(await queue.claim(NOW, 20)).toEqual(['b', 'a']);
  });

  test('gives no turn to a tenant that is suspended, whose rows are held', async () => {
    open();
    await queue.add(['flood', 'held'], 500, START);
    await queue.add(['few'], 5, NOW);
    await queue.run(`update tenants set status = 'suspended', suspended_at = now() where tenant_id = 'held'`);
    await queue.run(`update ${TENANT_QUEUES[name]?.table} set claimed_until = '2500-01-01' where tenant_id = 'held'`);
    const claims = [await queue.claim(NOW, 20), await queue.claim(NOW, 20)];
    expect(countOf(claims.flat(), 'held')).toBe(0);
    expect(countOf(claims.flat(), 'few')).toBe(5);
  });

  test('lets several workers take different rows, and takes over those of a worker that is gone', async () => {
    open();
    await queue.add(['a', 'b'], 100, START);
    const claims = await Promise.all(Array.from({ length: 20 }, (_, n) => queue.claim(NOW, 10, `process ${n % 4}`)));
    const rest: string[] = [];
    for (let claim = await queue.claim(NOW, 10); claim.length > 0; claim = await queue.claim(NOW, 10))
      rest.push(...claim);
    expect(claims.flat().length + rest.length).toBe(200);
    const again = NOW + 60_001;
    const later: string[] = [];
    for (let claim = await queue.claim(again, 50, 'z'); claim.length > 0; claim = await queue.claim(again, 50, 'z'))
      later.push(...claim);
    expect(later).toHaveLength(200);
  });
});

test('each of 1,000 tenants has its turn, beside one with 50,000 due waits', async () => {
  queue = new TenantQueueUnderTest(database(), 'waits');
  const tenants = Array.from({ length: 1000 }, (_, n) => `tenant-${n}`);
  await queue.add(['flood'], 50_000, START);
  await queue.add(tenants, 3, NOW);
  const seen = new Set<string>();
  let ofFlood = 0;
  while (seen.size < 1001) {
    const claim = await queue.claim(NOW, 100);
    for (const tenant of claim) seen.add(tenant);
    ofFlood += countOf(claim, 'flood');
    if (ofFlood > 25_000) break;
  }
  expect(seen.size).toBe(1001);
}, 60_000);

test('tenants that have something due are served in turn, one after the other, by small claims', async () => {
  queue = new TenantQueueUnderTest(database(), 'waits');
  const tenants = Array.from({ length: 40 }, (_, n) => `tenant-${n}`);
  await queue.add(tenants, 10, START);
  await queue.claim(NOW, 1);
  const turns: string[] = [];
  for (let claim = 0; claim < 8; claim++) turns.push(...(await queue.claim(NOW, 5)));
  expect(new Set(turns).size).toBe(40);
});

test('large waits of one tenant do not fill the claims of all', async () => {
  queue = new TenantQueueUnderTest(database(), 'waits');
  await queue.add(['large'], 60, START);
  await queue.run(`update waits set state = json_build_object('text', repeat('x', 1000000))`);
  await queue.add(['small'], 5, NOW);
  await queue.claim(NOW, 10);
  expect(countOf(await queue.claim(NOW, 40), 'small')).toBe(5);
});

test('shares add up to what was asked for, differ by one at most, and go round', () => {
  const lanes = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(lanes, fc.integer({ min: 1, max: 100 }), (unordered, count) => {
      const names = [...unordered].sort();
      const total = new Map(names.map((name) => [name, 0]));
      let last = '';
      for (let claim = 0; claim < 40; claim++) {
        const shares = shareOut(names, count, last);
        last = shares.at(-1)?.lane ?? '';
        expect(shares.reduce((sum, share) => sum + share.count, 0)).toBe(count);
        for (const share of shares) total.set(share.lane, (total.get(share.lane) ?? 0) + share.count);
        const counts = [...total.values()];
        expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
      }
    }),
    { numRuns: 50 },
  );
});
