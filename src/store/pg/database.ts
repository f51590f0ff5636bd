import pg from 'pg';
import type { Millis } from '../../model/event.ts';

/** Anything that runs a statement: the pool, or one connection inside a transaction. */
export type Connection = Pick<pg.PoolClient, 'query'>;

/** SQLSTATEs after which the whole transaction is worth another try (PostgreSQL appendix A). */
const RETRYABLE_SQLSTATES = new Set([
  '23505', // unique_violation: another process was first; what it stored is seen by the next try
  '40001', // serialization_failure
  '40P01', // deadlock_detected
]);

/**
 * SQLSTATEs that mean "no database", not "wrong statement": connection exceptions, no resources, shut down or starting, our
 * transaction was ended because we did nothing with it (25P03), and the server takes no writes (25006: another one does now).
 */
const CONNECTION_SQLSTATES = /^(08|53|57P0|25P03$|25006$)/;
const SOCKET =
  /^(ECONN(REFUSED|RESET|ABORTED)|E(HOST|NET)(UNREACH|DOWN)|ENOENT|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EADDRNOTAVAIL)$/;
/** What node-postgres says without a code; the last is its word for `Patience.answer`. */
const LOST =
  /Connection terminated|timeout e(xpired|xceeded when trying to connect)|Client (has encountered a connection error|was closed)|Query read timeout/;

/** There is no way to the database, or none any more: the connection is of no use. Whether a commit was done is not known. */
export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = getSqlState(error);
  return CONNECTION_SQLSTATES.test(code) || SOCKET.test(code) || LOST.test(error.message);
}

/** SQLSTATEs of a statement that was given up for what others did meanwhile. */
const CONTENTION_SQLSTATES = new Set([
  '40001', // serialization_failure, time after time
  '40P01', // deadlock_detected, likewise
  '55P03', // lock_not_available: `Patience.lock`
  '57014', // query_canceled: by an operator, or by a statement_timeout of the installation
]);

/** Nobody's fault, and likely over when it is tried again: unreachable, or too busy. Nothing is known to be stored. */
export function isTransient(error: unknown): boolean {
  return isUnreachable(error) || CONTENTION_SQLSTATES.has(getSqlState(error));
}

/** The database cannot keep a value: data exception (22), program limit exceeded (54), e.g. an index row too large. */
export function isInvalidValueError(error: unknown): boolean {
  return /^(22|54)/.test(getSqlState(error));
}

/** A bug in our code or a violated constraint (integrity constraint violation, 23): trying again fails the same way. */
function isBug(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) return true;
  return getSqlState(error).startsWith('23');
}

/** One item of the work is the cause, whether its values or our code: see halves.ts. */
export function isItemError(error: unknown): boolean {
  return isInvalidValueError(error) || isBug(error);
}

/**
 * The work itself is to blame, not what is around it: it would fail again. Besides the above an error of our own code, which
 * has no code; all others that are not transient (a privilege that is missing, a disk) are to be mended, not passed over.
 */
export function isPermanentError(error: unknown): boolean {
  if (isItemError(error)) return true;
  return error instanceof Error && !('code' in error) && !isUnreachable(error);
}

/** SQLSTATE, or the code of a system error; `undefined` as text where there is none. */
export function getSqlState(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code);
}

const TIMESTAMPTZ = 1184;
const INT8 = 20;

/** Timestamps come out as milliseconds, bigints as numbers: everything here fits in 53 bits. */
const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === TIMESTAMPTZ) return parsePgTime;
    if (oid === INT8) return Number;
    return pg.types.getTypeParser(oid, format as 'text');
  },
};

/** Timeouts of a connection in milliseconds; 0 is none. */
export interface Timeouts {
  /** For the answer to what was sent in one round trip; longer, and the connection is given up with it. */
  readonly query: Millis;
  /** For each lock that somebody else holds. */
  readonly lock: Millis;
  /** PostgreSQL's with us, in a transaction and silent: then it ends the session, and its locks go to who waits for them. */
  readonly idleInTransaction: Millis;
}

/**
 * A process that is frozen or gone keeps the locks of its people for `idle`; that is shorter than `lock`, so those who wait
 * for them go on, and are not refused.
 */
const PATIENCE: Timeouts = { query: 60_000, lock: 20_000, idleInTransaction: 15_000 };

/** @param options.patience where it differs */
export function openPool(url: string, options: { max: number; name: string; timeouts?: Partial<Timeouts> }): pg.Pool {
  const patience = { ...PATIENCE, ...options.timeouts };
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max,
    application_name: options.name,
    connectionTimeoutMillis: 5000,
    idleTimeoutMillis: 0,
    query_timeout: patience.query,
    lock_timeout: patience.lock,
    idle_in_transaction_session_timeout: patience.idleInTransaction,
    // Both sides notice within half a minute when the other one is gone without a word.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // Statements see the same zone everywhere. They are prepared and planned once (planning a batch anew costs more than
    // running it), so a plan made while the tables are small must still be right when they are large: index probes only.
    options: [
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
    ]
      .map((setting) => `-c ${setting}`)
      .join(' '),
    types,
  });
  // A connection that dies (server restarted) is replaced at the next use. Without listeners it ends the process: the pool's
  // own hears of idle ones only, and one that is in use may die between two statements, which then fail by themselves.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** Runs `work` in one transaction; the whole is run again when the database asks for it. */
export function withTransaction<T>(pool: pg.Pool, work: (connection: pg.PoolClient) => Promise<T>): Promise<T> {
  return withTransactionRetry(pool, async (connection) => {
    await connection.query('begin');
    const result = await work(connection);
    await connection.query('commit');
    return result;
  });
}

/** For `work` that begins and commits by itself; run again, as attempt 2, 3 …, when the database asks for it. */
export async function withTransactionRetry<T>(
  pool: pg.Pool,
  work: (connection: pg.PoolClient, attempt: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const connection = await pool.connect();
    try {
      const result = await work(connection, attempt);
      connection.release();
      return result;
    } catch (error) {
      connection.release(!(await rolledBack(connection, error)));
      if (attempt >= 5 || !RETRYABLE_SQLSTATES.has(getSqlState(error))) throw error;
    }
  }
}

/** False: the connection is of no use any more. One that has gone silent is not asked to roll back: it would not answer. */
async function rolledBack(connection: pg.PoolClient, error: unknown): Promise<boolean> {
  if (isUnreachable(error)) return false;
  return connection.query('rollback').then(
    () => true,
    () => false,
  );
}

/** `2025-10-31 19:00:00.123+00`, as PostgreSQL writes it with timezone=UTC. */
export function parsePgTime(text: string): Millis {
  return Date.parse(`${text.slice(0, 10)}T${text.slice(11).replace('+00', 'Z')}`);
}
