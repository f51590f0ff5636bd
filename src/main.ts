import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { CatalogCache } from './catalog/cache.ts';
import type { Catalog } from './catalog/compile/compile-catalog.ts';
import type { Config } from './config.ts';
import { buildHealth } from './health/build-health.ts';
import { checkPort, listenForProbes } from './http/listen.ts';
import { Pipeline } from './ingest/pipeline.ts';
import { makeOwnerLink } from './members/owner-link.ts';
import type { Channel } from './model/delivery.ts';
import type { Millis } from './model/event.ts';
import { Seal } from './privacy/seal.ts';
import { openApiDatabase, serveApi } from './process/api.ts';
import { CatalogDirectory } from './process/catalog-directory.ts';
import { Cleanup } from './process/cleanup.ts';
import { keepPartitions } from './process/keep-partitions.ts';
import { logClock, warnUnreadable } from './process/log-changes.ts';
import { followReplica, openDatabase } from './process/open-database.ts';
import { type OpenClient, openGuardedClient, openProviders } from './process/open-providers.ts';
import type { Parts } from './process/parts.ts';
import { createWorkers } from './process/workers.ts';
import { listAccountChannels } from './store/accounts.ts';
import { hasOtherOwner } from './store/members/members.ts';
import { checkEncryptionKey } from './store/metadata.ts';
import { Announcer } from './store/pg/announcer.ts';
import { DatabaseClock } from './store/pg/database-clock.ts';
import { openTelemetry } from './telemetry/telemetry.ts';
import { requireKnownTenant } from './tenants/known-tenant.ts';

export interface Roles {
  /** Serves HTTP and applies the catalog. */
  readonly api: boolean;
  /** Delivers, and fires timers. */
  readonly workers: boolean;
}

export interface Running {
  /** URL of the HTTP server; null without the api role. */
  readonly url: string | null;
  /** URL under which `/healthz/live` and `/healthz/ready` respond. */
  readonly healthUrl: string;
  readonly database: 'embedded' | 'external';
  /**
   * Makes a link that logs in an owner once; null: members need no login here, have their provider, or this process has no console.
   * Its reader is an owner: print it to a terminal only.
   */
  makeOwnerLink(): Promise<string | null>;
  /** The active catalog at start. */
  readonly catalog: Catalog;
  /** The label of each provider by which messages leave this machine, by its name. */
  readonly providerLabels: { readonly [provider: string]: string };
  /** Channels for which tenants have accounts of their own, at start. */
  readonly accountChannels: readonly Channel[];
  /**
   * Stops: responds to the requests under way, lets sends end, returns unstarted deliveries, and stops the embedded
   * database. A second call waits for the first.
   */
  stop(): Promise<void>;
}

/** Timeouts (ms) of the checks of probes, shorter than the time after which a check counts as failed. */
const HEALTH_TIMEOUTS = { query: 2500, statement: 2000, lock: 2000, idleInTransaction: 2000 };

/**
 * Starts a process with these roles: creates every part, in the order in which it is needed. If one fails, stops those
 * before it and throws.
 *
 * @param wallClock the clock of this machine, which is compared with that of the database
 * @param stopping aborted: what has begun is stopped, and nothing more is started
 * @param openClient for a process whose messages are to stay on this machine
 */
