import pg from 'pg';
import type { Millis } from '../../model/event.ts';
import { PooledClient } from './pooled-client.ts';
import { prepareSession, type SessionTimeouts, splitTimeouts } from './session.ts';

/** Anything that runs a statement: the pool, or one connection inside a transaction. */
export type Connection = Pick<pg.PoolClient, 'query'>;

/** Timeouts of a connection in ms; 0: no timeout. */
export interface Timeouts extends SessionTimeouts {
  /** For the response to what was sent in one round trip. After that the connection is discarded. */
  readonly query: Millis;
}

/**
 * `statement` is a little shorter than `query`, so that the server ends a statement before this process forgets it, and it
 * does not live on. `idleInTransaction` is shorter than `lock`: when a process hangs while it holds the locks of users, the
 * sessions that wait for them continue, rather than fail.
 */
const DEFAULT_TIMEOUTS: Timeouts = { query: 60_000, statement: 55_000, lock: 20_000, idleInTransaction: 15_000 };

export interface PoolOptions {
  readonly max: number;
  readonly name: string;
  readonly timeouts?: Partial<Timeouts>;
  readonly prepare?: (session: pg.ClientBase) => Promise<void>;
  /** Whether the URL leads to a pooler in transaction mode: the settings are those of the role, and nothing is prepared. */
  readonly isPooled?: boolean;
}

/**
 * Opens a pool of connections. Timestamps are returned in ms and bigints as numbers. A connection that dies is replaced at
 * its next use. Every session has the settings of session.ts.
 *
 * @param options.name application_name of its sessions
 * @param url its parameters `statement_timeout`, `lock_timeout` and `idle_in_transaction_session_timeout` replace the timeouts
 * @param options.timeouts replace the default ones
 * @param options.prepare prepares each new session further, if it stays one
 */
export function openPool(url: string, options: PoolOptions): pg.Pool {
  const { connectionString } = splitTimeouts(url);
  const timeouts = getTimeouts(url, options.timeouts);
  const pool = new pg.Pool({
    ...(options.isPooled ? { Client: PooledClient } : {}),
    connectionString,
    max: options.max,
    application_name: options.name,
    connectionTimeoutMillis: 5000,
    idleTimeoutMillis: 0,
    query_timeout: timeouts.query,
    // Both sides notice within half a minute that the other has gone without closing the connection.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    onConnect: async (client) => {
      if (options.isPooled) return;
      await prepareSession(client, timeouts);
      await options.prepare?.(client);
    },
    types: TYPE_PARSERS,
  });
  // Without listeners an error event would end the process. The pool's event covers idle connections only. A connection in
  // use may die between two statements; the next of them then fails.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** Returns the timeouts of connections: those of a URL, and else those given, and else the default ones. */
export function getTimeouts(url: string, given: Partial<Timeouts> = {}): Timeouts {
  return { ...DEFAULT_TIMEOUTS, ...given, ...splitTimeouts(url).timeouts };
}

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
