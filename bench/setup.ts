import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import pino from 'pino';
import { CatalogCache } from '../src/catalog/cache.ts';
import { loadValidCatalog } from '../src/catalog/load-valid-catalog.ts';
import { noopProvider } from '../src/channels/noop.ts';
import type { Provider } from '../src/channels/provider.ts';
import type { TargetSources } from '../src/delivery/targets.ts';
import { DeliveryWorker } from '../src/delivery/worker.ts';
import { startEmbedded } from '../src/embedded/embedded.ts';
import { Health } from '../src/health/health.ts';
import { buildServer } from '../src/http/server.ts';
import { GuardedClient } from '../src/http-out/guarded-client.ts';
import { Pipeline } from '../src/ingest/pipeline.ts';
import type { CatalogData } from '../src/model/catalog.ts';
import { CHANNELS, type Channel } from '../src/model/delivery.ts';
import { DEFAULT_TENANT } from '../src/model/event.ts';
import { systemActor } from '../src/model/principal.ts';
import { Seal } from '../src/privacy/seal.ts';
import { applyCatalog } from '../src/store/apply-catalog.ts';
import { migrate } from '../src/store/pg/migrate.ts';
import { Partitions } from '../src/store/pg/partitions.ts';
import { openPool } from '../src/store/pg/pool.ts';
import { sharedDatabase } from '../src/store/pg/tenant-database.ts';
import { formatLocalTimeKey, nextOccurrence } from '../src/time/calendar.ts';
import { TimerWorker } from '../src/timers/worker.ts';
import type { Traffic } from './events.ts';

export const FINTECH = fileURLToPath(new URL('../examples/fintech', import.meta.url));
const TEMPLATE = 'bench_template';

