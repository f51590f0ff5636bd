import type pg from 'pg';
import { ConfigError } from '../errors.ts';
import type { Seal } from '../privacy/seal.ts';
import type { Connection } from './pg/pool.ts';

/** Names of the facts about encryption: the id of the key that everything is sealed under, and the key of hashes, sealed. */
const ENCRYPTION_KEY = 'encryption_key';
const HASH_KEY = 'hash_key';

/**
 * Checks that this process has the encryption key that the data of this database is sealed under; the first process records
 * its key. Without it no stored address could be opened. Has the seal hash as the other processes do.
 * @throws ConfigError if the process does not have the key
 */
export async function checkEncryptionKey(pool: pg.Pool, seal: Seal): Promise<void> {
  await pool.query('insert into metadata (name, value) values ($1, $2) on conflict (name) do nothing', [
    ENCRYPTION_KEY,
    seal.keyId,
  ]);
  await verifyEncryptionKey(pool, seal);
}

/**
 * Checks that this process has the key that the data of this database is sealed under, if any is. Writes nothing. Has the
 * seal hash as other processes do.
 * @throws ConfigError if the process does not have the key
 */
export async function verifyEncryptionKey(connection: Pick<Connection, 'query'>, seal: Seal): Promise<void> {
  const known = await loadKeyFacts(connection);
  const keyId = known.get(ENCRYPTION_KEY);
  if (keyId === undefined) return;
  if (!seal.keyIds.includes(keyId)) {
    throw new ConfigError(
      `the addresses in this database are sealed under key ${keyId}, but this process has key ${seal.keyIds.join(', ')}; ` +
        'set TIDINGS_ENCRYPTION_KEY to the same value everywhere (by default, the key is in TIDINGS_DATA_DIR/encryption.key)',
    );
  }
  const hashKey = known.get(HASH_KEY);
  try {
    seal.useHashKey(hashKey === undefined ? { keyId } : { sealed: Buffer.from(hashKey, 'base64') });
  } catch {
    const fix = 'add that key to TIDINGS_ENCRYPTION_KEY';
    throw new ConfigError(`this database is being sealed under another key than ${seal.keyIds.join(', ')}; ${fix}`);
  }
}

/** Stores the key of hashes, sealed under the first key of the seal, in place of an earlier one. */
export async function saveHashKey(connection: Connection, seal: Seal): Promise<void> {
  await saveFact(connection, HASH_KEY, seal.sealHashKey().toString('base64'));
}

/** Records that everything is sealed under the first key of the seal. */
export async function saveEncryptionKey(connection: Connection, seal: Seal): Promise<void> {
  await saveFact(connection, ENCRYPTION_KEY, seal.keyId);
}

async function loadKeyFacts(connection: Pick<Connection, 'query'>): Promise<Map<string, string>> {
  const { rows } = await connection.query<{ name: string; value: string }>(
    'select name, value from metadata where name = any($1::text[])',
    [[ENCRYPTION_KEY, HASH_KEY]],
  );
  return new Map(rows.map(({ name, value }) => [name, value]));
}

/** Saves a fact about the database. */
export async function saveFact(connection: Pick<Connection, 'query'>, name: string, value: string): Promise<void> {
  await connection.query(
    'insert into metadata (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value',
    [name, value],
  );
}

/** Returns a fact about the database; undefined if it was not saved. */
export async function loadFact(connection: Pick<Connection, 'query'>, name: string): Promise<string | undefined> {
  const { rows } = await connection.query<{ value: string }>('select value from metadata where name = $1', [name]);
  return rows[0]?.value;
}

/** Deletes a fact about the database. */
export async function deleteFact(connection: Pick<Connection, 'query'>, name: string): Promise<void> {
  await connection.query('delete from metadata where name = $1', [name]);
}
