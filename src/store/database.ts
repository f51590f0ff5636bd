import pg from 'pg';
import type { Millis } from '../model.ts';

/** Anything that runs a statement: the pool, or one connection inside a transaction. */
export type Connection = Pick<pg.PoolClient, 'query'>;

/** SQLSTATEs after which the whole transaction is worth another try (PostgreSQL appendix A). */
const WORTH_RETRYING = new Set([
  '23505', // unique_violation: another process was first; what it stored is seen by the next try
  '40001', // serialization_failure
  '40P01', // deadlock_detected
]);

/** SQLSTATE classes and socket codes that mean "no database", not "wrong statement". */
const UNREACHABLE = /^(08|53|57P0)|^(ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|ETIMEDOUT|ENOTFOUND)$/;

export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string' && UNREACHABLE.test(code)) return true;
  return /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/.test(
    error.message,
  );
}

/** The database cannot keep a value: data exception (22), program limit exceeded (54), e.g. an index row too large. */
export function isRefusedValue(error: unknown): boolean {
  return /^(22|54)/.test(String((error as { code?: unknown } | null)?.code));
}

/** Ours, and the same when it is tried again: a bug, or what its work offends (integrity constraint violation, 23). */
export function isMistake(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) return true;
  return String((error as { code?: unknown } | null)?.code).startsWith('23');
}

const TIMESTAMPTZ = 1184;
const INT8 = 20;

/** Timestamps come out as milliseconds, bigints as numbers: everything here fits in 53 bits. */
const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === TIMESTAMPTZ) return parseTimestamp;
    if (oid === INT8) return Number;
    return pg.types.getTypeParser(oid, format as 'text');
  },
};

export function openPool(url: string, options: { max: number; name: string }): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max,
    application_name: options.name,
    connectionTimeoutMillis: 5000,
    idleTimeoutMillis: 0,
    // Statements see the same zone everywhere. They are prepared and planned once (planning a batch anew costs more than
    // running it), so a plan made while the tables are small must still be right when they are large: index probes only.
    options: [
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
export function transaction<T>(pool: pg.Pool, work: (connection: pg.PoolClient) => Promise<T>): Promise<T> {
  return untilCommitted(pool, async (connection) => {
    await connection.query('begin');
    const result = await work(connection);
    await connection.query('commit');
    return result;
  });
}

/** For `work` that begins and commits by itself; run again, as attempt 2, 3 …, when the database asks for it. */
export async function untilCommitted<T>(
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
      const healthy = await connection.query('rollback').then(
        () => true,
        () => false,
      );
      connection.release(!healthy);
      const code = (error as { code?: string }).code ?? '';
      if (attempt >= 5 || !WORTH_RETRYING.has(code)) throw error;
    }
  }
}

/** ISO 8601, as statements take it and views show it. */
export { isoTime as timestamp } from '../iso-time.ts';

/** `2025-10-31 19:00:00.123+00`, as PostgreSQL writes it with timezone=UTC. */
export function parseTimestamp(text: string): Millis {
  return Date.parse(`${text.slice(0, 10)}T${text.slice(11).replace('+00', 'Z')}`);
}
