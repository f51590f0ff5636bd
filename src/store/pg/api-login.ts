import type pg from 'pg';
import { ConfigError } from '../../errors.ts';
import type { Connection } from './pool.ts';
import { withTransaction } from './transaction.ts';

/** The login with which the API reads and changes rows of tenants, under row-level security. */

/** Key of the advisory lock under which one process at a time prepares the login; any constant. */
const LOGIN_LOCK_KEY = 7_318_225;

/**
 * Rights of the API login, by table: those that requests of a tenant need. It has no right on a partition, and on no table that is
 * missing here. Catalogs, and templates with them, are changed by the owner, because they have followers.
 */
export const API_GRANTS: { readonly [table: string]: readonly Privilege[] } = {
  tenants: ['SELECT'],
  api_keys: ['SELECT', 'INSERT', 'UPDATE'],
  issuers: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  signing_keys: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  provider_accounts: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  circuits: ['SELECT', 'DELETE'],
  circuit_openings: ['SELECT'],
  route_moves: ['SELECT', 'DELETE'],
  members: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  idempotency_keys: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  catalogs: ['SELECT'],
  releases: ['SELECT'],
  templates: ['SELECT'],
  template_versions: ['SELECT'],
  template_activations: ['SELECT'],
  template_tests: ['SELECT'],
  active_catalogs: ['SELECT'],
  catalog_contents: ['SELECT'],
  catalog_files: ['SELECT'],
  events: ['SELECT'],
  event_ids: ['SELECT'],
  rejected_events: ['SELECT', 'DELETE'],
  users: ['SELECT', 'DELETE'],
  addresses: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  devices: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  erasures: ['SELECT', 'INSERT', 'UPDATE'],
  address_verifications: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  merged_users: ['SELECT', 'DELETE'],
  inbox_items: ['SELECT', 'UPDATE'],
  inboxes: ['SELECT', 'UPDATE'],
  limit_uses: ['SELECT'],
  waits: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  schedules: ['SELECT'],
  notifications: ['SELECT', 'INSERT'],
  deliveries: ['SELECT', 'UPDATE'],
  attempts: ['SELECT', 'INSERT'],
  messages: ['SELECT'],
  receipts: ['SELECT'],
  email_counts: ['SELECT'],
  email_standings: ['SELECT', 'UPDATE'],
  provider_messages: ['SELECT'],
  suppressions: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  consents: ['SELECT'],
  toggles: ['SELECT', 'INSERT', 'DELETE'],
  webhook_endpoints: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  outbox_events: ['SELECT', 'INSERT'],
  webhook_facts: ['SELECT', 'INSERT'],
  kafka_outbox: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  kafka_topics: ['SELECT', 'INSERT', 'UPDATE'],
  audit_log: ['SELECT', 'INSERT'],
  jobs: ['SELECT', 'INSERT', 'UPDATE'],
  job_failures: ['SELECT'],
  batches: ['SELECT', 'INSERT', 'UPDATE'],
  batch_recipients: ['SELECT', 'INSERT'],
  lists: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  list_members: ['SELECT', 'INSERT', 'DELETE'],
  connector_secrets: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  connector_tasks: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  user_products: ['SELECT', 'DELETE'],
  leases: ['SELECT'],
  rate_limits: ['SELECT'],
  kafka_offsets: ['SELECT'],
  metric_deltas: ['SELECT'],
  metric_rollups: ['SELECT'],
  goal_events: ['SELECT'],
  exposures: ['SELECT'],
  paused_sources: ['SELECT', 'INSERT', 'DELETE'],
};

/** Rights on some columns of a table. A tenant changes neither its own status nor whose catalog it follows. */
const API_COLUMN_GRANTS: { readonly [table: string]: readonly [Privilege, ...columns: string[]] } = {
  tenants: ['UPDATE', 'name', 'settings', 'revision', 'updated_at'],
  // A device or an address that is added gives deliveries another chance, and their attempts say so.
  attempts: ['UPDATE', 'reason'],
  notifications: ['UPDATE', 'cancelled_at'],
  // An account that is changed may leave another one alone in its route.
  route_moves: ['UPDATE', 'share'],
};

type Privilege = 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE';

/** Returns the name of the role that Tidings makes itself on a server where several databases may have one. */
export async function getApiRole(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<{ id: string }>(
    'select oid::text as id from pg_database where datname = current_database()',
  );
  return `tidings_api_${rows[0]?.id}`;
}

/**
 * Makes the role, or gives it this password again. One process at a time; a second one finds it made.
 * @throws an error with SQLSTATE 42501 if the login of `pool` must not create roles
 */
export async function createApiRole(pool: pg.Pool, role: string, password: string): Promise<void> {
  await withTransaction(pool, async (connection) => {
    await connection.query('select pg_advisory_xact_lock($1)', [LOGIN_LOCK_KEY]);
    const { rows } = await connection.query('select from pg_roles where rolname = $1', [role]);
    const change = rows.length > 0 ? 'alter' : 'create';
    const secret = connection.escapeLiteral(password);
    await connection.query(`${change} role ${connection.escapeIdentifier(role)} login password ${secret}`);
  });
}

