import type { Pool } from 'pg';
import { findSender } from '../accounts/find-sender.ts';
import { FoldWorker } from '../analytics/fold-worker.ts';
import { ConnectorWorker } from '../connectors/worker.ts';
import type { OpenCircuit } from '../delivery/open-circuit.ts';
import type { KafkaStates } from '../health/kafka-check.ts';
import type { WorkLoop } from '../health/process-checks.ts';
import type { PrepareRetried } from '../ingest/retry-rejected.ts';
import { JobWorker } from '../jobs/job-worker.ts';
import { VERSION } from '../lib/package-version.ts';
import type { Millis } from '../model/event.ts';
import { BatchWorker } from '../notify/batches/batch-worker.ts';
import { RELEASE_POLL_MS, ReleaseWatcher } from '../releases/release-watcher.ts';
import type { SinkWorker } from '../sinks/sink-worker.ts';
import type { SourceWorker } from '../sources/source-worker.ts';
import { type ItemParts, toRetriedItem } from '../sources/to-item.ts';
import { TASKS_CHANNEL } from '../store/connectors/tasks.ts';
import { DELIVERIES_CHANNEL } from '../store/deliveries/delivery-queue.ts';
import { OUTBOX_CHANNEL } from '../store/kafka/outbox.ts';
import { toMetricPeriods } from '../store/metrics/counters.ts';
import type { Announcer } from '../store/pg/announcer.ts';
import { TIMERS_CHANNEL } from '../store/waits/waits.ts';
import { formatLocalTimeKey, nextOccurrence } from '../time/calendar.ts';
import { RetentionJob } from '../timers/retention.ts';
import { ScheduledDumps } from '../timers/scheduled-dumps.ts';
import { type DeferredStart, startWhenResumed } from '../timers/start-when-resumed.ts';
import { TenantKeeper } from '../timers/tenant-keeper.ts';
import { TimerWorker } from '../timers/worker.ts';
import { createDelivery } from './delivery.ts';
import { loadConnectors } from './load-connectors.ts';
import type { Providers } from './open-providers.ts';
import type { Parts } from './parts.ts';

/** Time in ms that a stop waits for sends under way; then they are aborted. */
const MAX_LAST_SENDS_MS = 3000;
/** Shortest lease of timers and jobs in ms. */
const MIN_LEASE_MS: Millis = 1000;

/** The workers of a process: they deliver, fire timers, and run jobs. */
export interface Workers {
  /** Starts what claims work; after a restore only when an operator resumes it. */
  start(): Promise<void>;
  listOpenCircuits(tenantId?: string | null): readonly OpenCircuit[];
  readonly loops: readonly WorkLoop[];
  /** Workers that read and write topics; null: Kafka is not configured. */
  readonly kafka: KafkaStates | null;
  readonly dumps: ScheduledDumps | null;
}

