import type pg from 'pg';
import { isRetryable, isUnreachable } from './errors.ts';

/** Times that a transaction is run, at most. */
const MAX_ATTEMPTS = 5;

/** Runs `work` in one transaction and commits it; runs all of it again if the error is retryable. */
export function withTransaction<T>(pool: pg.Pool, work: (connection: pg.PoolClient) => Promise<T>): Promise<T> {
  return withTransactionRetry(pool, async (connection) => {
    await connection.query('begin');
    const result = await work(connection);
    await connection.query('commit');
    return result;
  });
}

/**
 * Runs `work`, which begins and commits a transaction itself, and runs it again if the error is retryable.
 * @param work gets the number of the attempt, from 1 to MAX_ATTEMPTS
 */
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
      connection.release(!(await rollBack(connection, error)));
      if (attempt >= MAX_ATTEMPTS || !isRetryable(error)) throw error;
    }
  }
}

/** Returns false if the connection is unusable. One that does not respond is not asked to roll back. */
async function rollBack(connection: pg.PoolClient, error: unknown): Promise<boolean> {
  if (isUnreachable(error)) return false;
  return connection.query('rollback').then(
    () => true,
    () => false,
  );
}
