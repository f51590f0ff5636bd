import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { CatalogCache } from './catalog/cache.ts';
import type { Catalog } from './catalog/compile/compile-catalog.ts';
import { watchCatalog } from './catalog/load/watch-catalog.ts';
import { loadValidCatalog } from './catalog/load-valid-catalog.ts';
import { smtpProvider } from './channels/email/smtp.ts';
import { logProvider } from './channels/internal/log.ts';
import { noopProvider } from './channels/noop.ts';
import type { Provider } from './channels/provider.ts';
import { sandboxProvider } from './channels/sandbox.ts';
import type { Config } from './config.ts';
import { DeliveryWorker } from './delivery/delivery-worker.ts';
import { Dispatcher } from './delivery/dispatch.ts';
import { startEmbedded } from './embedded/embedded.ts';
import { CatalogError } from './errors.ts';
import { Pipeline } from './ingest/pipeline.ts';
import { ROOT } from './lib/package-root.ts';
import { CHANNELS, type Channel } from './model/delivery.ts';
import { DEFAULT_TENANT } from './model/event.ts';
import { Seal } from './privacy/seal.ts';
import { type Applied, applyDirectory } from './store/catalogs.ts';
import { checkEncryptionKey } from './store/metadata.ts';
import { openPool } from './store/pg/database.ts';
import { migrate } from './store/pg/migrate.ts';
import { Partitions } from './store/pg/partitions.ts';
import { formatLocalTimeKey, nextOccurrence } from './time/calendar.ts';
import { DAY_MS } from './time/iso-time.ts';
import { TimerWorker } from './timers/timer-worker.ts';

export interface Roles {
  /** Serves HTTP and applies the catalog. */
  readonly api: boolean;
  /** Delivers. */
  readonly workers: boolean;
}

export interface Running {
  /** Where HTTP is served; null without the api role. */
  readonly url: string | null;
  /** `embedded`, or `external`. */
  readonly database: 'embedded' | 'external';
  /** In force when it started. */
  readonly catalog: Catalog;
  /** Answers what was taken in, lets sends end, gives back the rest, stops the database if it is ours. A second call waits for the first. */
  stop(): Promise<void>;
}

const CONSOLE = join(ROOT, 'packages', 'console', 'dist');
const clock = Date.now;

/** How long a stop waits for requests that have begun, in milliseconds. */
const LAST_REQUESTS = 3000;

