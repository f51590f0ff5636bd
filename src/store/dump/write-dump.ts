import { createHash, type Hash } from 'node:crypto';
import type pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { ConfigError } from '../../errors.ts';
import type { Seal } from '../../privacy/seal.ts';
import { isoTime } from '../../time/iso-time.ts';
import { SEALED_TABLES } from '../encryption/sealed-tables.ts';
import { verifyEncryptionKey } from '../metadata.ts';
import { loadSchemaState, requireMigrated } from '../pg/migrate.ts';
import { listMonths } from '../pg/months.ts';
import type { Connection } from '../pg/pool.ts';
import { loadSchemaFiles } from '../pg/schema-files.ts';
import { loadTenant } from '../tenants/tenants.ts';
import { requireLiveId, withTestTenant } from './added-tenant.ts';
import { type DumpHeader, FORMAT, FORMAT_VERSION, HASH_CHECK_TEXT, SEAL_PURPOSE, type TableEnd } from './format.ts';
import { awaitQuiet, requireUnchanged } from './quiet-tenant.ts';
import { isTenantTable, KEY_FACTS, LOCAL_FACTS, listDumpedTables, TENANT_FACTS } from './tables.ts';

/** Progress of a dump or a restore. */
export interface DumpProgress {
  readonly table: string;
  /** Rows of the tables before this one. */
  readonly rows: number;
  /** Uncompressed bytes so far. */
  readonly bytes: number;
}

export interface DumpOptions {
  readonly pool: pg.Pool;
  readonly seal: Seal;
  /** Version of this program. */
  readonly program: string;
  /** The only tenant to dump, with that of its test keys; null: all. */
  readonly tenant: string | null;
  readonly onProgress?: (progress: DumpProgress) => void;
}

/** The result of a dump: what is in the file. */
export interface DumpSummary extends DumpHeader {
  readonly contents: readonly TableEnd[];
  readonly rows: number;
}

/**
 * Writes the lines of a dump (see format.ts) from one snapshot, while Tidings runs. Returns its summary at the end.
 *
 * @throws ConfigError if the schema is not that of this program, the key is another one, there is no such tenant, or something of
 *   one that moves does not end, or that one is resumed meanwhile
 */
export async function* writeDump(options: DumpOptions): AsyncGenerator<Buffer, DumpSummary> {
  const { pool, seal, tenant } = options;
  const revision = tenant === null ? undefined : await awaitQuiet(pool, tenant);
  const connection = await pool.connect();
  try {
    // The settings of a session keep its statements from reading whole tables.
    await connection.query('begin isolation level repeatable read read only; set local enable_seqscan = on');
    await verifyEncryptionKey(connection, seal);
    if (tenant !== null) await requireTenant(connection, tenant, revision);
    const header = await loadHeader(connection, options);
    const output = new DumpOutput(options.onProgress);
    yield output.line(header);
    const contents: TableEnd[] = [];
    for (const { name, columns } of header.tables) {
      const where = await toCondition(connection, name, tenant);
      const list = columns.map((column) => `"${column.name}"`).join(', ');
      const end = yield* output.rows(connection, name, `select ${list} from ${name} ${where}`);
      contents.push(end);
    }
    if (tenant !== null && revision !== undefined) await requireUnchanged(pool, tenant, revision);
    yield output.end(seal);
    return { ...header, contents, rows: output.rowsWritten };
  } finally {
    // Closed: a COPY that was interrupted would go on.
    connection.release(true);
  }
}

/** Counts and hashes what is written. */
class DumpOutput {
  readonly #hash: Hash = createHash('sha256');
  readonly #onProgress: (progress: DumpProgress) => void;
  #bytes = 0;
  rowsWritten = 0;

  constructor(onProgress: (progress: DumpProgress) => void = () => {}) {
    this.#onProgress = onProgress;
  }

  line(content: object): Buffer {
    return this.#count(Buffer.from(`${JSON.stringify(content)}\n`));
  }

  async *rows(connection: pg.PoolClient, table: string, query: string): AsyncGenerator<Buffer, TableEnd> {
    const hash = createHash('sha256');
    const copy = connection.query(copyTo(`copy (${query}) to stdout with (format text, encoding 'UTF8')`));
    for await (const chunk of copy as AsyncIterable<Buffer>) {
      hash.update(chunk);
      yield this.#count(chunk);
      this.#onProgress({ table, rows: this.rowsWritten, bytes: this.#bytes });
    }
    const end = { table, rows: copy.rowCount, sha256: hash.digest('hex') };
    this.rowsWritten += end.rows;
    yield this.#count(Buffer.from('\\.\n'));
    yield this.line(end);
    return end;
  }

  end(seal: Seal): Buffer {
    const sha256 = this.#hash.copy().digest('hex');
    const sealed = seal.seal(sha256, SEAL_PURPOSE).bytes.toString('base64');
    return this.line({ end: true, rows: this.rowsWritten, sha256, seal: sealed });
  }

  #count(bytes: Buffer): Buffer {
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
    return bytes;
  }
}

