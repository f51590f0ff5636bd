import type pg from 'pg';
import type { Config } from '../../config.ts';
import { formatCount } from '../../lib/text/format-count.ts';
import type { Seal } from '../../privacy/seal.ts';
import { verifyEncryptionKey } from '../../store/metadata.ts';
import { loadPause } from '../../store/pause.ts';
import { checkServerCapacity } from '../../store/pg/check-server.ts';
import { PROCESS_CONNECTIONS } from '../../store/pg/connections.ts';
import { DatabaseClock, MAX_OFFSET_MS, REPORTED_OFFSET_MS } from '../../store/pg/database-clock.ts';
import { checkServerVersion, inspectSchema } from '../../store/pg/migrate.ts';
import { countLiveTenants, prepareApiLogin } from '../../store/pg/open-tenant-database.ts';
import { loadPartitions, monthNumber, monthRange, TABLES_BY_ID } from '../../store/pg/partition-ranges.ts';
import { checkSessions, findPoolMode, requireRoleSettings, withLoginOf } from '../../store/pg/pooler.ts';
import { newSeal } from '../database/with-database.ts';
import { checkAccounts } from './account-checks.ts';
import { type Finding, fail, ok, runCheck, type Verdict, warn } from './finding.ts';
import type { SenderAccount } from './sender-checks.ts';

/** Rows of a default partition that are counted, at most. */
const MAX_COUNTED_ROWS = 10_000;

export interface OpenDatabase {
  readonly pool: pg.Pool;
  readonly url: string;
  /** URL of the API login; null: Tidings makes it itself, where it may. */
  readonly apiUrl: string | null;
  readonly config: Config;
  /** Receives the sender of each account of a tenant for email. */
  readonly addSender: (sender: SenderAccount) => void;
}

/** Checks a database that can be reached, in the order in which a start would use it. */
export async function checkDatabase(database: OpenDatabase): Promise<Finding[]> {
  const { pool, url, config } = database;
  const findings = [
    await runCheck('version', () => checkVersion(pool)),
    await runCheck('sessions', () => checkPooler(url, config)),
    await runCheck('capacity', async () => {
      await checkServerCapacity(pool, PROCESS_CONNECTIONS);
      return ok('the server has room for this process');
    }),
    await runCheck('clock', () => checkClock(pool)),
  ];
  const schema = await runCheck('schema', () => checkSchema(pool));
  findings.push(schema);
  if (schema.status !== 'ok') return findings;
  const seal = newSeal(config);
  return [
    ...findings,
    await runCheck('encryption', async () => {
      await verifyEncryptionKey(pool, seal);
      return ok('the encryption key is that of the database');
    }),
    await runCheck('roles', () => checkRoles(pool)),
    await runCheck('tenants', () => checkTenants(database, seal)),
    await runCheck('accounts', () => checkAccounts(pool, seal, database.addSender)),
    await runCheck('partitions', () => checkPartitions(pool)),
    await runCheck('active catalog', () => checkActiveCatalog(pool)),
    await runCheck('workers', () => checkPause(pool)),
  ];
}

async function checkVersion(pool: pg.Pool): Promise<Verdict> {
  await checkServerVersion(pool as never);
  const { rows } = await pool.query<{ version: string; standby: boolean; read_only: string }>(
    `select current_setting('server_version') as version, pg_is_in_recovery() as standby,
            current_setting('default_transaction_read_only') as read_only`,
  );
  const { version = '', standby = false } = rows[0] ?? {};
  if (standby) return fail(`PostgreSQL ${version} is a standby, and read-only`, 'let DATABASE_URL lead to the primary');
  return ok(`PostgreSQL ${version}`);
}

async function checkClock(pool: pg.Pool): Promise<Verdict> {
  const clock = new DatabaseClock(pool, { wallClock: Date.now });
  await clock.start();
  await clock.stop();
  const offset = Math.round(clock.offset());
  const detail = `the clock of this machine is ${Math.abs(offset)} ms ${offset >= 0 ? 'ahead of' : 'behind'} the database`;
  if (Math.abs(offset) <= REPORTED_OFFSET_MS) return ok(detail);
  const consequence = 'until then this machine sends nothing and fires no timers';
  const advice = 'synchronize both clocks, for example by NTP';
  return warn(detail, Math.abs(offset) > MAX_OFFSET_MS ? `${advice}: ${consequence}` : advice);
}

async function checkSchema(pool: pg.Pool): Promise<Verdict> {
  const { applied, pending, newer } = await inspectSchema(pool);
  if (newer.length > 0) {
    return ok(`the schema is newer than this program (${newer.join(', ')}), and of the same major version`);
  }
  if (pending.length === 0) return ok(`the schema is up to date (${applied.join(', ')})`);
  const advice = 'a start applies it, unless TIDINGS_MIGRATE is false; then run: npx tidings migrate';
  return warn(`the schema is not up to date: ${pending.join(', ')} is missing`, advice);
}

