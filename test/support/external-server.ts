import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { startEmbedded } from '../../src/embedded/embedded.ts';
import { Seal } from '../../src/privacy/seal.ts';
import { checkEncryptionKey } from '../../src/store/metadata.ts';
import { migrate } from '../../src/store/pg/migrate.ts';
import { openTenantDatabase } from '../../src/store/pg/open-tenant-database.ts';
import { openPool } from '../../src/store/pg/pool.ts';
import type { TenantDatabase } from '../../src/store/pg/tenant-database.ts';

/** A server that Tidings did not make: with passwords, and owners that may do more or less. */
export interface ExternalServer {
  /** Connections of a superuser. */
  readonly admin: pg.Pool;
  /** Creates an empty, migrated database of a new owner with these attributes of `create role`. */
  createDatabase(attributes: string): Promise<ExternalDatabase>;
}

export interface ExternalDatabase {
  readonly name: string;
  readonly url: string;
  /** Connections of its owner. */
  readonly owner: pg.Pool;
  /** Connections of a superuser to this database. */
  readonly admin: pg.Pool;
  readonly key: Buffer;
  urlOf(role: string, password: string): string;
  /** Opens the database as a start of the API does. `shared` gets the cause if there is no login of its own. */
  start(options?: { apiUrl?: string; keys?: [Buffer, ...Buffer[]]; migrates?: boolean }): Promise<Started>;
}

export interface Started {
  readonly database: TenantDatabase;
  readonly shared: string | null;
}

/** Starts the server for the tests of a file: call it once, at its top. */
export function useExternalServer(): ExternalServer {
  const dataDir = mkdtempSync(join(tmpdir(), 'external-'));
  const pools: pg.Pool[] = [];
  const open = (url: string, max = 3) => {
    const pool = openPool(url, { max, name: 'test' });
    pools.push(pool);
    return pool;
  };
  let stop = async () => {};
  let base = '';
  let admin: pg.Pool;
  let made = 0;
  const requests: pg.Pool[] = [];
  beforeAll(async () => {
    const settings = { fsync: 'off', full_page_writes: 'off' };
    const server = await startEmbedded({ dataDir, transport: 'tcp', settings });
    stop = () => server.stop();
    base = server.url;
    admin = open(`${base}&user=postgres`);
  });
  afterEach(async () => {
    for (const pool of requests.splice(0)) await pool.end();
  });
  afterAll(async () => {
    for (const pool of pools) await pool.end();
    await stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  return {
    get admin() {
      return admin;
    },
    async createDatabase(attributes) {
      const name = `external_${++made}`;
      await admin.query(`create role ${name} login password 'own/er?' ${attributes}`);
      await admin.query(`create database ${name} owner ${name}`);
      const at = new URL(base);
      at.pathname = `/${name}`;
      const urlOf = (role: string, password: string) => {
        const url = new URL(at);
        [url.username, url.password] = [role, encodeURIComponent(password)];
        return url.href;
      };
      const url = urlOf(name, 'own/er?');
      const owner = open(url);
      await migrate(owner);
      const key = randomBytes(32);
      return {
        name,
        url,
        owner,
        admin: open(`${at.href}&user=postgres`),
        key,
        urlOf,
        async start({ apiUrl, keys = [key] as [Buffer], migrates = true } = {}) {
          const seal = new Seal(keys);
          await checkEncryptionKey(owner, seal);
          let shared: string | null = null;
          const database = await openTenantDatabase(
            owner,
            { url, apiUrl: apiUrl ?? null, seal, directUrl: null, migrates },
            { max: 2, name: 'test requests', onShared: (cause) => (shared = cause) },
          );
          requests.push(database.requests);
          return { database, shared };
        },
      };
    },
  };
}
