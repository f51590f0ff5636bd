import type pg from 'pg';
import { ConfigError } from '../../errors.ts';
import {
  checkServerVersion,
  createMigrationsTable,
  loadSchemaState,
  MIGRATION_LOCK_KEY,
  runSchemaFile,
} from '../pg/migrate.ts';
import type { Connection } from '../pg/pool.ts';
import { loadSchemaFiles, type SchemaFile } from '../pg/schema-files.ts';
import { alreadyThere, requireLiveId, withTestTenant } from './added-tenant.ts';
import { DumpError, type DumpHeader } from './format.ts';
import { isTenantTable, listDumpedTables, MERGED_TABLES } from './tables.ts';
import { loadColumns } from './write-dump.ts';

/** A restore: the dump, and the tenant to restore; null: all. */
export interface RestoreTarget {
  readonly header: DumpHeader;
  readonly tenant: string | null;
}

/**
 * Checks that a dump can be restored into this database, and creates the schema of the dump unless it exists. Returns whether
 * the database has no rows of any tenant. Unless a tenant is added to an installation, other processes wait with their start
 * until the transaction of the caller ends.
 *
 * @throws ConfigError that says what is in the way
 */
export async function prepareTarget(connection: pg.PoolClient, target: RestoreTarget): Promise<boolean> {
  const { header, tenant } = target;
  await checkServerVersion(connection);
  if (tenant !== null) requireLiveId(tenant);
  checkTenant(target);
  const files = await loadSchemaFiles();
  const dumped = selectDumpedFiles(header, files);
  await lockTarget(connection, (await loadSchemaState(connection, files)).applied.length === 0 ? null : tenant);
  const { applied } = await loadSchemaState(connection, files);
  if (applied.length === 0) {
    await createMigrationsTable(connection);
    for (const file of dumped) await runSchemaFile(connection, file);
  } else if (applied.length !== dumped.length) {
    throw new ConfigError(
      `the dump has the schema of ${dumped.at(-1)?.file}, and this database that of ${applied.at(-1)}; restore into a database without tables`,
    );
  }
  const tables = listDumpedTables(dumped);
  await checkColumns(connection, header, tables);
  const filled = applied.length === 0 ? undefined : await findRows(connection, tables, null);
  if (tenant === null) {
    if (filled) {
      throw new ConfigError(`the database is not empty: ${filled} has rows; restore into an empty database`);
    }
    await requireStopped(connection);
  } else if (filled && (await findRows(connection, tables, tenant))) {
    throw await alreadyThere(connection, tenant);
  }
  await connection.query('create temporary table restored_facts (name text, value text) on commit drop');
  return filled === undefined;
}

/**
 * Keeps other restores of a tenant away until the end of the transaction; null: everything that starts, migrates or restores.
 */
async function lockTarget(connection: Connection, tenant: string | null): Promise<void> {
  const { rows } = await connection.query<{ locked: boolean }>(
    tenant === null
      ? `select pg_try_advisory_xact_lock(${MIGRATION_LOCK_KEY}) as locked`
      : `select pg_try_advisory_xact_lock(hashtextextended('restore ' || $1, 0)) as locked`,
    tenant === null ? [] : [tenant],
  );
  if (!rows[0]?.locked) throw new ConfigError('another process starts, migrates or restores here; try again later');
}

function checkTenant({ header, tenant }: RestoreTarget): void {
  if (header.tenant === null || tenant === header.tenant) return;
  throw new DumpError(`the dump has only the tenant "${header.tenant}"`);
}

/** Returns the files that make the schema of the dump. */
function selectDumpedFiles({ schema, program }: DumpHeader, files: readonly SchemaFile[]): SchemaFile[] {
  return schema.map(({ file, hash }, index) => {
    const own = files[index];
    if (own?.file === file && own.hash === hash) return own;
    throw new DumpError(
      own?.file === file
        ? `the dump was made by another development version of Tidings (${program}), whose schema ${file} differs`
        : `the dump has a newer schema (${file}, by Tidings ${program}) than this program; use a newer Tidings`,
    );
  });
}

/** Table and column names of the dump become a part of statements: they must be those of the schema. */
async function checkColumns(
  connection: Connection,
  { tables }: DumpHeader,
  expected: readonly string[],
): Promise<void> {
  const names = tables.map(({ name }) => name);
  if (names.join() !== expected.join()) throw new DumpError('the dump does not have the tables of its schema');
  for (const { name, columns } of tables) {
    const own = await loadColumns(connection, name);
    if (JSON.stringify(own) === JSON.stringify(columns)) continue;
    throw new DumpError(`the dump does not have the columns of ${name} in its schema`);
  }
}

/** Returns a table with rows of this tenant or its test keys; null: of any; undefined: no table has one. */
async function findRows(
  connection: Connection,
  tables: readonly string[],
  tenant: string | null,
): Promise<string | undefined> {
  for (const table of tables.filter((name) => isTenantTable(name) && MERGED_TABLES[name] === undefined)) {
    const where = tenant === null ? '' : 'where tenant_id = any ($1)';
    const values = tenant === null ? [] : [withTestTenant(tenant)];
    const { rows } = await connection.query(`select from ${table} ${where} limit 1`, values);
    if (rows.length > 0) return table;
  }
  return undefined;
}

/** @throws ConfigError if another process of Tidings runs on this database */
async function requireStopped(connection: Connection): Promise<void> {
  const { rows } = await connection.query<{ name: string }>(
    `select application_name as name from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and application_name like 'tidings %'
       and application_name not in ('tidings restore', 'tidings guard') limit 1`,
  );
  if (rows.length === 0) return;
  throw new ConfigError('Tidings runs on this database; stop all its processes before you restore into it');
}