async function checkRoles(pool: pg.Pool): Promise<Verdict> {
  const { rows } = await pool.query<{ name: string; superuser: boolean; owns: boolean }>(
    `select current_user as name, rolsuper as superuser,
            not exists (select from pg_tables where schemaname = current_schema() and tablename in ('events', 'deliveries', 'users')
                          and not pg_has_role(current_user, tableowner, 'usage')) as owns
     from pg_roles where rolname = current_user`,
  );
  const { name = '', superuser = false, owns = false } = rows[0] ?? {};
  if (!owns)
    return fail(`the login ${name} does not own the tables`, 'let DATABASE_URL name the login that created them');
  if (superuser)
    return warn(`the login ${name} is a superuser`, 'use a login of its own, which owns the database of Tidings only');
  return ok(`the login ${name} owns the tables, and is no superuser`);
}

/** Checks what stands between this machine and the server. @param url of the server itself, if one is configured */
async function checkPooler(url: string, { databaseUrl, directDatabaseUrl }: Config): Promise<Verdict> {
  if (databaseUrl === null) return ok('sessions keep their settings');
  await checkSessions(url, directDatabaseUrl === null ? 'DATABASE_URL' : 'TIDINGS_DIRECT_DATABASE_URL');
  if (directDatabaseUrl === null || (await findPoolMode(databaseUrl)) === 'session') {
    return ok('sessions keep their settings');
  }
  await requireRoleSettings(databaseUrl, 'DATABASE_URL');
  return ok('DATABASE_URL leads to a pooler in transaction mode, whose server connections have their settings');
}

/**
 * Checks the second wall between tenants: a login of the API that row-level security holds for.
 * @param seal has the hash key of the database
 */
async function checkTenants({ pool, url, apiUrl, config }: OpenDatabase, seal: Seal): Promise<Verdict> {
  const count = await countLiveTenants(pool);
  const { directDatabaseUrl } = config;
  const atServer = apiUrl && directDatabaseUrl ? withLoginOf(directDatabaseUrl, apiUrl) : apiUrl;
  const login = await prepareApiLogin(pool, { url, apiUrl: atServer, seal, migrates: false });
  if ('url' in login && apiUrl !== null && config.databaseUrl !== null && directDatabaseUrl === null) {
    await checkSessions(apiUrl, 'TIDINGS_API_DATABASE_URL');
  }
  const tenants = formatCount(count, 'tenant');
  if ('url' in login) return ok(`${tenants}; row-level security holds for the API login ${login.role}`);
  const advice = 'see docs/security.md: set TIDINGS_API_DATABASE_URL, or let the login of DATABASE_URL create roles';
  if (count > 1 || apiUrl !== null) return fail(`${tenants}, and no row-level security: ${login.cause}`, advice);
  return warn(`${tenants}, without row-level security: ${login.cause}`, `${advice}; one tenant alone does not need it`);
}

async function checkPartitions(pool: pg.Pool): Promise<Verdict> {
  const month = monthNumber(Date.now());
  const missing: string[] = [];
  const filled: string[] = [];
  for (const table of ['events', ...TABLES_BY_ID] as const) {
    const partitions = await loadPartitions(pool as never, table);
    for (const wanted of [month, month + 1]) {
      const { from } = monthRange(wanted);
      if (!partitions.some((one) => one.from <= from && from < one.to))
        missing.push(`${table} of ${new Date(from).toISOString().slice(0, 7)}`);
    }
    const { rows } = await pool.query<{ count: number }>(
      `select count(*) as count from (select from ${table}_default limit ${MAX_COUNTED_ROWS}) as found`,
    );
    const count = Number(rows[0]?.count ?? 0);
    if (count > 0) filled.push(`${table}_default (${count === MAX_COUNTED_ROWS ? 'at least ' : ''}${count})`);
  }
  if (missing.length > 0) {
    return warn(
      `missing partitions: ${missing.join(', ')}`,
      'a running Tidings creates them within the hour; see its log if it does not',
    );
  }
  return ok(
    `this month and the next have their partitions${filled.length > 0 ? `; in default partitions: ${filled.join(', ')}` : ''}`,
  );
}

async function checkActiveCatalog(pool: pg.Pool): Promise<Verdict> {
  const { rows } = await pool.query<{ tenants: number; newest: number }>(
    'select count(*) as tenants, max(version) as newest from active_catalogs',
  );
  const { tenants = 0, newest = 0 } = rows[0] ?? {};
  if (Number(tenants) === 0)
    return warn('no catalog has been applied yet', 'start Tidings, or run: npx tidings apply DIR');
  return ok(
    Number(tenants) === 1
      ? `version ${newest} is active`
      : `${formatCount(Number(tenants), 'tenant')} with an active catalog`,
  );
}

async function checkPause(pool: pg.Pool): Promise<Verdict> {
  const pause = await loadPause(pool);
  if (pause === undefined) return ok('no worker is paused');
  return warn(
    `workers are paused since the restore at ${pause.since}`,
    'run tidings resume when they are to send and fire again',
  );
}