async function loadHeader(connection: Connection, { seal, program, tenant }: DumpOptions): Promise<DumpHeader> {
  const files = await loadSchemaFiles();
  const state = await loadSchemaState(connection, files);
  requireMigrated(state);
  if (state.newer.length > 0) {
    throw new ConfigError(
      `the database has ${state.newer.join(', ')}, which this program does not know; dump it with the Tidings that runs on it`,
    );
  }
  const tables: DumpHeader['tables'] = [];
  for (const name of listDumpedTables(files)) tables.push({ name, columns: await loadColumns(connection, name) });
  const { rows } = await connection.query<{ now: number }>('select clock_timestamp() as now');
  return {
    format: FORMAT,
    format_version: FORMAT_VERSION,
    program,
    created_at: isoTime(rows[0]?.now ?? 0),
    tenant,
    key_ids: await findKeys(connection, seal),
    hash_check: seal.hash(HASH_CHECK_TEXT),
    schema: files.map(({ file, hash }) => ({ file, hash })),
    partitions: await listMonths(connection),
    tables,
  };
}

/** Loads the columns of a table, the tenant first. */
export async function loadColumns(connection: Connection, table: string): Promise<{ name: string; type: string }[]> {
  const { rows } = await connection.query<{ name: string; type: string }>(
    `select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
     where attrelid = to_regclass($1) and attnum > 0 and not attisdropped and attgenerated = ''
     order by attname <> 'tenant_id', attnum`,
    [table],
  );
  return rows;
}

/** Returns the ids of the keys that something is sealed under. */
async function findKeys(connection: Connection, seal: Seal): Promise<string[]> {
  if (seal.keyIds.length === 1) return [...seal.keyIds];
  // Several keys: a rotation is about to begin, runs or has ended.
  const found = new Set([seal.keyId]);
  for (const { name, hasKeyId } of SEALED_TABLES) {
    const keyId = hasKeyId ? 'key_id' : `encode(substring(sealed from 1 for 8), 'hex')`;
    const { rows } = await connection.query<{ id: string }>(
      `select distinct ${keyId} as id from ${name} where sealed is not null limit 10`,
    );
    for (const { id } of rows) if (seal.keyIds.includes(id)) found.add(id);
  }
  const { rows } = await connection.query<{ value: string }>(
    `select value from metadata where name = 'encryption_key'`,
  );
  for (const { value } of rows) found.add(value);
  return [...found];
}

/** @param revision that of a tenant that moves when it was quiet; undefined: it did not move */
async function requireTenant(connection: Connection, tenant: string, revision: number | undefined): Promise<void> {
  requireLiveId(tenant);
  const stored = await loadTenant(connection, tenant);
  if (stored === null) throw new ConfigError(`there is no tenant "${tenant}" in this database`);
  if (stored.status === 'deleting') {
    throw new ConfigError(`the tenant "${tenant}" is being deleted; a dump would have only a part of it`);
  }
  if (revision !== undefined) return requireUnchanged(connection, tenant, revision);
  if (stored.status === 'moving') {
    throw new ConfigError(`the tenant "${tenant}" began to move meanwhile; nothing was dumped; dump it again`);
  }
}

/** Returns the condition of the rows to dump; empty: all. */
async function toCondition(connection: Connection, table: string, tenant: string | null): Promise<string> {
  const key = SHARED_KEYS[table];
  if (key !== undefined) {
    if (tenant === null) return '';
    return `where ${key} in (select ${key} from catalogs where tenant_id in (${await quoteTenants(connection, tenant)}))`;
  }
  if (!isTenantTable(table)) {
    const { rows } = await connection.query<{ name: string }>('select name from metadata');
    const wanted = rows.map(({ name }) => name).filter((name) => isDumpedFact(name, tenant));
    return `where name = any (${await quote(connection, `{${wanted.map((name) => JSON.stringify(name)).join(',')}}`)}::text[])`;
  }
  return tenant === null ? '' : `where tenant_id in (${await quoteTenants(connection, tenant)})`;
}

/** Columns of `catalogs` that refer to the tables which tenants share. */
const SHARED_KEYS: { readonly [table: string]: string } = {
  catalog_contents: 'content_hash',
  catalog_files: 'files_hash',
};

async function quoteTenants(connection: Connection, tenant: string): Promise<string> {
  const literals: string[] = [];
  for (const one of withTestTenant(tenant)) literals.push(await quote(connection, one));
  return literals.join(', ');
}

/** Returns whether a dump, of this tenant or of all, has a fact. */
export function isDumpedFact(name: string, tenant: string | null): boolean {
  if (LOCAL_FACTS.includes(name)) return false;
  if (tenant === null || KEY_FACTS.includes(name)) return true;
  return withTestTenant(tenant).some((one) => TENANT_FACTS.some((fact) => name === `${fact} ${one}`));
}

/** Returns a text as a SQL literal: COPY has no parameters. */
async function quote(connection: Connection, text: string): Promise<string> {
  const { rows } = await connection.query<{ literal: string }>('select quote_literal($1::text) as literal', [text]);
  return rows[0]?.literal ?? 'null';
}
