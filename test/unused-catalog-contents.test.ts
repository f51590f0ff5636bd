import { expect, test } from 'vitest';
import { useDatabase } from './support/database.ts';
import { periodsOf, RetentionRows } from './support/retention-rows.ts';

const database = useDatabase();
const rows = new RetentionRows(database);

async function addContent(hash: string, ...tenants: string[]): Promise<void> {
  await rows.pool.query(`insert into catalog_contents values ($1, '{}') on conflict do nothing`, [hash]);
  for (const tenant of tenants) {
    await rows.pool.query(
      `insert into catalogs (tenant_id, version, content_hash, applied_at, applied_by) values ($1, 1, $2, now(), 'test')`,
      [tenant, hash],
    );
  }
}

const hashes = async () =>
  (await rows.pool.query('select content_hash from catalog_contents order by 1')).rows.map((row) => row.content_hash);

test('contents of catalogs that no tenant has any longer are removed, and those in use stay', async () => {
  expect(Object.keys(periodsOf(30)).length).toBeGreaterThan(0);
  await addContent('shared', 'a', 'b');
  await addContent('own', 'c');
  for (let n = 0; n < 150; n++) await addContent(`unused ${n}`);
  await rows.run(30, { dryRun: true });
  expect((await hashes()).length).toBe(152);
  await rows.run(30);
  expect(await hashes()).toEqual(['own', 'shared']);
  await rows.pool.query(`delete from catalogs where tenant_id in ('a', 'c')`);
  await rows.run(30);
  expect(await hashes()).toEqual(['shared']);
});
