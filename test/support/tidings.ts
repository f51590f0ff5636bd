import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import pino, { type Logger } from 'pino';
import { CatalogCache } from '../../src/catalog/cache.ts';
import type { CatalogFiles } from '../../src/catalog/catalog-files.ts';
import { loadCatalogFiles } from '../../src/catalog/load/load-catalog-files.ts';
import { validateCatalogFiles } from '../../src/catalog/load-valid-catalog.ts';
import type { Provider } from '../../src/channels/provider.ts';
import { DeliveryWorker } from '../../src/delivery/worker.ts';
import { Pipeline } from '../../src/ingest/pipeline.ts';
import { CHANNELS, type Channel } from '../../src/model/delivery.ts';
import { Seal } from '../../src/privacy/seal.ts';
import { applyCatalog } from '../../src/store/catalogs.ts';
import { Partitions } from '../../src/store/pg/partitions.ts';
import { formatLocalTimeKey, nextOccurrence } from '../../src/time/calendar.ts';
import { TimerWorker, type TimerWorkerOptions } from '../../src/timers/worker.ts';
import { type TestDatabase, testDatabase } from './database.ts';

export const TENANT = 'default';
export const FINTECH = fileURLToPath(new URL('../../examples/fintech', import.meta.url));
export const silent = pino({ level: 'silent' });

export interface TestTidings {
  readonly database: TestDatabase;
  readonly pipeline: Pipeline;
  readonly catalogs: CatalogCache;
  readonly seal: Seal;
  readonly clock: { now: number };
  readonly providers: Map<Channel, Provider>;
  apply(source: CatalogFiles): Promise<number>;
  /** Started; stopped by `close`. */
  worker(settings?: { lease?: number; poll?: number; name?: string }): Promise<DeliveryWorker>;
  close(): Promise<void>;
}

/** The parts of one process on a private database, with a clock of its own and the fintech catalog. */
export async function testTidings(
  providers: { readonly [channel in Channel]?: Provider } = {},
  source?: CatalogFiles,
  log: Logger = silent,
): Promise<TestTidings> {
  const database = await testDatabase();
  const { pool } = database;
  const clock = { now: Date.parse('2025-11-20T12:00:00Z') };
  const seal = new Seal(randomBytes(32));
  const catalogs = new CatalogCache(pool);
  const partitions = new Partitions(pool);
  const byChannel = new Map<Channel, Provider>();
  for (const channel of CHANNELS) {
    const provider = providers[channel];
    if (provider) byChannel.set(channel, provider);
  }
  const pipeline = new Pipeline({
    pool,
    catalogs,
    partitions,
    seal,
    clock: () => clock.now,
    log,
  });
  const workers: DeliveryWorker[] = [];
  const tidings: TestTidings = {
    database,
    pipeline,
    catalogs,
    seal,
    clock,
    providers: byChannel,
    async apply(given) {
      const { version } = await applyCatalog(pool, TENANT, await validateCatalogFiles(given), 'test', clock.now);
      await catalogs.setActive(TENANT, version);
      return version;
    },
    async worker(settings = {}) {
      const worker = new DeliveryWorker({
        name: `worker ${workers.length + 1}`,
        pool,
        databaseUrl: database.url,
        catalogs,
        seal,
        providers: byChannel,
        clock: () => clock.now,
        elapsed: () => clock.now,
        random: () => 0.5,
        log: silent,
        poll: 20,
        ...settings,
      });
      workers.push(worker);
      await worker.start();
      return worker;
    },
    async close() {
      for (const worker of workers) await worker.stop();
      await pipeline.drain();
      await database.drop();
    },
  };
  await tidings.apply(source ?? (await loadCatalogFiles(FINTECH)));
  return tidings;
}

/** Not started. Its pace is no matter here: it fires all that is due. */
export function timerWorker(
  { database, pipeline, clock }: Pick<TestTidings, 'database' | 'pipeline' | 'clock'>,
  parts: Partial<TimerWorkerOptions> = {},
): TimerWorker {
  return new TimerWorker({
    pool: database.pool,
    databaseUrl: database.url,
    pipeline,
    calendar: { next: nextOccurrence, label: formatLocalTimeKey },
    clock: () => clock.now,
    elapsed: () => performance.now(),
    log: silent,
    rate: 100_000,
    poll: 20,
    ...parts,
  });
}
