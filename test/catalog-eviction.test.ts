import { afterAll, beforeAll, expect, test } from 'vitest';
import { CatalogCache } from '../src/catalog/cache.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

const catalogFiles = (number: number) =>
  new Map([
    ['events.yaml', `events: { seen_${number}: {} }`],
    ['notifications.yaml', 'notifications: { N: { category: SYSTEM, channels: [internal] } }'],
    ['rules.yaml', `rules: { N: { on: seen_${number} } }`],
  ]);

let tidings: TestTidings;
beforeAll(async () => {
  tidings = await testTidings({}, catalogFiles(1));
  for (let version = 2; version <= 6; version++) await tidings.apply(catalogFiles(version));
});
afterAll(() => tidings.close());

test('compiled catalogs are evicted beyond a bound, the least recently used first', async () => {
  const cache = new CatalogCache(tidings.pool, { maxVersions: 3 });
  const first = await cache.getVersion(TENANT, 1);
  await cache.getVersion(TENANT, 2);
  await cache.getVersion(TENANT, 3);
  expect(await cache.getVersion(TENANT, 1)).toBe(first);
  await cache.getVersion(TENANT, 4);
  expect(cache.size).toBe(3);
  expect(await cache.getVersion(TENANT, 1)).toBe(first);
  for (let version = 1; version <= 6; version++)
    expect((await cache.getVersion(TENANT, version)).version).toBe(version);
  expect(cache.size).toBe(3);
  // Evicted, and compiled again when it is asked for.
  const again = await cache.getVersion(TENANT, 1);
  expect(again).not.toBe(first);
  expect(again.rules.byName.has('N')).toBe(true);
});

test('a version that cannot be loaded is not kept', async () => {
  const cache = new CatalogCache(tidings.pool, { maxVersions: 3 });
  await expect(cache.getVersion(TENANT, 99)).rejects.toThrow('catalog version 99 is not stored');
  expect(cache.size).toBe(0);
});
