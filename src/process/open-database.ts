import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { type EmbeddedPostgres, startEmbedded } from '../embedded/embedded.ts';
import { checkServerCapacity } from '../store/pg/check-server.ts';
import { MAX_CONNECTIONS, PROCESS_CONNECTIONS } from '../store/pg/connections.ts';
import { inspectSchema, migrate, requireMigrated } from '../store/pg/migrate.ts';
import { openPool, type Timeouts } from '../store/pg/pool.ts';
import { checkSessions } from '../store/pg/session.ts';
import type { Cleanup } from './cleanup.ts';

/** The database of a process, with the current schema. */
export interface ProcessDatabase {
  readonly url: string;
  /** Null: it is a server of its own. */
  readonly embedded: EmbeddedPostgres | null;
  /** Connections for what is posted, and for what the process does on its own. */
  readonly pool: Pool;
  /** All pools of the process, for health reports. */
  readonly pools: Pool[];
  /** Opens a pool for another use. */
  open(use: keyof typeof MAX_CONNECTIONS, timeouts?: Partial<Timeouts>): Pool;
}

/**
 * Connects to the database, which it starts if it is embedded, and brings its schema up to date.
 * @throws ConfigError if it cannot serve
 */
export async function openDatabase(config: Config, log: Logger, cleanup: Cleanup): Promise<ProcessDatabase> {
  const embedded =
    config.databaseUrl === null
      ? await startEmbedded({ dataDir: config.dataDir, log: (line) => log.info(line) })
      : null;
  if (embedded) cleanup.push(() => embedded.stop());
  const url = embedded?.url ?? (config.databaseUrl as string);
  const pools: Pool[] = [];
  const open: ProcessDatabase['open'] = (use, timeouts = {}) => {
    const opened = openPool(url, { max: MAX_CONNECTIONS[use], name: `tidings ${use}`, timeouts });
    cleanup.push(() => opened.end());
    pools.push(opened);
    return opened;
  };
  const pool = open('ingest');
  if (!embedded) {
    await checkSessions(url);
    await checkServerCapacity(pool, PROCESS_CONNECTIONS);
  }
  const schema = config.migrates ? await migrate(pool) : await inspectSchema(pool);
  if (!config.migrates) requireMigrated(schema);
  if (schema.newer.length > 0)
    log.warn({ files: schema.newer }, 'the schema is newer than this program, of the same major version');
  return { url, embedded, pool, pools, open };
}
