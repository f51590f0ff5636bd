import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { type EmbeddedPostgres, startEmbedded } from '../embedded/embedded.ts';
import type { Millis } from '../model/event.ts';
import { checkServerCapacity } from '../store/pg/check-server.ts';
import { MAX_CONNECTIONS, MAX_REPLICA_CONNECTIONS, PROCESS_CONNECTIONS } from '../store/pg/connections.ts';
import { inspectSchema, migrate, requireMigrated } from '../store/pg/migrate.ts';
import { getTimeouts, openPool, type Timeouts } from '../store/pg/pool.ts';
import { checkSessions, findPoolMode, requireRoleSettings, saveRoleSettings } from '../store/pg/pooler.ts';
import { Replica } from '../store/pg/replica.ts';
import type { Cleanup } from './cleanup.ts';

/** The database of a process, with the current schema. */
export interface ProcessDatabase {
  readonly url: string;
  /** URL of the server itself, for what a session has to keep: notifications, locks, timeouts of its own. */
  readonly directUrl: string;
  /** Whether `url` leads to a pooler that lends a server connection for one transaction at a time. */
  readonly isPooled: boolean;
  /** Null: it is a server of its own. */
  readonly embedded: EmbeddedPostgres | null;
  /** Connections for what is posted, and for what the process does on its own. */
  readonly pool: Pool;
  /** Connections whose sessions keep their locks: `pool` itself, unless that is pooled. */
  readonly direct: Pool;
  /** Answers some reads; null: none is configured. */
  readonly replica: Replica | null;
  /** All pools of the process, for health reports. */
  readonly pools: Pool[];
  /** Opens a pool for another use. */
  open(use: keyof typeof MAX_CONNECTIONS, timeouts?: Partial<Timeouts>): Pool;
}

/**
 * Connects to the database, which it starts if it is embedded, and brings its schema up to date.
 * @throws ConfigError if it cannot serve
 */
export async function openDatabase(
  config: Config,
  log: Logger,
  cleanup: Cleanup,
): Promise<Omit<ProcessDatabase, 'replica'>> {
  const embedded =
    config.databaseUrl === null
      ? await startEmbedded({ dataDir: config.dataDir, log: (line) => log.info(line) })
      : null;
  if (embedded) cleanup.push(() => embedded.stop());
  const url = embedded?.url ?? (config.databaseUrl as string);
  const directUrl = embedded?.url ?? config.directDatabaseUrl ?? url;
  const isPooled = !embedded && (await choosePoolMode(url, config.directDatabaseUrl)) === 'transaction';
  const pools: Pool[] = [];
  const openAt = (use: keyof typeof MAX_CONNECTIONS, at: { url: string; isPooled: boolean }, timeouts = {}) => {
    const opened = openPool(at.url, {
      max: MAX_CONNECTIONS[use],
      name: `tidings ${use}`,
      timeouts,
      isPooled: at.isPooled,
    });
    cleanup.push(() => opened.end());
    pools.push(opened);
    return opened;
  };
  const open: ProcessDatabase['open'] = (use, timeouts) => openAt(use, { url, isPooled }, timeouts);
  const pool = open('ingest');
  const direct = isPooled ? openAt('direct', { url: directUrl, isPooled: false }) : pool;
  if (!embedded) await checkServerCapacity(direct, PROCESS_CONNECTIONS);
  const schema = config.migrates ? await migrate(direct) : await inspectSchema(direct);
  if (!config.migrates) requireMigrated(schema);
  if (schema.newer.length > 0)
    log.warn({ files: schema.newer }, 'the schema is newer than this program, of the same major version');
  return { url, directUrl, isPooled, embedded, pool, direct, pools, open };
}

/** @throws ConfigError if the database cannot serve through its pooler */
async function choosePoolMode(url: string, directUrl: string | null): Promise<'session' | 'transaction'> {
  if (directUrl === null) {
    await checkSessions(url);
    return 'session';
  }
  await checkSessions(directUrl, 'TIDINGS_DIRECT_DATABASE_URL');
  // Before the pooler opens a server connection: it has the settings that its role had then.
  await saveRoleSettings(directUrl, getTimeouts(url));
  const mode = await findPoolMode(url);
  if (mode === 'transaction') await requireRoleSettings(url, 'DATABASE_URL');
  return mode;
}

/** Timeouts (ms) of the question of how far the log of the primary is, which is asked once a second. */
const REPLICA_TIMEOUTS = { query: 2500, statement: 2000, lock: 2000, idleInTransaction: 2000 };

/**
 * Begins to follow the configured replica. One that is away, or behind, is logged, and is read when it is there.
 * @throws ConfigError if it is that of another database
 */
export async function followReplica(
  { replicaDatabaseUrl: url, replicaMaxLag: maxLag }: Config,
  database: Omit<ProcessDatabase, 'replica'>,
  clock: () => Millis,
  log: Logger,
  cleanup: Cleanup,
): Promise<Replica | null> {
  if (url === null) return null;
  const primary = database.open('replica', REPLICA_TIMEOUTS);
  const replica = new Replica({ url, primary, clock, maxLag, max: MAX_REPLICA_CONNECTIONS });
  cleanup.push(() => replica.stop());
  await replica.start();
  const { cause } = replica.state;
  if (cause !== null) log.warn({ cause }, 'the primary answers in place of the replica');
  return replica;
}