/** Grants the role what API_GRANTS says and revokes every other right on tables of Tidings; does nothing if it has exactly those. */
export async function grantApiRights(pool: pg.Pool, role: string): Promise<void> {
  if ((await findWrongRights(pool, role)).length === 0) return;
  await withTransaction(pool, async (connection) => {
    await connection.query('select pg_advisory_xact_lock($1)', [LOGIN_LOCK_KEY]);
    const tables = await findWrongRights(connection, role);
    const to = connection.escapeIdentifier(role);
    for (const table of tables) {
      const name = connection.escapeIdentifier(table);
      const rights = API_GRANTS[table];
      await connection.query(`revoke all on table ${name} from ${to}`);
      if (rights) await connection.query(`grant ${rights.join(', ')} on table ${name} to ${to}`);
      const [right, ...columns] = API_COLUMN_GRANTS[table] ?? [];
      if (right) await connection.query(`grant ${right} (${columns.join(', ')}) on table ${name} to ${to}`);
    }
    const { rows } = await connection.query<{ may: boolean }>(
      `select has_schema_privilege($1, current_schema(), 'usage') as may`,
      [role],
    );
    if (!rows[0]?.may) {
      await connection.query(
        `do $$ begin execute format('grant usage on schema %I to %I', current_schema(), ${connection.escapeLiteral(role)}); end $$`,
      );
    }
  });
}

/** Returns the tables on which the role was granted more or less than API_GRANTS says. */
export async function findWrongRights(connection: Pick<Connection, 'query'>, role: string): Promise<string[]> {
  const { rows } = await connection.query<{ table: string; rights: string; columns: string }>(
    `select relname as table,
            array_to_string(array(select privilege_type from aclexplode(relacl) where grantee = to_regrole(quote_ident($1))
                                  order by 1), ',') as rights,
            array_to_string(array(select attname || ' ' || privilege_type
                                  from pg_attribute as a cross join lateral aclexplode(attacl)
                                  where attrelid = c.oid and grantee = to_regrole(quote_ident($1)) order by 1), ',') as columns
     from pg_class as c
     where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p', 'v')`,
    [role],
  );
  return rows
    .filter(({ table, rights, columns }) => {
      const wanted = [...(API_GRANTS[table] ?? [])].sort().join(',');
      const [right, ...names] = API_COLUMN_GRANTS[table] ?? [];
      const wantedColumns = names.map((column) => `${column} ${right}`).sort();
      return rights !== wanted || columns !== wantedColumns.join(',');
    })
    .map(({ table }) => table);
}

/**
 * Returns why row-level security does not hold for a role, or would not after a statement of its own; null: it holds.
 */
export async function findBypass(connection: Pick<Connection, 'query'>, role: string): Promise<string | null> {
  const { rows } = await connection.query<{ [cause in keyof typeof CAUSES]: boolean } & { open: string | null }>(
    `select rolsuper as superuser, rolbypassrls as bypass, rolcreaterole as "createRole",
            exists (select from pg_class where relnamespace = current_schema()::regnamespace and relname = any($2::text[])
                    and pg_has_role(r.oid, relowner, 'member')) as owner,
            exists (select from pg_roles as other where other.oid <> r.oid and pg_has_role(r.oid, other.oid, 'member')
                    and (rolsuper or rolbypassrls or rolcreaterole
                         or rolname in ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program'))) as member,
            (select min(relname) from pg_class as c
             where relnamespace = current_schema()::regnamespace and not relrowsecurity
               and (relname = any($2::text[])
                    or exists (select from pg_inherits join pg_class as parent on parent.oid = inhparent
                               where inhrelid = c.oid and parent.relname = any($2::text[])))
               and relkind in ('r', 'p')) as open
     from pg_roles as r where rolname = $1`,
    [role, Object.keys(API_GRANTS)],
  );
  const [found] = rows;
  if (!found) return `the role ${role} does not exist`;
  for (const [cause, text] of Object.entries(CAUSES)) {
    if (found[cause as keyof typeof CAUSES]) return `the role ${role} ${text}`;
  }
  return found.open === null ? null : `row-level security is not enabled on ${found.open}`;
}

const CAUSES = {
  superuser: 'is a superuser',
  bypass: 'has BYPASSRLS',
  createRole: 'has CREATEROLE, with which it could become another role',
  owner: 'owns tables of Tidings, or is a member of the role that does',
  member: 'is a member of a role that row-level security does not hold for',
} as const;

/** Returns the role of the sessions of a pool. @throws ConfigError if its sessions act as another role than they log in as */
export async function loadSessionRole(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<{ session: string; current: string }>(
    'select session_user as session, current_user as current',
  );
  const { session = '', current = '' } = rows[0] ?? {};
  if (session === current) return session;
  throw new ConfigError(
    `TIDINGS_API_DATABASE_URL logs in as ${session} and then acts as ${current}; log in as the role itself`,
  );
}
