import type pg from 'pg';
import { ConfigError } from '../errors.ts';

/**
 * Refuses to run with another encryption key than the one the stored addresses are sealed under: nothing would open, and
 * new addresses would be lost to the other processes.
 */
export async function checkEncryptionKey(pool: pg.Pool, keyId: string): Promise<void> {
  await pool.query(`insert into metadata (name, value) values ('encryption_key', $1) on conflict (name) do nothing`, [
    keyId,
  ]);
  const { rows } = await pool.query<{ value: string }>(`select value from metadata where name = 'encryption_key'`);
  if (rows[0]?.value !== keyId) {
    throw new ConfigError(
      `the addresses in this database are sealed under key ${rows[0]?.value}, this process has key ${keyId}; ` +
        'set TIDINGS_ENCRYPTION_KEY to the same value everywhere (without it, the key is kept in TIDINGS_DATA_DIR/encryption.key)',
    );
  }
}
