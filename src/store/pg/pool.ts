import pg from 'pg';
import type { Millis } from '../../model/event.ts';

/** Anything that runs a statement: the pool, or one connection inside a transaction. */
export type Connection = Pick<pg.PoolClient, 'query'>;

/** Timeouts of a connection in ms; 0: no timeout. */
export interface Timeouts {
  /** For the response to what was sent in one round trip. After that the connection is discarded. */
  readonly query: Millis;
  /** For each lock that another session holds. */
  readonly lock: Millis;
  /** For the next statement of a transaction. After that PostgreSQL ends the session, which releases its locks. */
  readonly idleInTransaction: Millis;
}

/**
 * `idleInTransaction` is shorter than `lock`: when a process hangs while it holds the locks of users, the sessions that
 * wait for them continue, rather than fail.
 */
const DEFAULT_TIMEOUTS: Timeouts = { query: 60_000, lock: 20_000, idleInTransaction: 15_000 };

/**
 * Opens a pool of connections. Timestamps are returned in ms and bigints as numbers. A connection that dies is replaced at
 * its next use.
 *
 * @param options.name application_name of its sessions
 * @param options.timeouts replace the default ones
 */
export function openPool(url: string, options: { max: number; name: string; timeouts?: Partial<Timeouts> }): pg.Pool {
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max,
    application_name: options.name,
    connectionTimeoutMillis: 5000,
    idleTimeoutMillis: 0,
    query_timeout: timeouts.query,
    lock_timeout: timeouts.lock,
    idle_in_transaction_session_timeout: timeouts.idleInTransaction,
    // Both sides notice within half a minute that the other has gone without closing the connection.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    options: SESSION_SETTINGS.map((setting) => `-c ${setting}`).join(' '),
    types: TYPE_PARSERS,
  });
  // Without listeners an error event would end the process. The pool's event covers idle connections only. A connection in
  // use may die between two statements; the next of them then fails.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/**
 * Statements are prepared and planned once, because planning a batch again costs more than running it. A plan made while
 * the tables are small must still be right when they are large, so only index look-ups are allowed.
 */
const SESSION_SETTINGS = [
  'tcp_keepalives_idle=10',
  'tcp_keepalives_interval=5',
  'tcp_keepalives_count=3',
  'timezone=UTC',
  'plan_cache_mode=force_generic_plan',
  'enable_seqscan=off',
  'enable_hashjoin=off',
  'enable_mergejoin=off',
  'enable_material=off',
  'jit=off',
];

const TIMESTAMPTZ_OID = 1184;
const INT8_OID = 20;

/** Every bigint here fits in 53 bits. */
const TYPE_PARSERS = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === TIMESTAMPTZ_OID) return parsePgTime;
    if (oid === INT8_OID) return Number;
    return pg.types.getTypeParser(oid, format as 'text');
  },
};

/** Returns a time in ms, from `2025-10-31 19:00:00.123+00`: as PostgreSQL writes it with timezone=UTC. */
export function parsePgTime(text: string): Millis {
  return Date.parse(`${text.slice(0, 10)}T${text.slice(11).replace('+00', 'Z')}`);
}