/** The wiring: every part is made here, by hand, in the order in which it is needed. */
export async function run(roles: Roles, config: Config, log: Logger): Promise<Running> {
  const cleanup: (() => Promise<unknown> | unknown)[] = [];
  const undo = async () => {
    for (const step of cleanup.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        log.warn({ err: error }, 'a part did not stop cleanly');
      }
    }
  };
  try {
    const embedded =
      config.databaseUrl === null
        ? await startEmbedded({ dataDir: config.dataDir, log: (line) => log.info(line) })
        : null;
    if (embedded) cleanup.push(() => embedded.stop());
    const databaseUrl = embedded?.url ?? (config.databaseUrl as string);
    const pool = openPool(databaseUrl, { max: 20, name: 'tidings' });
    cleanup.push(() => pool.end());
    await migrate(pool);

    const seal = new Seal(config.encryptionKey);
    await checkEncryptionKey(pool, seal.keyId);
    const partitions = new Partitions(pool);
    const makePartitions = async () => {
      const left = await partitions.ensureAhead(clock());
      if (left.length > 0)
        log.warn({ partitions: left }, 'could not be made now: their rows are in the default partition');
    };
    await makePartitions();
    cleanup.push(every(DAY_MS, makePartitions, log));

    const catalogs = new CatalogCache(pool);
    const apply = async () => {
      const data = await loadValidCatalog(config.catalogDir);
      const applied = await applyDirectory(pool, DEFAULT_TENANT, data, clock());
      await catalogs.adopt(DEFAULT_TENANT, applied.version);
      return applied;
    };
    if (roles.api) {
      const { version, isOther } = await apply();
      if (isOther) log.warn(`The catalog directory is as it was; version ${version}, put in force since, stays.`);
      if (config.watchCatalog)
        cleanup.push(
          await watchCatalog(config.catalogDir, () => reapply(apply, log), {
            onError: (error) => log.error({ err: error }, 'the catalog directory is not watched any more'),
          }),
        );
    }

    const { providers, close } = makeProviders(config, log);
    cleanup.push(close);
    const pipeline = new Pipeline({ pool, catalogs, partitions, seal, clock, log });

    const state = { stopping: false, workers: (): { [part: string]: string } => ({}) };
    if (roles.workers) {
      const name = `${hostname()} ${process.pid} ${randomUUID().slice(0, 8)}`;
      const random = Math.random;
      const { lease, poll } = config;
      const worker = new DeliveryWorker({
        name,
        pool,
        databaseUrl,
        dispatcher: new Dispatcher(catalogs, seal, providers),
        clock,
        random,
        log,
        lease,
        poll,
      });
      await worker.start();
      cleanup.push(() => worker.stop(3000));
      const timers = new TimerWorker({
        pool,
        databaseUrl,
        pipeline,
        calendar: { next: nextOccurrence, label: formatLocalTimeKey },
        clock,
        elapsed: () => performance.now(),
        log,
        rate: config.timerRate,
        lease: Math.max(lease, 1000),
        poll,
      });
      await timers.start();
      cleanup.push(() => timers.stop());
      state.workers = () => {
        const troubled = worker.unhealthyProviders();
        return {
          delivery: troubled.length === 0 ? 'ok' : `waiting for ${troubled.join(', ')}`,
          timers: timers.behind > 0 ? `${Math.ceil(timers.behind / 1000)} s behind` : 'ok',
        };
      };
    }

    let url: string | null = null;
    if (roles.api) {
      const { apiKeys, host, port } = config;
      // Loaded here: a worker starts in half the time without it.
      const { buildServer } = await import('./http/server.ts');
      const server = await buildServer({
        pipeline,
        pool,
        catalogs,
        seal,
        clock,
        apiKeys,
        log,
        consoleDir: CONSOLE,
        state,
      });
      cleanup.push(async () => {
        // Who is still sending by then would keep all else from being stopped.
        const impatience = setTimeout(() => server.server.closeAllConnections(), LAST_REQUESTS);
        await server.close();
        clearTimeout(impatience);
        await pipeline.drain();
      });
      await server.listen({ host, port });
      const address = server.server.address();
      url = `http://${host.includes(':') ? `[${host}]` : host}:${typeof address === 'object' ? address?.port : port}`;
    }

    const catalog = await catalogs.refresh(DEFAULT_TENANT);
    let stopped: Promise<void> | undefined;
    return {
      url,
      database: embedded ? 'embedded' : 'external',
      catalog,
      stop() {
        state.stopping = true;
        stopped ??= undo();
        return stopped;
      },
    };
  } catch (error) {
    await undo();
    throw error;
  }
}

/** A provider for every channel: the configured one, else the sandbox. */
function makeProviders(config: Config, log: Logger): { providers: Map<Channel, Provider>; close: () => Promise<void> } {
  const of = (name: string) => CHANNELS.filter((channel) => (config.providers[channel] ?? 'sandbox') === name);
  const made: [Channel[], Provider][] = [
    [of('sandbox'), sandboxProvider(of('sandbox'))],
    [of('noop'), noopProvider(of('noop'))],
    [of('log'), logProvider(of('log'), (line) => log.warn(line, 'internal alert'))],
  ];
  if (config.smtpUrl) made.push([of('smtp'), smtpProvider({ url: config.smtpUrl, from: config.mailFrom })]);
  const providers = new Map<Channel, Provider>();
  for (const [channels, provider] of made) for (const channel of channels) providers.set(channel, provider);
  return {
    providers,
    close: async () => {
      await Promise.all(made.map(([, provider]) => provider.close()));
    },
  };
}

async function reapply(apply: () => Promise<Applied>, log: Logger): Promise<void> {
  try {
    const { version, changed } = await apply();
    if (changed) log.info(`The catalog changed: version ${version} is in force.`);
  } catch (error) {
    if (error instanceof CatalogError) {
      log.error(`The catalog has a mistake; the version in force stays.\n${error.message}`);
    } else {
      log.error(
        { err: error },
        'The catalog changed and could not be applied; the version in force stays. Save it again.',
      );
    }
  }
}

function every(ms: number, work: () => Promise<void>, log: Logger): () => void {
  const timer = setInterval(() => work().catch((error) => log.warn({ err: error }, 'housekeeping failed')), ms);
  return () => clearInterval(timer);
}