export async function run(
  roles: Roles,
  config: Config,
  log: Logger,
  wallClock: () => Millis = Date.now,
  stopping?: AbortSignal,
  openClient: OpenClient = openGuardedClient,
): Promise<Running> {
  const cleanup = new Cleanup(log);
  try {
    return await start(roles, config, log, wallClock, cleanup, openClient, stopping);
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}

async function start(
  roles: Roles,
  config: Config,
  log: Logger,
  wallClock: () => Millis,
  cleanup: Cleanup,
  openClient: OpenClient,
  stopping?: AbortSignal,
): Promise<Running> {
  const { host, port, healthPort, tenant } = config;
  if (roles.workers && config.kafka) (await import('./kafka/client.ts')).requireNode();
  if (roles.api) await checkPort(host, port);
  else if (healthPort !== null) await checkPort(host, healthPort, 'TIDINGS_HEALTH_PORT');

  const telemetry = await openTelemetry(config.telemetry, log);
  cleanup.push(() => telemetry.stop());
  const { writeMetrics } = telemetry;
  const opened = await openDatabase(config, log, cleanup);
  // The creation of a database takes longest.
  stopping?.throwIfAborted();
  const { pool, embedded } = opened;
  await requireKnownTenant(pool, tenant);
  const databaseClock = new DatabaseClock(pool, { wallClock, onChange: logClock(log) });
  await databaseClock.start();
  cleanup.push(() => databaseClock.stop());
  const { now: clock, isRight: mayAct } = databaseClock;
  // Workers read nothing that it may answer.
  const replica = roles.api ? await followReplica(config, opened, clock, log, cleanup) : null;
  const database = { ...opened, replica };
  const seal = new Seal([config.encryptionKey, ...config.otherEncryptionKeys], warnUnreadable(log));
  await checkEncryptionKey(pool, seal);
  const partitions = await keepPartitions(database.direct, clock, log, cleanup);
  stopping?.throwIfAborted();

  const providers = await openProviders(config, database, seal, clock, log, cleanup, openClient);
  const leaving = new Set([...providers.providers].flatMap(([channel, one]) => (one.isSubstitute ? [] : [channel])));
  let url: string | null = null;
  // As long as programs on this machine are its only callers, their URL is as good as a public one.
  const isLocal = roles.api && config.apiKeys.length === 0 && config.oidc === null;
  const readerUrl = () => config.publicUrl ?? (isLocal ? url : null);
  const hasReaderUrl = config.publicUrl !== null || isLocal;
  const catalogs = new CatalogCache(pool, hasReaderUrl ? {} : { unlinked: leaving });
  const directory = new CatalogDirectory({ pool, catalogs, config, clock, log });
  const announcer = new Announcer(pool);
  cleanup.push(() => announcer.flush());
  const { maxFuture } = config;
  const pipeline = new Pipeline({ pool, catalogs, partitions, seal, clock, announcer, maxFuture, log });
  const parts: Parts = {
    config,
    log,
    cleanup,
    database,
    clock,
    mayAct,
    seal,
    catalogs,
    pipeline,
    openClient,
    hasReaderUrl,
    readerUrl,
  };

  const workers = roles.workers ? await createWorkers(parts, providers, announcer) : undefined;
  const apiDatabase = roles.api ? await openApiDatabase(parts) : null;
  const state = { starting: true, stopping: false };
  const dataDir = embedded ? config.dataDir : null;
  const { pools } = database;
  const getClockOffset = databaseClock.offset;
  const health = buildHealth({
    pool: database.open('health', HEALTH_TIMEOUTS),
    pools,
    database: apiDatabase,
    dataDir,
    loadCatalogVersion: async () => (await catalogs.getActive(tenant)).version,
    findCatalogProblem: () => directory.problem,
    clock,
    getClockOffset,
    state,
    loops: workers?.loops ?? [],
    // Anyone may ask for health: tenants and their accounts are not in it.
    listOpenCircuits: () => workers?.listOpenCircuits(null) ?? [],
    dumps: workers?.dumps ?? null,
    kafka: workers?.kafka ?? null,
    replica,
  });
  const { loops = [], kafka } = workers ?? {};
  cleanup.push(
    await telemetry.watch({
      pool,
      pools,
      clock,
      getClockOffset,
      dataDir,
      loops,
      getSourceState: kafka?.getSources,
      replica,
    }),
  );

  if (apiDatabase !== null) {
    const { listOpenCircuits } = workers ?? {};
    url = await serveApi(parts, {
      database: apiDatabase,
      health,
      writeMetrics,
      leaving,
      providers: providers.providers,
      state,
      ...(listOpenCircuits ? { listOpenCircuits } : {}),
    });
    // Only now: a process that cannot serve changes nothing.
    await directory.follow(cleanup);
  }
  let healthUrl = url;
  if (healthUrl === null) {
    const server = await listenForProbes(health, host, healthPort, writeMetrics);
    cleanup.push(() => server.close());
    healthUrl = server.url;
  }
  await workers?.start();

  const catalog = await catalogs.refresh(tenant);
  state.starting = false;
  let stopped: Promise<void> | undefined;
  return {
    url,
    healthUrl,
    database: embedded ? 'embedded' : 'external',
    catalog,
    providerLabels: providers.labels,
    accountChannels: await listAccountChannels(pool),
    makeOwnerLink: async () =>
      apiDatabase !== null && url !== null && (await needsOwnerLink(apiDatabase.owner, config))
        ? makeOwnerLink(apiDatabase.owner, tenant, config.publicUrl ?? url, clock())
        : null,
    stop() {
      state.stopping = true;
      stopped ??= cleanup.run();
      return stopped;
    },
  };
}

/** Returns whether members log in, and can do so only by a link: there is no provider, or no owner who could use it. */
async function needsOwnerLink(owner: Pool, { apiKeys, oidc, tenant }: Config): Promise<boolean> {
  if (apiKeys.length === 0 && oidc === null) return false;
  return oidc === null || !(await hasOtherOwner(owner, tenant, null));
}
