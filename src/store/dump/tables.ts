import { REMOVED_SUMS } from '../metrics/removed-sums.ts';
import type { SchemaFile } from '../pg/schema-files.ts';

/**
 * Tables without rows of tenants, which every other table has, and those that are not logged:
 * - `facts`: facts about the database, of which LOCAL_FACTS and, for one tenant, those of others are left out.
 * - `shared`: what rows of several tenants refer to; of one tenant, only what its rows refer to is dumped.
 * - `local`: what belongs to running processes or is made by the restore itself. A dump does not have it.
 */
export const OTHER_TABLES: { readonly [table: string]: 'facts' | 'shared' | 'local' } = {
  metadata: 'facts',
  catalog_contents: 'shared',
  catalog_files: 'shared',
  quotas: 'local',
  rate_limits: 'local',
  circuits: 'local',
  circuit_openings: 'local',
  sessions: 'local',
  login_attempts: 'local',
  leases: 'local',
  metric_folds: 'local',
  held_receipts: 'local',
  migrations: 'local',
};

/** Names of facts that describe this database alone. */
export const LOCAL_FACTS: readonly string[] = [
  'baseline',
  'paused',
  'last_dump',
  'retention_progress',
  'retention_completed_at',
  'metrics_collector',
  'outbox_found',
];

/** Facts that every dump has: they say which keys the data is sealed and hashed with. */
export const KEY_FACTS: readonly string[] = ['encryption_key', 'hash_key'];

/** Names of facts about one tenant: a space and the tenant follow. */
export const TENANT_FACTS: readonly string[] = ['catalog_directory', ...Object.values(REMOVED_SUMS)];

/**
 * Returns the tables of a schema that are dumped, in the order in which the schema creates them: each comes after those that its
 * rows refer to.
 */
export function listDumpedTables(files: readonly SchemaFile[]): string[] {
  const created = files.flatMap(({ sql }) =>
    [...sql.matchAll(/^create table (\w+) \(/gm)].map(([, name = '']) => name),
  );
  return created.filter((name) => OTHER_TABLES[name] !== 'local');
}

/**
 * Tables whose rows the database of a restore may have already, each with its primary key: they are loaded into
 * `restored_TABLE` first.
 */
export const MERGED_TABLES: { readonly [table: string]: string } = {
  catalog_contents: 'content_hash',
  catalog_files: 'files_hash',
  tenants: 'tenant_id',
};

/** Returns whether a table has the rows of tenants. */
export function isTenantTable(table: string): boolean {
  return OTHER_TABLES[table] === undefined;
}
