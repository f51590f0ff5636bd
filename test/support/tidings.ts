import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LRUCache } from 'lru-cache';
import type pg from 'pg';
import pino, { type Logger } from 'pino';
import { testTemplates } from '../../src/authoring/load-test-template.ts';
import { CatalogCache } from '../../src/catalog/cache.ts';
import type { CatalogFiles } from '../../src/catalog/catalog-files.ts';
import { loadCatalogFiles } from '../../src/catalog/load/load-catalog-files.ts';
import { validateCatalogFiles } from '../../src/catalog/load-valid-catalog.ts';
import type { Provider } from '../../src/channels/provider.ts';
import { DeliveryWorker, type DeliveryWorkerOptions } from '../../src/delivery/worker.ts';
import { Pipeline } from '../../src/ingest/pipeline.ts';
import type { EventResult } from '../../src/ingest/results.ts';
import { JobWorker, type JobWorkerOptions } from '../../src/jobs/job-worker.ts';
import { startJob } from '../../src/jobs/start-job.ts';
import type { CatalogData } from '../../src/model/catalog.ts';
import { CHANNELS, type Channel } from '../../src/model/delivery.ts';
import type { Millis } from '../../src/model/event.ts';
import { systemActor } from '../../src/model/principal.ts';
import { BatchWorker, type BatchWorkerOptions } from '../../src/notify/batches/batch-worker.ts';
import { documentRow, openDocument } from '../../src/privacy/documents.ts';
import { Seal } from '../../src/privacy/seal.ts';
import type { BacktestReport } from '../../src/simulate/backtest/backtest.ts';
import { runBacktest } from '../../src/simulate/backtest/run-backtest.ts';
import { applyCatalog } from '../../src/store/apply-catalog.ts';
import { lockUsers } from '../../src/store/facts/facts.ts';
import { type JobView, loadJob } from '../../src/store/jobs/jobs.ts';
import { Partitions } from '../../src/store/pg/partitions.ts';
import { openPool, type Timeouts } from '../../src/store/pg/pool.ts';
import { TenantProfiles } from '../../src/tenants/tenant-profiles.ts';
import { formatLocalTimeKey, nextOccurrence } from '../../src/time/calendar.ts';
import { TimerWorker, type TimerWorkerOptions } from '../../src/timers/worker.ts';
import { type TestDatabase, testDatabase } from './database.ts';

export const TENANT = 'default';
export const FINTECH = fileURLToPath(new URL('../../examples/fintech', import.meta.url));
export const silent = pino({ level: 'silent' });

/** The parts that a process does not share with others. */
export interface TestProcess {
  readonly pool: pg.Pool;
  readonly pipeline: Pipeline;
  ingest(items: readonly unknown[]): Promise<readonly EventResult[]>;
  /** Starts the worker of waits and schedules. By default it is not limited in pace: it fires all that is due. */
  timers(options?: Partial<TimerWorkerOptions>): Promise<TimerWorker>;
}

export interface TestTidings extends TestProcess {
  readonly database: TestDatabase;
  readonly catalogs: CatalogCache;
  readonly seal: Seal;
  /** The encryption key, in base64. */
  readonly key: string;
  readonly clock: { now: number };
  readonly providers: Map<Channel, Provider>;
  /** Makes a catalog the active one; returns its version. */
  apply(source: CatalogFiles | CatalogData): Promise<number>;
  /** Starts a delivery worker. By default it polls every 20 ms, so that it notices that the clock was moved. */
  worker(options?: Partial<DeliveryWorkerOptions>): Promise<DeliveryWorker>;
  /** Starts a worker of jobs. `stopJobs` and `close` stop it. */
  jobs(options?: Partial<JobWorkerOptions>): JobWorker;
  stopJobs(): Promise<void>;
  /** Starts a worker of batches. Stopping it twice does no harm; `close` stops it. */
  batches(options?: Partial<BatchWorkerOptions>): BatchWorker;
  /** Stops the delivery workers, aborting their sends after `grace` ms. `close` stops them as well. */
  stopWorkers(grace?: Millis): Promise<void>;
  /** Starts another process on the same database, by the same clock. `close` ends it. */
  startProcess(options?: { url?: string; timeouts?: Partial<Timeouts>; maxFuture?: Millis }): TestProcess;
  /** Fires the due waits of these users; returns how many fired. */
  fireDueWaits(userIds: readonly string[]): Promise<number>;
  /** Runs a scheduled rule for these users, as due now; returns the number of users. */
  runSchedule(rule: string, label: string, userIds: readonly string[]): Promise<number>;
  /** Runs a job over the pending waits of a rule; resolves when it has ended. */
  runWaitJob(
    action: 'waits.migrate' | 'waits.cancel' | 'waits.retry' | 'waits.dismiss' | 'waits.fire',
    rule: string,
  ): Promise<JobView>;
  /** Holds the locks of these users, as a batch that decides about them does, until `release`, which commits. */
  holdUsers(userIds: readonly string[]): Promise<{ connection: pg.PoolClient; release: () => Promise<void> }>;
  /** Backtests the past since then up to now, against itself or against a candidate. */
  backtest(since: Millis, candidate?: CatalogData): Promise<BacktestReport>;
  /** Stops everything that was started, and drops the database. */
  close(): Promise<void>;
}

