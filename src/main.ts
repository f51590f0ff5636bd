import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { AccountPool } from './accounts/account-pool.ts';
import { openReceiptAccounts } from './accounts/find-receipt-account.ts';
import { findSender } from './accounts/find-sender.ts';
import { describeIgnored, openInstallation } from './accounts/installation.ts';
import { CatalogCache } from './catalog/cache.ts';
import type { Catalog } from './catalog/compile/compile-catalog.ts';
import { fingerprintCatalog, watchCatalog } from './catalog/load/watch-catalog.ts';
import { loadValidCatalog } from './catalog/load-valid-catalog.ts';
import { LazyFetchFiles } from './channels/email/lazy-fetch-files.ts';
import type { ProviderTools } from './channels/provider.ts';
import type { Config } from './config.ts';
import { deviceTargets } from './delivery/device-targets.ts';
import { keepInInbox } from './delivery/keep-in-inbox.ts';
import { messageLinks } from './delivery/message-links.ts';
import type { OpenCircuit } from './delivery/open-circuit.ts';
import { mapTargets } from './delivery/targets.ts';
import { DeliveryWorker } from './delivery/worker.ts';
import { startEmbedded } from './embedded/embedded.ts';
import { CatalogError } from './errors.ts';
import { buildHealth } from './health/build-health.ts';
import type { DirectoryProblem } from './health/catalog-check.ts';
import type { WorkLoop } from './health/process-checks.ts';
import { checkPort, listen, listenForProbes } from './http/listen.ts';
import type { GuardedClient } from './http-out/guarded-client.ts';
import { Pipeline } from './ingest/pipeline.ts';
import { JobWorker } from './jobs/job-worker.ts';
import { ROOT } from './lib/package-root.ts';
import { VERSION } from './lib/package-version.ts';
import { makeOwnerLink } from './members/owner-link.ts';
import type { Millis } from './model/event.ts';
import { Seal } from './privacy/seal.ts';
import { applyDirectory } from './store/apply-catalog.ts';
import { DELIVERIES_CHANNEL } from './store/deliveries/delivery-queue.ts';
import { InboxSignals } from './store/inbox/inbox-signals.ts';
import type { Applied } from './store/locked-catalog.ts';
import { hasOtherOwner } from './store/members/members.ts';
import { checkEncryptionKey } from './store/metadata.ts';
import { Announcer } from './store/pg/announcer.ts';
import { checkServerCapacity } from './store/pg/check-server.ts';
import { MAX_CONNECTIONS, PROCESS_CONNECTIONS } from './store/pg/connections.ts';
import { DatabaseClock } from './store/pg/database-clock.ts';
import { inspectSchema, migrate, requireMigrated } from './store/pg/migrate.ts';
import { openTenantDatabase } from './store/pg/open-tenant-database.ts';
import { Partitions } from './store/pg/partitions.ts';
import { openPool, type Timeouts } from './store/pg/pool.ts';
import { checkSessions } from './store/pg/session.ts';
import type { TenantDatabase } from './store/pg/tenant-database.ts';
import { TIMERS_CHANNEL } from './store/waits/waits.ts';
import { requireKnownTenant } from './tenants/known-tenant.ts';
import { TenantProfiles } from './tenants/tenant-profiles.ts';
import { formatLocalTimeKey, nextOccurrence } from './time/calendar.ts';
import { RetentionJob } from './timers/retention.ts';
import { ScheduledDumps } from './timers/scheduled-dumps.ts';
import { type DeferredStart, startWhenResumed } from './timers/start-when-resumed.ts';
import { TenantKeeper } from './timers/tenant-keeper.ts';
import { TimerWorker } from './timers/worker.ts';
import { EndpointTargets } from './webhooks/endpoint-targets.ts';

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
  /**
   * Stops: responds to the requests under way, lets sends end, returns unstarted deliveries, and stops the embedded
   * database. A second call waits for the first.
   */
  stop(): Promise<void>;
}

const CONSOLE = join(ROOT, 'packages', 'console', 'dist');

