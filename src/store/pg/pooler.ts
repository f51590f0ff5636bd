import pg from 'pg';
import { ConfigError } from '../../errors.ts';
import { getSqlState } from './errors.ts';
import { findLostSettings, listRoleSettings, type SessionTimeouts, splitTimeouts } from './session.ts';

/** Time for which a pooler lends a server connection to a client. */
export type PoolMode = 'session' | 'transaction';

/**
 * Finds out whether a URL leads to a connection pooler that lends a server connection for one transaction at a time.
 *
 * @param variable the environment variable that has the URL
 * @throws ConfigError for a pooler in statement mode, with which no transaction is possible
 */
export async function findPoolMode(url: string, variable = 'DATABASE_URL'): Promise<PoolMode> {
  const [first, second] = [openClient(url), openClient(url)];
  try {
    await Promise.all([first.connect(), second.connect()]);
    for (let round = 0; round < POOLER_ROUNDS; round++) {
      const before = await getBackend(first);
      // While another transaction is open, a pooler by transaction lends the server connection that was given back last.
      await second.query('begin').catch((error) => {
        // PgBouncer in statement mode allows no transactions.
        throw getSqlState(error) === '08P01' ? rejected(variable, 'statement') : error;
      });
      const other = await getBackend(second);
      const after = await getBackend(first);
      await second.query('rollback');
      if (other === before || after !== before) return 'transaction';
    }
    return 'session';
  } finally {
    await Promise.all([first, second].map((client) => client.end().catch(() => {})));
  }
}

/**
 * Checks that a session keeps its settings and locks, which is not so behind a pooler in transaction or statement mode.
 * @throws ConfigError that says what to change
 */
export async function checkSessions(url: string, variable = 'DATABASE_URL'): Promise<void> {
  if ((await findPoolMode(url, variable)) === 'transaction') throw rejected(variable, 'transaction');
}

function rejected(variable: string, mode: 'transaction' | 'statement'): ConfigError {
  const direct =
    mode === 'transaction' && variable !== 'TIDINGS_DIRECT_DATABASE_URL'
      ? ', or keep its transaction mode and set TIDINGS_DIRECT_DATABASE_URL to the address of PostgreSQL itself'
      : '';
  return new ConfigError(
    `${variable} leads to a connection pooler in ${mode} mode, which loses session settings, locks and notifications. ` +
      `Use its session mode (in PgBouncer: pool_mode = session)${direct || ', or the address of PostgreSQL itself'}.`,
  );
}

/**
 * Gives the role of a URL the settings of a session, in its database: a server connection that a pooler opens has them from then
 * on. Writes only what differs. Several processes may call it at the same time.
 *
 * @param directUrl of PostgreSQL itself
 */
export async function saveRoleSettings(directUrl: string, timeouts: SessionTimeouts): Promise<void> {
  const client = openClient(directUrl);
  try {
    await client.connect();
    for (let attempt = 1; ; attempt++) {
      const { rows } = await client.query<{ settings: string[] | null }>(
        `select setconfig as settings from pg_db_role_setting
         where setrole = current_user::regrole and setdatabase = (select oid from pg_database where datname = current_database())`,
      );
      const stored = new Set(rows[0]?.settings);
      const missing = listRoleSettings(timeouts).filter(([name, value]) => !stored.has(`${name}=${value}`));
      if (missing.length === 0) return;
      const database = client.escapeIdentifier(client.database ?? '');
      const changes = missing.map(
        ([name, value]) =>
          `alter role current_user in database ${database} set ${name} = ${client.escapeLiteral(value)}`,
      );
      try {
        await client.query(changes.join('; '));
        return;
      } catch (error) {
        // XX000: another process writes the same row.
        if (getSqlState(error) !== 'XX000' || attempt === MAX_SAVES) throw error;
      }
    }
  } finally {
    await client.end().catch(() => {});
  }
}

/**
 * Checks that the server connections of a pooler have the settings of their role.
 * @throws ConfigError if one was opened before the role had them
 */
export async function requireRoleSettings(url: string, variable: string): Promise<void> {
  const client = openClient(url);
  try {
    await client.connect();
    const lost = await findLostSettings(client);
    if (lost.length === 0) return;
    throw new ConfigError(
      `${variable} leads to a connection pooler whose server connections lack the settings of their role (${lost.join(', ')}): ` +
        'they were opened before a Tidings set them. Have the pooler open them again (in PgBouncer: RECONNECT), and start again.',
    );
  } finally {
    await client.end().catch(() => {});
  }
}

/** Returns the URL of the same login on another server. Parameters take precedence over what stands before the host. */
export function withLoginOf(url: string, login: string): string {
  const { user, password } = openClient(login);
  const own = `user=${encodeURIComponent(user ?? '')}&password=${encodeURIComponent(String(password ?? ''))}`;
  return `${url}${url.includes('?') ? '&' : '?'}${own}`;
}

const POOLER_ROUNDS = 3;
const MAX_SAVES = 5;

function openClient(url: string): pg.Client {
  const { connectionString } = splitTimeouts(url);
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5000, query_timeout: 5000 });
  client.on('error', () => {});
  return client;
}

async function getBackend(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]?.pid ?? 0;
}
