import type pg from 'pg';
import type { Millis } from '../../model/event.ts';

/** Timeouts of a session in ms; 0: no timeout. */
export interface SessionTimeouts {
  /** For each statement. PostgreSQL ends it, and the session stays usable. */
  readonly statement: Millis;
  /** For each lock that another session holds. */
  readonly lock: Millis;
  /** For the next statement of a transaction. After that PostgreSQL ends the session, which releases its locks. */
  readonly idleInTransaction: Millis;
}

/**
 * Settings that every statement of Tidings relies on, whatever the server, the database, the role, the URL, and PGOPTIONS
 * say. Statements are prepared and planned once, because planning a batch again costs more than running it. A plan made while
 * the tables are small must still be right when they are large, so only index look-ups are allowed.
 */
const SESSION_SETTINGS: readonly (readonly [name: string, value: string])[] = [
  ['timezone', 'UTC'],
  ['datestyle', 'ISO, MDY'],
  ['bytea_output', 'hex'],
  ['default_transaction_isolation', 'read committed'],
  ['default_transaction_read_only', 'off'],
  ['plan_cache_mode', 'force_generic_plan'],
  ['enable_seqscan', 'off'],
  ['enable_hashjoin', 'off'],
  ['enable_mergejoin', 'off'],
  ['enable_material', 'off'],
  ['jit', 'off'],
  // No effect on a Unix socket.
  ['tcp_keepalives_idle', '10'],
  ['tcp_keepalives_interval', '5'],
  ['tcp_keepalives_count', '3'],
];

/**
 * Applies the settings to a session that has just been opened. By statement and not as startup parameters: a `?options=` in
 * the URL would replace these, and a connection pooler such as PgBouncer rejects or drops them.
 */
export async function prepareSession(connection: pg.ClientBase, timeouts: SessionTimeouts): Promise<void> {
  const settings = listSettings(timeouts);
  const calls = settings.map((_, index) => `set_config($${2 * index + 1}, $${2 * index + 2}, false)`);
  await connection.query(`select ${calls.join(', ')}`, settings.flat());
}

function listSettings(timeouts: SessionTimeouts): readonly (readonly [name: string, value: string])[] {
  return [
    ...SESSION_SETTINGS,
    ['statement_timeout', String(timeouts.statement)],
    ['lock_timeout', String(timeouts.lock)],
    ['idle_in_transaction_session_timeout', String(timeouts.idleInTransaction)],
  ];
}

/** Returns the settings that a role needs if its sessions are opened by a pooler, whose own affair the keep-alives are. */
export function listRoleSettings(timeouts: SessionTimeouts): readonly (readonly [name: string, value: string])[] {
  return listSettings(timeouts).filter(([name]) => !name.startsWith('tcp_'));
}

/** Returns the names of the settings that a session does not have: it was reset, or a pooler has exchanged it. */
export async function findLostSettings(connection: Pick<pg.ClientBase, 'query'>): Promise<string[]> {
  // No effect on a Unix socket: these are not compared.
  const expected = SESSION_SETTINGS.filter(([name]) => !name.startsWith('tcp_'));
  const { rows } = await connection.query<{ name: string }>(
    `select name from unnest($1::text[], $2::text[]) as expected(name, value)
     where lower(current_setting(name)) <> lower(value)`,
    [expected.map(([name]) => name), expected.map(([, value]) => value)],
  );
  return rows.map(({ name }) => name);
}

const TIMEOUT_PARAMETERS: { readonly [name: string]: keyof SessionTimeouts } = {
  statement_timeout: 'statement',
  lock_timeout: 'lock',
  idle_in_transaction_session_timeout: 'idleInTransaction',
};

const UNIT_MS: { readonly [unit: string]: Millis } = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Splits the timeouts from the other parameters of a connection URL: they are applied as the other settings are. A number
 * without a unit is in ms, as in PostgreSQL.
 */
export function splitTimeouts(url: string): {
  readonly connectionString: string;
  readonly timeouts: Partial<SessionTimeouts>;
} {
  const timeouts: { -readonly [name in keyof SessionTimeouts]?: Millis } = {};
  const [address = '', query] = url.split('?', 2);
  if (query === undefined) return { connectionString: url, timeouts };
  const others = query.split('&').filter((parameter) => {
    const [name = '', value = ''] = parameter.split('=', 2);
    const timeout = TIMEOUT_PARAMETERS[name];
    const [, number, unit = 'ms'] = /^(\d{1,9})(ms|s|min|h|d)?$/.exec(value) ?? [];
    if (timeout === undefined || number === undefined) return true;
    timeouts[timeout] = Number(number) * (UNIT_MS[unit] as Millis);
    return false;
  });
  return { connectionString: `${address}?${others.join('&')}`, timeouts };
}

/** Returns a connection URL without timeouts: for work that takes as long as the data is large. */
export function dropTimeouts(url: string): string {
  const [address = '', query] = splitTimeouts(url).connectionString.split('?', 2);
  const others = (query ?? '').split('&').filter((parameter) => parameter !== '' && !/^query_timeout=/.test(parameter));
  return others.length === 0 ? address : `${address}?${others.join('&')}`;
}