/** Interval in ms at which the partitions of the next months are made. */
const PARTITIONS_INTERVAL_MS = 3_600_000;

/** Time in ms that a stop waits for requests under way; then their connections are closed. */
const MAX_LAST_REQUESTS_MS = 3000;
/** Time in ms that a stop waits for sends under way; then they are aborted. */
const MAX_LAST_SENDS_MS = 3000;
/** Connections to one host of a provider, which the accounts of all tenants share; above the sends at once of any account. */
const MAX_PROVIDER_CONNECTIONS = 256;
/** Timeouts (ms) of the checks of probes, shorter than the time after which a check counts as failed. */
const HEALTH_TIMEOUTS = { query: 2500, statement: 2000, lock: 2000, idleInTransaction: 2000 };

/**
 * Starts a process with these roles: creates every part, in the order in which it is needed. If one fails, stops those
 * before it and throws.
 *
 * @param wallClock the clock of this machine, which is compared with that of the database
 */
export async function run(
  roles: Roles,
  config: Config,
  log: Logger,
  wallClock: () => Millis = Date.now,
): Promise<Running> {
  const cleanup: (() => Promise<unknown> | unknown)[] = [];
  const stopAll = async () => {
    for (const step of cleanup.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        log.warn({ err: error }, 'a part of the process did not stop cleanly');
      }
    }
  };
  try {
    const { host, port, healthPort, tenant } = config;
    if (roles.api) await checkPort(host, port);
    else if (healthPort !== null) await checkPort(host, healthPort, 'TIDINGS_HEALTH_PORT');
    const embedded =
      config.databaseUrl === null
        ? await startEmbedded({ dataDir: config.dataDir, log: (line) => log.info(line) })
        : null;
    if (embedded) cleanup.push(() => embedded.stop());
    const databaseUrl = embedded?.url ?? (config.databaseUrl as string);
    const pools: Pool[] = [];
    const open = (use: keyof typeof MAX_CONNECTIONS, timeouts: Partial<Timeouts> = {}) => {
      const opened = openPool(databaseUrl, { max: MAX_CONNECTIONS[use], name: `tidings ${use}`, timeouts });
      cleanup.push(() => opened.end());
      pools.push(opened);
      return opened;
    };
    const pool = open('ingest');
    if (!embedded) {
      await checkSessions(databaseUrl);
      await checkServerCapacity(pool, PROCESS_CONNECTIONS);
    }
    const schema = config.migrates ? await migrate(pool) : await inspectSchema(pool);
    if (!config.migrates) requireMigrated(schema);
    if (schema.newer.length > 0)
      log.warn({ files: schema.newer }, 'the schema is newer than this program, of the same major version');

    await requireKnownTenant(pool, tenant);

    const databaseClock = new DatabaseClock(pool, { wallClock, onChange: logClock(log) });
    await databaseClock.start();
    cleanup.push(() => databaseClock.stop());
    const { now: clock, isRight: mayAct } = databaseClock;

    const seal = new Seal([config.encryptionKey, ...config.otherEncryptionKeys], warnUnreadable(log));
    await checkEncryptionKey(pool, seal);
    const partitions = new Partitions(pool, { onRebuilt: logRebuild(log) });
    cleanup.push(() => partitions.stop());
    const createPartitions = async () => {
      const failed = await partitions.ensureAhead(clock());
      if (failed.length > 0)
        log.warn(
          { partitions: failed },
          'partitions could not be created yet; their rows are in the default partition, and move later',
        );
    };
    await createPartitions();
    cleanup.push(runEvery(PARTITIONS_INTERVAL_MS, createPartitions, log));

    const catalogs = new CatalogCache(pool);
    const apply = async () => {
      const data = await loadValidCatalog(config.catalogDir);
      const applied = await applyDirectory(pool, tenant, data, clock());
      await catalogs.setActive(tenant, applied.version);
      return applied;
    };
    const inboxSignals = new InboxSignals(pool);
    cleanup.push(() => inboxSignals.flush());
    const ignored = describeIgnored(config.environment);
    if (ignored !== undefined) log.warn(ignored);
    let client: Promise<GuardedClient> | undefined;
    // Loaded lazily: a process that sends nothing over HTTP starts without it.
    const getClient = () => {
      client ??= import('./http-out/guarded-client.ts').then(
        ({ GuardedClient }) => new GuardedClient(undefined, MAX_PROVIDER_CONNECTIONS),
      );
      return client;
    };
    cleanup.push(async () => (await client)?.close());
    const getTools = async (): Promise<ProviderTools> => ({ http: await getClient(), clock });
    const { providers, labels, close } = await openInstallation(
      config,
      getTools,
      (line) => log.warn(line, 'internal alert'),
      keepInInbox(pool, seal, clock, inboxSignals),
    );
    cleanup.push(close);
    const announcer = new Announcer(pool);
    cleanup.push(() => announcer.flush());
    const pipeline = new Pipeline({
      pool,
      catalogs,
      partitions,
      seal,
      clock,
      announcer,
      maxFuture: config.maxFuture,
      log,
    });

    const state = { starting: true, stopping: false };
    const loops: WorkLoop[] = [];
    let catalogProblem: DirectoryProblem | undefined;
    let listOpenCircuits = (_tenantId?: string | null): readonly OpenCircuit[] => [];
    let startWorkers: (() => Promise<void>) | undefined;
    let dumps: ScheduledDumps | null = null;
    if (roles.workers) {
      const files = new LazyFetchFiles(clock);
      cleanup.push(() => files.close());
      const workPool = open('work');
      const name = `${hostname()} ${process.pid} ${randomUUID().slice(0, 8)}`;
      const random = Math.random;
      const accounts = new AccountPool({ pool: workPool, databaseUrl, seal, getTools, log });
      cleanup.push(() => accounts.close());
      await accounts.start();
      const { lease, poll } = config;
      const worker = new DeliveryWorker({
        name,
        pool: workPool,
        databaseUrl,
        catalogs,
        seal,
        providers,
        accounts,
        clock,
        mayAct,
        random,
        log,
        limits: config.limits.channels,
        getTenant: new TenantProfiles(workPool).get,
        targets: mapTargets({
          devices: deviceTargets(workPool, seal),
          endpoints: new EndpointTargets({ pool: workPool, seal, clock, random }),
        }),
        fetchFiles: files.fetch,
        ...(config.publicUrl === null ? {} : { links: messageLinks(config.publicUrl, seal) }),
        lease,
        poll,
      });
      const timers = new TimerWorker({
        pool: workPool,
        databaseUrl,
        pipeline,
        calendar: { next: nextOccurrence, label: formatLocalTimeKey },
        clock,
        mayAct,
        elapsed: () => performance.now(),
        log,
        rate: config.timerRate,
        lease: Math.max(lease, 1000),
        poll,
      });
      const jobs = new JobWorker({
        pool: workPool,
        pipeline,
        catalogs,
        seal,
        clock,
        log,
        lease: Math.max(lease, 1000),
        poll,
      });
      announcer.listen(DELIVERIES_CHANNEL, () => worker.wake());
      announcer.listen(TIMERS_CHANNEL, (dueAt) => timers.wake(dueAt));
      const started: (() => Promise<void>)[] = [];
      const start = async () => {
        await worker.start();
        started.push(() => worker.stop(MAX_LAST_SENDS_MS));
        await timers.start();
        started.push(() => timers.stop());
        const keeper = new TenantKeeper({ pool: workPool, clock, log });
        keeper.start();
        started.push(() => keeper.stop());
        if (config.publicUrl !== null) {
          const { ReceiptChecker } = await import('./receipts/receipt-checker.ts');
          const findAccount = findSender(providers, accounts);
          const checker = new ReceiptChecker({ pool: workPool, catalogs, seal, clock, log, findAccount });
          checker.start();
          started.push(() => checker.stop());
        }
        if (config.retentionAt === null) return;
        const retention = new RetentionJob({ pool: workPool, periods: config.retention, at: config.retentionAt, log });
        retention.start();
        started.push(() => retention.stop());
      };
      let deferred: DeferredStart | undefined;
      startWorkers = async () => {
        cleanup.push(async () => {
          await deferred?.stop();
          for (const stop of started.reverse()) await stop();
        });
        deferred = await startWhenResumed(workPool, { poll, log, start });
        // Not paused after a restore: an operator may cancel what waits before it goes on.
        jobs.start();
        cleanup.push(() => jobs.stop());
      };
      dumps = config.dumps && new ScheduledDumps({ pool, databaseUrl, seal, program: VERSION, log, ...config.dumps });
      dumps?.start();
      cleanup.push(() => dumps?.stop());
      listOpenCircuits = (tenantId) => worker.openCircuits(tenantId);
      const pausedSince = () => deferred?.pausedSince() ?? null;
      loops.push(
        { name: 'delivery', poll, idleTime: () => worker.idleTime, pausedSince },
        { name: 'timers', poll, idleTime: () => timers.idleTime, behind: () => timers.behind, pausedSince },
        { name: 'jobs', poll, idleTime: () => jobs.idleTime },
      );
    }
    let database: TenantDatabase | null = null;
    if (roles.api) {
      database = await openTenantDatabase(
        open('installation'),
        { url: databaseUrl, apiUrl: embedded?.apiUrl ?? config.apiDatabaseUrl, seal, migrates: config.migrates },
        { max: MAX_CONNECTIONS.requests, name: 'tidings requests', onShared: logShared(log) },
      );
      const { requests } = database;
      cleanup.push(() => requests.end());
      pools.push(requests);
      if (!embedded && config.apiDatabaseUrl) await checkSessions(config.apiDatabaseUrl, 'TIDINGS_API_DATABASE_URL');
    }
    const health = buildHealth({
      pool: open('health', HEALTH_TIMEOUTS),
      pools,
      database,
      dataDir: embedded ? config.dataDir : null,
      loadCatalogVersion: async () => (await catalogs.getActive(tenant)).version,
      findCatalogProblem: () => catalogProblem,
      clock,
      getClockOffset: databaseClock.offset,
      state,
      loops,
      // Anyone may ask for health: tenants and their accounts are not in it.
      listOpenCircuits: () => listOpenCircuits(null),
      dumps,
    });

    let url: string | null = null;
    if (database !== null) {
      const { apiKeys, keyRate, trustedProxies, publicUrl, oidc } = config;
      // Loaded lazily: a process with workers only starts in half the time without it.
      const { buildServer } = await import('./http/server.ts');
      const { GuardedClient } = await import('./http-out/guarded-client.ts');
      const outbound = new GuardedClient();
      cleanup.push(() => outbound.close());
      const server = await buildServer({
        pipeline,
        database,
        catalogs,
        seal,
        clock,
        apiKeys,
        publicUrl,
        oidc,
        outbound,
        receiptAccounts: openReceiptAccounts({ pool: database.owner, seal, installation: config }),
        databaseUrl,
        perMinute: keyRate,
        trustedProxies,
        log,
        consoleDir: CONSOLE,
        state,
        health,
        ...(roles.workers ? { listOpenCircuits: (tenantId) => listOpenCircuits(tenantId) } : {}),
      });
      cleanup.push(async () => {
        // A slow client must not prevent the other parts from stopping.
        const deadline = setTimeout(() => server.server.closeAllConnections(), MAX_LAST_REQUESTS_MS);
        await server.close();
        clearTimeout(deadline);
        await pipeline.drain();
      });
      url = await listen(server, host, port);
      const fingerprint = config.watchCatalog ? await fingerprintCatalog(config.catalogDir) : '';
      // Only now: a process that cannot serve changes nothing.
      const { version, isOther } = await apply();
      if (isOther)
        log.warn(`The catalog directory has not changed; version ${version}, which was activated since, stays active.`);
      if (config.watchCatalog)
        cleanup.push(
          await watchCatalog(
            config.catalogDir,
            async () => {
              const cause = await reapply(apply, log);
              catalogProblem = cause === undefined ? undefined : { since: clock(), cause };
            },
            {
              since: fingerprint,
              onError: (error) => {
                catalogProblem ??= {
                  since: clock(),
                  cause: 'the catalog directory has changed, and could not be applied',
                };
                log.error({ err: error }, 'The catalog has changed but could not be applied; will retry.');
              },
            },
          ),
        );
    }
    let healthUrl = url;
    if (healthUrl === null) {
      const server = await listenForProbes(health, host, healthPort);
      cleanup.push(() => server.close());
      healthUrl = server.url;
    }
    await startWorkers?.();

    const catalog = await catalogs.refresh(tenant);
    state.starting = false;
    let stopped: Promise<void> | undefined;
    return {
      url,
      healthUrl,
      database: embedded ? 'embedded' : 'external',
      catalog,
      providerLabels: labels,
      makeOwnerLink: async () =>
        database !== null && url !== null && (await needsOwnerLink(database.owner, config))
          ? makeOwnerLink(database.owner, tenant, config.publicUrl ?? url, clock())
          : null,
      stop() {
        state.stopping = true;
        stopped ??= stopAll();
        return stopped;
      },
    };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

/** Returns whether members log in, and can do so only by a link: there is no provider, or no owner who could use it. */
async function needsOwnerLink(owner: Pool, { apiKeys, oidc, tenant }: Config): Promise<boolean> {
  if (apiKeys.length === 0 && oidc === null) return false;
  return oidc === null || !(await hasOtherOwner(owner, tenant, null));
}

/** Returns a function that logs once that the clock of this process is wrong, and once that it is right again. */
function logClock(log: Logger): (offset: string | null) => void {
  return (offset) => {
    if (offset === null) log.info('the clock of this process is right again');
    else
      log.warn(`The clock of this process is ${offset}: it sends nothing and fires no timers until its clock is set.`);
  };
}

/** Returns a function that logs that the API has no login of its own. */
function logShared(log: Logger): (cause: string) => void {
  return (cause) =>
    log.info(
      `The API uses the login of DATABASE_URL, which is enough for one tenant; a second one needs another login (docs/security.md): ${cause}.`,
    );
}

/** Returns a function that logs that the rows of a default partition have moved, or could not. */
function logRebuild(log: Logger): (table: string, error: unknown) => void {
  return (table, error) => {
    if (error === null)
      log.info({ table }, 'the rows of the default partition have moved to partitions of their months');
    else log.warn({ err: error, table }, 'the rows of the default partition could not be moved; will retry');
  };
}

/** Time in ms between two warnings about data of one table that cannot be opened. */
const MIN_WARN_PAUSE_MS = 60_000;

/** Returns a function that warns about data that cannot be opened. */
function warnUnreadable(log: Logger): (table: string) => void {
  const warnedAt = new Map<string, number>();
  return (table) => {
    const now = performance.now();
    if (now - (warnedAt.get(table) ?? Number.NEGATIVE_INFINITY) < MIN_WARN_PAUSE_MS) return;
    warnedAt.set(table, now);
    log.warn(
      { table },
      'sealed data cannot be opened with the current key; rules see masks, and messages wait for their retry',
    );
  };
}

/**
 * Applies the catalog directory after a change. An invalid catalog changes nothing.
 * @returns why it is not applied; undefined: it is
 * @throws error of the database: it is worth another try
 */
async function reapply(apply: () => Promise<Applied>, log: Logger): Promise<string | undefined> {
  try {
    const { version, changed } = await apply();
    if (changed) log.info(`The catalog has changed: version ${version} is active.`);
    return undefined;
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    log.error(`The catalog is not valid; the active version stays.\n${error.message}`);
    return 'the catalog directory has changed, and is not valid';
  }
}

/** Runs a maintenance task periodically; returns a function that stops it. */
function runEvery(ms: number, work: () => Promise<void>, log: Logger): () => void {
  const timer = setInterval(
    () => work().catch((error) => log.warn({ err: error }, 'maintenance task failed; will retry')),
    ms,
  );
  return () => clearInterval(timer);
}
