/** The tables of the schema, and whether a dump has their rows. A test compares the names with the schema. */
export const TABLES: { readonly [table: string]: TableContent } = {
  // In the order in which they are restored: a row comes after those that it refers to.
  catalogs: 'tenant',
  active_catalogs: 'tenant',
  users: 'tenant',
  addresses: 'tenant',
  events: 'tenant',
  event_ids: 'tenant',
  rejected_events: 'tenant',
  limit_uses: 'tenant',
  waits: 'tenant',
  schedules: 'tenant',
  notifications: 'tenant',
  deliveries: 'tenant',
  attempts: 'tenant',
  messages: 'tenant',
  outbox_events: 'tenant',
  audit_log: 'tenant',
  metadata: 'facts',
  leases: 'local',
  migrations: 'local',
};

/**
 * - `tenant`: the rows of tenants, by tenant_id.
 * - `facts`: facts about the database, of which LOCAL_FACTS and, for one tenant, those of others are left out.
 * - `local`: what belongs to running processes or is made by the restore itself. A dump does not have it.
 */
type TableContent = 'tenant' | 'facts' | 'local';

/** Names of facts that describe this database alone. */
export const LOCAL_FACTS: readonly string[] = ['baseline', 'paused', 'last_dump'];

/** Facts that every dump has: they say which keys the data is sealed and hashed with. */
export const KEY_FACTS: readonly string[] = ['encryption_key', 'hash_key'];

/** Names of facts about one tenant: a space and the tenant follow. */
export const TENANT_FACTS: readonly string[] = ['catalog_directory'];

/** Tables that are dumped, in the order of a restore. */
export const DUMPED_TABLES: readonly string[] = Object.keys(TABLES).filter((name) => TABLES[name] !== 'local');

/** Tables with the rows of tenants. */
export const TENANT_TABLES: readonly string[] = DUMPED_TABLES.filter((name) => TABLES[name] === 'tenant');
