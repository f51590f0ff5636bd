import { afterAll, beforeAll, expect, test } from 'vitest';
import { CatalogCache } from '../src/catalog/cache.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

const files = (number: number) =>
  new Map([
    ['events.yaml', `events: { seen_${number}: {} }`],
    ['notifications.yaml', 'notifications: { N: { category: SYSTEM, channels: [internal] } }'],
    ['rules.yaml', `rules: { N: { on: seen_${number} } }`],
  ]);

let tidings: TestTidings;
beforeAll(async () => {
  tidings = await testTidings({}, files(1));
  for (let version = 2; version <= 40; version++) await tidings.apply(files(version));
  // Two hundred tenants have the first content, and a quiet one has a content of its own.
  await tidings.pool.query(
    `insert into catalogs (tenant_id, version, content_hash, applied_at, applied_by)
     select 'follower' || n, 7, content_hash, applied_at, applied_by
     from catalogs, generate_series(1, 200) as n where tenant_id = $1 and version = 1`,
    [TENANT],
  );
  await tidings.pool.query(`insert into catalog_contents select 'quiet', content from catalog_contents limit 1`);
  await tidings.pool.query(
    `insert into catalogs (tenant_id, version, content_hash, applied_at, applied_by) values ('quiet', 1, 'quiet', now(), 'test')`,
  );
});
afterAll(() => tidings.close());

test('tenants with the same content share what was compiled, each with its own version', async () => {
  const cache = new CatalogCache(tidings.pool);
  const all = await Promise.all([
    cache.getVersion(TENANT, 1),
    ...Array.from({ length: 200 }, (_, n) => cache.getVersion(`follower${n + 1}`, 7)),
  ]);
  expect(cache.compilations).toBe(1);
  expect(all.map(({ version, rules }) => [version, rules.version])).toEqual([[1, 1], ...Array(200).fill([7, 7])]);
  expect(new Set(all.map(({ rules }) => rules.byName)).size).toBe(1);
});

test('a tenant with many versions evicts its own, not those of another one', async () => {
  const cache = new CatalogCache(tidings.pool, { maxVersions: 5 });
  await cache.getVersion('quiet', 1);
  for (let version = 1; version <= 40; version++) await cache.getVersion(TENANT, version);
  expect([cache.compilations, cache.size]).toEqual([41, 5]);
  await cache.getVersion('quiet', 1);
  await cache.getVersion(TENANT, 40);
  expect(cache.compilations).toBe(41);
});

test('contents are bounded by their size, too', async () => {
  const cache = new CatalogCache(tidings.pool, { maxChars: 1 });
  for (let version = 1; version <= 5; version++) await cache.getVersion(TENANT, version);
  expect(cache.size).toBe(1);
});