const TEST_JOB = { actor: systemActor('test'), name: null, patch: null, perSecond: null, key: null };

/** The parts of one process on a private database, with a clock of its own and the fintech catalog. */
export async function testTidings(
  providers: { readonly [channel in Channel]?: Provider } = {},
  source?: CatalogFiles | CatalogData,
  log: Logger = silent,
): Promise<TestTidings> {
  const database = await testDatabase();
  const { pool } = database;
  const clock = { now: Date.parse('2025-11-20T12:00:00Z') };
  const key = randomBytes(32);
  const seal = new Seal(key);
  const byChannel = new Map<Channel, Provider>();
  for (const channel of CHANNELS) {
    const provider = providers[channel];
    if (provider) byChannel.set(channel, provider);
  }
  const timerWorkers: TimerWorker[] = [];
  const deliveryWorkers: DeliveryWorker[] = [];
  const jobWorkers: JobWorker[] = [];
  const batchWorkers: BatchWorker[] = [];
  const otherPools: pg.Pool[] = [];
  let workersMade = 0;

  const buildProcess = (own: pg.Pool, url: string, ownLog: Logger, maxFuture?: Millis) => {
    const catalogs = new CatalogCache(own);
    const partitions = new Partitions(own);
    const pipeline = new Pipeline({
      pool: own,
      catalogs,
      partitions,
      seal,
      clock: () => clock.now,
      log: ownLog,
      ...(maxFuture !== undefined && { maxFuture }),
    });
    return {
      pool: own,
      pipeline,
      catalogs,
      ingest: (items: readonly unknown[]) => pipeline.ingest(TENANT, items),
      async timers(options: Partial<TimerWorkerOptions> = {}) {
        const worker = new TimerWorker({
          pool: own,
          databaseUrl: url,
          pipeline,
          calendar: { next: nextOccurrence, label: formatLocalTimeKey },
          clock: () => clock.now,
          elapsed: () => performance.now(),
          log: silent,
          rate: 100_000,
          poll: 20,
          ...options,
        });
        timerWorkers.push(worker);
        await worker.start();
        return worker;
      },
    };
  };
  const first = buildProcess(pool, database.url, log);
  const pipelines = [first.pipeline];
  const { pipeline, catalogs } = first;

  const tidings: TestTidings = {
    ...first,
    database,
    seal,
    key: key.toString('base64'),
    clock,
    providers: byChannel,
    async apply(given) {
      const data = 'rules' in given ? given : await validateOnce(given);
      const files = 'rules' in given ? {} : { files: given };
      const { version } = await applyCatalog(pool, TENANT, data, systemActor('test'), clock.now, files);
      await catalogs.refresh(TENANT);
      return version;
    },
    async worker(options = {}) {
      const worker = new DeliveryWorker({
        name: `worker ${++workersMade}`,
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
        getTenant: new TenantProfiles(pool).get,
        loadTestTemplate: testTemplates({ pool, catalogs }),
        ...options,
      });
      deliveryWorkers.push(worker);
      await worker.start();
      return worker;
    },
    jobs(options = {}) {
      const worker = new JobWorker({
        pool,
        pipeline,
        catalogs,
        seal,
        clock: () => clock.now,
        log: silent,
        poll: 20,
        ...options,
      });
      jobWorkers.push(worker);
      worker.start();
      return worker;
    },
    batches(options = {}) {
      const parts = { pool, pipeline, catalogs, seal, clock: () => clock.now, log: silent, poll: 20 };
      const worker = new BatchWorker({ ...parts, ...options });
      batchWorkers.push(worker);
      worker.start();
      return worker;
    },
    async stopJobs() {
      await Promise.all(jobWorkers.splice(0).map((worker) => worker.stop()));
    },
    async stopWorkers(grace) {
      for (const worker of deliveryWorkers.splice(0).reverse()) await worker.stop(grace);
    },
    startProcess({ url = database.url, timeouts = {}, maxFuture } = {}) {
      const own = openPool(url, { max: 5, name: 'another', timeouts });
      otherPools.push(own);
      const started = buildProcess(own, url, silent, maxFuture);
      pipelines.push(started.pipeline);
      return started;
    },
    fireDueWaits: (userIds) => pipeline.fireDueWaits(TENANT, userIds),
    runSchedule: (rule, label, userIds) =>
      pipeline.runSchedule(
        { tenantId: TENANT, rule, cron: '', zone: '', due: clock.now, label },
        userIds,
        async () => {},
      ),
    async runWaitJob(action, rule) {
      const request = { ...TEST_JOB, tenantId: TENANT, action, filter: { rule } };
      const { job } = await startJob({ pool, pipeline, catalogs, seal, clock: () => clock.now }, request);
      const worker = tidings.jobs();
      for (let last = job; ; last = (await loadJob(pool, TENANT, job.job_id)) as JobView) {
        if (last.ended_at !== null) return worker.stop().then(() => last);
        await sleep(20);
      }
    },
    async holdUsers(userIds) {
      const connection = await pool.connect();
      await connection.query('begin');
      await lockUsers(connection, TENANT, userIds);
      const release = async () => {
        await connection.query('commit');
        connection.release();
      };
      return { connection, release };
    },
    backtest: (since, candidate) =>
      runBacktest(pool, { tenantId: TENANT, candidate: candidate ?? null, since, until: clock.now + 1, seal }),
    async close() {
      await tidings.stopJobs();
      await Promise.all(batchWorkers.map((worker) => worker.stop()));
      await Promise.all(timerWorkers.map((worker) => worker.stop()));
      await tidings.stopWorkers();
      await Promise.all(pipelines.map((one) => one.drain()));
      await Promise.all(otherPools.map((own) => own.end()));
      await database.drop();
    },
  };
  fintech ??= loadCatalogFiles(FINTECH);
  await tidings.apply(source ?? (await fintech));
  return tidings;
}

