import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type pg from 'pg';
import { type Config, readConfig } from '../../config.ts';
import { startEmbedded } from '../../embedded/embedded.ts';
import { ConfigError } from '../../errors.ts';
import { Seal } from '../../privacy/seal.ts';
import { verifyEncryptionKey } from '../../store/metadata.ts';
import { openPool } from '../../store/pg/pool.ts';
import { checkSessions, withLoginOf } from '../../store/pg/pooler.ts';
import { dropTimeouts } from '../../store/pg/session.ts';
import { requireKnownTenant } from '../../tenants/known-tenant.ts';
import { withTenant } from '../tenant-option.ts';

/**
 * Opens the configured database with its encryption key, starts the embedded one if none is configured, and closes what was
 * opened. Statements have no timeout: a command may work for hours on one snapshot.
 *
 * @param name of the connections, as the server shows them
 * @param doneMasked what the command does with data that cannot be opened, for a warning: it is … masked
 * @throws ConfigError if no Tidings has run there, or the key is another one than that of the database
 */
export function withDatabase<T>(
  env: NodeJS.ProcessEnv,
  name: string,
  doneMasked: string,
  work: (pool: pg.Pool, seal: Seal) => Promise<T>,
): Promise<T> {
  requireDataDir(env);
  return withPool(env, name, async (pool, config) => {
    const seal = newSeal(config, warnOnce(doneMasked));
    await verifyEncryptionKey(pool, seal);
    return work(pool, seal);
  });
}

/**
 * Opens the database like `withDatabase`, for a command that acts for one tenant: that of --tenant or TIDINGS_TENANT.
 * @throws ConfigError also if there is no such tenant, with the nearest one
 */
export function withTenantDatabase<T>(
  env: NodeJS.ProcessEnv,
  name: string,
  doneMasked: string,
  work: (pool: pg.Pool, seal: Seal, tenantId: string) => Promise<T>,
): Promise<T> {
  const chosen = withTenant(env);
  return withDatabase(chosen, name, doneMasked, async (pool, seal) => {
    const { tenant } = readConfig(chosen, { catalogDir: '' });
    await requireKnownTenant(pool, tenant);
    return work(pool, seal, tenant);
  });
}

export interface DatabaseUrls {
  readonly url: string;
  /** URL of the API login; null: Tidings makes the login itself. */
  readonly apiUrl: string | null;
}

/**
 * Opens the configured database as it is, without looking at what is in it. Creates and starts the embedded one if none is
 * configured. Closes what was opened.
 *
 * @throws ConfigError if a pooler in transaction mode stands before it
 */
export async function withPool<T>(
  env: NodeJS.ProcessEnv,
  name: string,
  work: (pool: pg.Pool, config: Config, urls: DatabaseUrls) => Promise<T>,
): Promise<T> {
  const config = readConfig(env, { catalogDir: '' });
  const embedded = config.databaseUrl === null ? await startEmbedded({ dataDir: config.dataDir }) : null;
  try {
    const timeouts = { query: 0, statement: 0, idleInTransaction: 0 };
    const url = embedded?.url ?? config.directDatabaseUrl ?? (config.databaseUrl as string);
    if (!embedded) await checkSessions(dropTimeouts(url), nameOf(config));
    const pool = openPool(dropTimeouts(url), { max: 2, name, timeouts });
    try {
      const { apiDatabaseUrl, directDatabaseUrl } = config;
      const apiUrl =
        apiDatabaseUrl && directDatabaseUrl ? withLoginOf(directDatabaseUrl, apiDatabaseUrl) : apiDatabaseUrl;
      return await work(pool, config, { url, apiUrl: embedded?.apiUrl ?? apiUrl });
    } finally {
      await pool.end();
    }
  } finally {
    await embedded?.stop();
  }
}

/** Returns the variable that has the URL by which commands reach an external database: past its pooler, if there is a way. */
function nameOf({ directDatabaseUrl }: Config): string {
  return directDatabaseUrl === null ? 'DATABASE_URL' : 'TIDINGS_DIRECT_DATABASE_URL';
}

/** Returns the seal of the configured keys. @param onUnreadable receives the table of each document that cannot be opened */
export function newSeal(config: Config, onUnreadable?: (table: string) => void): Seal {
  return new Seal([config.encryptionKey, ...config.otherEncryptionKeys], onUnreadable);
}

/** @throws ConfigError if no database is configured and there is no embedded one */
export function requireDataDir(env: NodeJS.ProcessEnv): void {
  const dataDir = resolve(env.TIDINGS_DATA_DIR || '.tidings');
  if (env.DATABASE_URL || existsSync(join(dataDir, 'postgres'))) return;
  const fix = 'set TIDINGS_DATA_DIR or DATABASE_URL to where the events are stored';
  throw new ConfigError(`no Tidings has run in ${dataDir}; ${fix}`);
}

/** Returns a function that warns once about data that cannot be opened. */
function warnOnce(doneMasked: string): (table: string) => void {
  let warned = false;
  return (table) => {
    if (!warned) {
      console.error(`tidings: some data in ${table} cannot be opened with this key; it is ${doneMasked} masked`);
    }
    warned = true;
  };
}