/** Makes the workers, which claim nothing before their start, and starts the scheduled dumps. */
export async function createWorkers(parts: Parts, providers: Providers, announcer: Announcer): Promise<Workers> {
  const { config, log, cleanup, database, clock, mayAct, seal, catalogs, pipeline } = parts;
  const pool = database.open('work');
  const databaseUrl = database.directUrl;
  const { worker, accounts } = await createDelivery(parts, providers, pool);
  const { poll } = config;
  const lease = Math.max(config.lease, MIN_LEASE_MS);
  const timers = new TimerWorker({
    pool,
    databaseUrl,
    pipeline,
    calendar: { next: nextOccurrence, label: formatLocalTimeKey },
    clock,
    mayAct,
    elapsed: () => performance.now(),
    log,
    rate: config.timerRate,
    lease,
    poll,
  });
  const installation = config.kafka ? config.tenant : undefined;
  const items = { pool, catalogs, installation, parseRequest };
  const prepare: PrepareRetried = (tenantId, item, original) => toRetriedItem(items, tenantId, item, original);
  const jobs = new JobWorker({ pool, pipeline, catalogs, seal, clock, log, lease, poll, prepare });
  const batches = new BatchWorker({ pool, pipeline, catalogs, seal, clock, mayAct, log, lease, poll });
  const connectors = new ConnectorWorker({
    ...{ pool, pipeline, catalogs, seal, clock, mayAct, random: Math.random, log, lease, poll },
    environment: config.connectors,
    load: loadConnectors(config, cleanup),
  });
  announcer.listen(TASKS_CHANNEL, () => connectors.wake());
  announcer.listen(DELIVERIES_CHANNEL, () => worker.wake());
  announcer.listen(TIMERS_CHANNEL, (dueAt) => timers.wake(dueAt));
  const sources = await createSources(parts, pool);
  const sinks = await createSinks(parts, pool);
  if (sinks) announcer.listen(OUTBOX_CHANNEL, () => sinks.wake());
  const folds = new FoldWorker({ pool, clock, log, periods: toMetricPeriods(config.retention) });
  const releases = new ReleaseWatcher({ pool, clock, log, periods: toMetricPeriods(config.retention) });
  const started: (() => Promise<void>)[] = [];
  const start = async () => {
    await worker.start();
    started.push(() => worker.stop(MAX_LAST_SENDS_MS));
    await timers.start();
    started.push(() => timers.stop());
    if (sources) {
      sources.start();
      started.push(() => sources.stop());
    }
    if (sinks) {
      sinks.start();
      started.push(() => sinks.stop());
    }
    batches.start();
    started.push(() => batches.stop());
    connectors.start();
    started.push(() => connectors.stop());
    releases.start();
    started.push(() => releases.stop());
    const keeper = new TenantKeeper({ pool, clock, log });
    keeper.start();
    started.push(() => keeper.stop());
    if (config.publicUrl !== null) {
      const { ReceiptChecker } = await import('../receipts/receipt-checker.ts');
      const findAccount = findSender(providers.providers, accounts);
      const checker = new ReceiptChecker({ pool, catalogs, seal, clock, log, findAccount });
      checker.start();
      started.push(() => checker.stop());
    }
    if (config.retentionAt === null) return;
    const retention = new RetentionJob({
      pool: database.direct,
      periods: config.retention,
      at: config.retentionAt,
      log,
    });
    retention.start();
    started.push(() => retention.stop());
  };
  let deferred: DeferredStart | undefined;
  const dumps =
    config.dumps &&
    new ScheduledDumps({ pool: database.pool, databaseUrl, seal, program: VERSION, log, ...config.dumps });
  dumps?.start();
  cleanup.push(() => dumps?.stop());
  const pausedSince = () => deferred?.pausedSince() ?? null;
  return {
    async start() {
      cleanup.push(async () => {
        await deferred?.stop();
        for (const stop of started.reverse()) await stop();
      });
      deferred = await startWhenResumed(pool, { poll, log, start });
      // Not paused after a restore: an operator may cancel what waits before it goes on.
      jobs.start();
      cleanup.push(() => jobs.stop());
      folds.start();
      cleanup.push(() => folds.stop());
    },
    listOpenCircuits: (tenantId) => worker.openCircuits(tenantId),
    loops: [
      { name: 'delivery', poll, idleTime: () => worker.idleTime, pausedSince },
      { name: 'timers', poll, idleTime: () => timers.idleTime, behind: () => timers.behind, pausedSince },
      { name: 'batches', poll, idleTime: () => batches.idleTime, pausedSince },
      {
        ...{ name: 'connectors', poll, idleTime: () => connectors.idleTime, pausedSince },
        findProblem: () => connectors.problem,
      },
      ...(sinks ? [{ name: 'sinks', poll, idleTime: () => sinks.idleTime, pausedSince }] : []),
      { name: 'jobs', poll, idleTime: () => jobs.idleTime },
      { name: 'metrics', poll, idleTime: () => folds.idleTime },
      { name: 'releases', poll: RELEASE_POLL_MS, idleTime: () => releases.idleTime, pausedSince },
    ],
    kafka: sources && sinks ? { getSources: () => sources.state, getSinks: () => sinks.state } : null,
    dumps,
  };
}

/** Makes what reads topics; undefined: Kafka is not configured, and nothing of it is loaded. */
async function createSources(parts: Parts, pool: Pool): Promise<SourceWorker | undefined> {
  const { config, log, clock, mayAct, catalogs, pipeline } = parts;
  const { kafka: settings, tenant, poll } = config;
  if (!settings) return undefined;
  const { SourceWorker } = await import('../sources/source-worker.ts');
  return new SourceWorker({ pool, pipeline, catalogs, clock, mayAct, log, settings, tenant, poll, parseRequest });
}

/** Makes what writes topics; undefined: Kafka is not configured, and nothing of it is loaded. */
async function createSinks(parts: Parts, pool: Pool): Promise<SinkWorker | undefined> {
  const { config, log, clock, mayAct, seal } = parts;
  const { kafka: settings, tenant, poll } = config;
  if (!settings) return undefined;
  const { SinkWorker } = await import('../sinks/sink-worker.ts');
  return new SinkWorker({ pool, seal, clock, mayAct, log, settings, tenant, poll });
}

/** The one definition of a request is that of HTTP, which is loaded with the first message that has one. */
const parseRequest: ItemParts['parseRequest'] = async (request) =>
  (await import('../http/parse-send-request.ts')).parseSendRequest(request);