/** The environment of the rows: a separate server with the settings of Tidings. */
export interface Setup {
  /** The fintech example. */
  readonly catalog: CatalogData;
  /** Number of events per round; slow rows use fewer. */
  readonly events: number;
  /** Deliveries that there are before lists are read. */
  readonly deliveries: number;
  readonly log: (line: string) => void;
  /** Returns the events of the next round; with a history, of different users each time. */
  traffic(most?: number): Traffic;
  /** Runs `work` on a fresh database for a limit. */
  withEmpty<T>(work: (database: Database) => Promise<T>): Promise<T>;
  /** Runs `work` on the database for a value: fresh, or the one with the history. */
  withDatabase<T>(work: (database: Database) => Promise<T>): Promise<T>;
  /** From now on values are measured on one database, which `fill` prepares. */
  keepHistory(users: number, fill: (database: Database) => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

export interface Database {
  readonly url: string;
  readonly pool: pg.Pool;
}

export async function startSetup(
  { events, deliveries }: Pick<Setup, 'events' | 'deliveries'>,
  log: (line: string) => void,
): Promise<Setup> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tidings-bench-'));
  const server = await startEmbedded({ dataDir });
  const catalog = await loadValidCatalog(FINTECH);
  const now = Date.now();
  let made = 0;
  let history: { readonly name: string; readonly users: number } | undefined;
  let nextUser = 0;

  const open = async <T>(name: string, work: (database: Database) => Promise<T>): Promise<T> => {
    const url = databaseUrl(server.url, name);
    const pool = openPool(url, { max: 20, name: 'tidings bench' });
    try {
      return await work({ url, pool });
    } finally {
      await pool.end();
    }
  };
  const create = async (template?: string): Promise<string> => {
    const name = `bench_${++made}`;
    await asAdmin(server.url, `create database ${name}${template ? ` template ${template}` : ''}`);
    return name;
  };
  const withFresh = async <T>(template: string | undefined, work: (database: Database) => Promise<T>): Promise<T> => {
    const name = await create(template);
    try {
      return await open(name, work);
    } finally {
      // Dropping a database makes the server write a checkpoint: every measurement starts behind one.
      await asAdmin(server.url, `drop database ${name} with (force)`);
    }
  };

  await asAdmin(server.url, `create database ${TEMPLATE}`);
  await open(TEMPLATE, async ({ pool }) => {
    await migrate(pool);
    const partitions = new Partitions(pool);
    await partitions.ensureAhead(now);
    await partitions.ensureEvents(
      [0, 1, 2].map((months) => now - months * 30 * 86_400_000),
      now,
    );
    await applyCatalog(pool, DEFAULT_TENANT, catalog, systemActor('bench'), now);
  });
  log('PostgreSQL is up.');

  return {
    catalog,
    events,
    deliveries,
    log,
    traffic(most = events) {
      const count = Math.min(events, most);
      const users = Math.max(1, Math.round(count / 5));
      const firstUser = nextUser;
      if (history) nextUser = (nextUser + users) % history.users;
      return { count, users, firstUser: firstUser, now };
    },
    withEmpty: (work) => withFresh(undefined, work),
    withDatabase: (work) => (history ? open(history.name, work) : withFresh(TEMPLATE, work)),
    async keepHistory(users, fill) {
      const name = await create(TEMPLATE);
      await open(name, fill);
      history = { name, users };
    },
    async stop() {
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** The parts of one Tidings process on a database. */
export interface Tidings {
  readonly pipeline: Pipeline;
  readonly catalogs: CatalogCache;
  readonly seal: Seal;
  /** Starts delivering. */
  deliver(): Promise<void>;
  /** Starts to end what is due, at no set pace. */
  fireTimers(): Promise<void>;
  /** Serves HTTP; where. */
  serve(): Promise<string>;
}

export async function withTidings<T>(
  { url, pool }: Database,
  work: (tidings: Tidings) => Promise<T>,
  providers: { readonly [channel in Channel]?: Provider } = {},
  makeTargets?: (seal: Seal) => TargetSources,
): Promise<T> {
  const log = pino({ level: 'silent' });
  const clock = Date.now;
  const noop = noopProvider(CHANNELS);
  const byChannel = new Map(CHANNELS.map((channel) => [channel, providers[channel] ?? noop]));
  const seal = new Seal(createHash('sha256').update('bench').digest());
  const catalogs = new CatalogCache(pool);
  const pipeline = new Pipeline({
    pool,
    catalogs,
    partitions: new Partitions(pool),
    seal,
    clock,
    log,
  });
  await catalogs.refresh(DEFAULT_TENANT);
  const cleanup: (() => Promise<unknown>)[] = [];
  try {
    return await work({
      pipeline,
      catalogs,
      seal,
      async deliver() {
        const name = 'bench';
        const worker = new DeliveryWorker({
          name,
          pool,
          databaseUrl: url,
          catalogs,
          seal,
          providers: byChannel,
          ...(makeTargets ? { targets: makeTargets(seal) } : {}),
          clock,
          random: Math.random,
          log,
        });
        await worker.start();
        cleanup.push(() => worker.stop());
      },
      async fireTimers() {
        const calendar = { next: nextOccurrence, label: formatLocalTimeKey };
        const elapsed = () => performance.now();
        const worker = new TimerWorker({ pool, databaseUrl: url, pipeline, calendar, clock, elapsed, log, rate: 1e6 });
        await worker.start();
        cleanup.push(() => worker.stop());
      },
      async serve() {
        const state = { stopping: false };
        const server = await buildServer({
          pipeline,
          database: sharedDatabase(pool),
          catalogs,
          seal,
          clock,
          apiKeys: [],
          publicUrl: null,
          oidc: null,
          outbound: new GuardedClient(),
          installation: new Map(),
          log,
          consoleDir: '',
          state,
          health: new Health({ checks: [], clock, state }),
        });
        cleanup.push(() => server.close());
        return server.listen({ host: '127.0.0.1', port: 0 });
      },
    });
  } finally {
    for (const step of cleanup.reverse()) await step();
    await pipeline.drain();
  }
}

/** Throws if not all of them were stored: a rate of what went wrong is no rate. */
export async function checkStored({ pool }: Database, count: number, since: number): Promise<void> {
  const { rows } = await pool.query<{ stored: number }>(
    'select count(*) as stored from events where received_at >= $1',
    [new Date(since).toISOString()],
  );
  if (rows[0]?.stored !== count) throw new Error(`${count} events were posted, ${rows[0]?.stored} are stored`);
}

/** Resolves when so many events are stored. */
export async function allStored({ pool }: Database, count: number): Promise<void> {
  for (;;) {
    const { rows } = await pool.query<{ stored: number }>('select count(*) as stored from events');
    if ((rows[0]?.stored ?? 0) >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Returns events/s from the first transaction to the last. Throws if not all of them were stored. */
export async function measureStored({ pool }: Database, count: number): Promise<number> {
  const { rows } = await pool.query<{ stored: number; seconds: number }>(
    `select count(*) as stored, extract(epoch from max(received_at) - min(received_at))::float8 as seconds from events`,
  );
  const { stored = 0, seconds = 0 } = rows[0] ?? {};
  if (stored !== count) throw new Error(`${count} events were handed in, ${stored} are stored`);
  return count / seconds;
}

/** Resolves when no delivery is waiting or under way. */
export async function allDelivered({ pool }: Database): Promise<void> {
  for (;;) {
    const { rows } = await pool.query<{ left: boolean }>(
      'select exists (select from deliveries where finished_at is null) as left',
    );
    if (!rows[0]?.left) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function asAdmin(serverUrl: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