let fintech: Promise<CatalogFiles> | undefined;

/** Catalogs of latest tests, by their files: most tests of a file have the same. */
const VALIDATED = new LRUCache<string, Promise<CatalogData>>({ max: 16 });

/** As `validateCatalogFiles`; the same files are looked at once. */
function validateOnce(files: CatalogFiles): Promise<CatalogData> {
  const key = JSON.stringify([...files]);
  const data = VALIDATED.get(key) ?? validateCatalogFiles(files);
  VALIDATED.set(key, data);
  return data;
}

/** A message as it is kept. */
export interface KeptMessage {
  readonly channel: string;
  readonly to_mask: string | null;
  readonly subject?: string;
  readonly text: string;
  readonly html?: string;
}

/** Opens all messages that are kept, in order of the due times of their deliveries. */
export async function keptMessages({ database, seal }: TestTidings): Promise<KeptMessage[]> {
  const { rows } = await database.pool.query(
    `select tenant_id, notification_id, channel, to_mask, sealed
     from messages join deliveries using (tenant_id, notification_id, channel, target) order by due_at, notification_id, channel`,
  );
  return rows.map(({ tenant_id, notification_id, channel, to_mask, sealed }) => {
    const message = openDocument(seal, sealed, documentRow('messages', tenant_id, notification_id, channel, ''));
    return { channel, to_mask, ...(message as unknown as Pick<KeptMessage, 'text'>) };
  });
}
