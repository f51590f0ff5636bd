import type pg from 'pg';
import { ConfigError } from '../../errors.ts';

/**
 * Entries of the server's lock table that one busy process needs: those of its batches, and those of the tables, partitions and
 * indexes of its transactions.
 */
const MIN_LOCKS = 6000;

interface ServerSettings {
  readonly connections: number;
  readonly reserved: number;
  readonly per_transaction: number;
  readonly prepared: number;
}

/**
 * Checks that the server has room for this process. PostgreSQL as installed has.
 * @param connections the number that this process opens at most
 * @throws ConfigError with the setting to change
 */
export async function checkServerCapacity(pool: pg.Pool, connections: number): Promise<void> {
  const { rows } = await pool.query<ServerSettings>(`
    select current_setting('max_connections')::integer as connections,
           current_setting('superuser_reserved_connections')::integer as reserved,
           current_setting('max_locks_per_transaction')::integer as per_transaction,
           current_setting('max_prepared_transactions')::integer as prepared`);
  const server = rows[0] as ServerSettings;
  const free = server.connections - server.reserved;
  if (free < connections) {
    throw new ConfigError(
      `PostgreSQL allows ${free} connections, and one process of Tidings needs ${connections}. ` +
        `Set max_connections to at least ${connections + server.reserved} for each process.`,
    );
  }
  const locks = server.per_transaction * (server.connections + server.prepared);
  if (locks < MIN_LOCKS) {
    const needed = Math.ceil(MIN_LOCKS / (server.connections + server.prepared));
    throw new ConfigError(
      `PostgreSQL has room for ${locks} locks, and Tidings needs ${MIN_LOCKS}. Set max_locks_per_transaction to at least ${needed}.`,
    );
  }
}
