import type pg from 'pg';
import { announceKeyChange } from '../store/keys/api-keys.ts';
import { withTransaction } from '../store/pg/transaction.ts';

/**
 * Changes keys or tenants in one transaction, which tells the other processes (KEYS_CHANNEL) to forget what they know of them.
 *
 * @param pool that of the owner
 * @param onChange called after the commit, so that this process forgets as well
 */
export async function changeAnnounced<T>(
  pool: pg.Pool,
  onChange: () => void,
  work: (connection: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const result = await withTransaction(pool, async (connection) => {
    const changed = await work(connection);
    await announceKeyChange(connection);
    return changed;
  });
  onChange();
  return result;
}
