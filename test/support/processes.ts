import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { Pool } from 'pg';
import { CatalogCache } from '../../src/catalog/cache.ts';
import { Pipeline, type PipelineParts } from '../../src/ingest/pipeline.ts';
import { Partitions } from '../../src/store/pg/partitions.ts';
import { openPool } from '../../src/store/pg/pool.ts';
import { sharedDatabase } from '../../src/store/pg/tenant-database.ts';
import { silent, TENANT, type TestTidings } from './tidings.ts';

/** Other processes on the database of a test. */

type Parts = Partial<Pick<PipelineParts, 'maxWaiting' | 'seal' | 'log' | 'cpu'>> & { readonly pool?: Pool };

/**
 * Returns the parts of another API process on the same database, or on that of `pool`. It has the clock of the first, and
 * a catalog cache of its own unless `catalogs` is given. Its workers would run in the first.
 */
export function otherProcess(
  tidings: TestTidings,
  { pool = tidings.database.pool, seal = tidings.seal, ...parts }: Parts = {},
  catalogs = new CatalogCache(pool),
): TestTidings {
  const pipeline = new Pipeline({
    pool,
    catalogs,
    seal,
    partitions: new Partitions(pool),
    clock: () => tidings.clock.now,
    log: silent,
    ...parts,
  });
  const ingest = (items: readonly unknown[]) => pipeline.ingest(TENANT, items);
  return {
    ...tidings,
    database: {
      ...tidings.database,
      pool,
      tenants: pool === tidings.database.pool ? tidings.database.tenants : sharedDatabase(pool),
    },
    pool,
    catalogs,
    seal,
    pipeline,
    ingest,
  };
}

/** Returns a pool of a server that does not exist: every query fails. */
export async function openUnreachablePool(): Promise<Pool> {
  const url = `postgres://tidings@127.0.0.1:${await findFreePort()}/unknown?sslmode=disable`;
  return openPool(url, { max: 1, name: 'test' });
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Returns the number of connections that wait for the lock of a user. */
export async function countLockWaits({ database }: TestTidings): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>(
    `select count(*) as count from pg_stat_activity where datname = current_database() and wait_event = 'advisory'`,
  );
  return rows[0]?.count ?? 0;
}
