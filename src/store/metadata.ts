import type pg from 'pg';
import { ConfigError } from '../errors.ts';

/**
 * Checks that this process has the encryption key that the stored addresses are sealed under; the first process records its
 * key. With another key no stored address could be opened, and other processes could not open new ones.
 * @throws ConfigError if the keys differ
 */
export async function checkEncryptionKey(pool: pg.Pool, keyId: string): Promise<void> {
  await pool.query(`insert into metadata (name, value) values ('encryption_key', $1) on conflict (name) do nothing`, [
    keyId,
  ]);
  await verifyEncryptionKey(pool, keyId);
}

/**
 * Checks that this key is the one that the data of this database is sealed under, if any is. Writes nothing.
 * @throws ConfigError if the keys differ
 */
export async function verifyEncryptionKey(pool: pg.Pool, keyId: string): Promise<void> {
  const { rows } = await pool.query<{ value: string }>(`select value from metadata where name = 'encryption_key'`);
  if (rows[0] && rows[0].value !== keyId) {
    throw new ConfigError(
      `the addresses in this database are sealed under key ${rows[0].value}, but this process has key ${keyId}; ` +
        'set TIDINGS_ENCRYPTION_KEY to the same value everywhere (by default, the key is in TIDINGS_DATA_DIR/encryption.key)',
    );
  }
}
