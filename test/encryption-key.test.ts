import { expect, test } from 'vitest';
import { ConfigError } from '../src/errors.ts';
import { Seal } from '../src/privacy/seal.ts';
import { checkEncryptionKey } from '../src/store/metadata.ts';
import { testDatabase } from './support/database.ts';

test('rejects a key that is not the key of the database, and shows neither', async () => {
  const database = await testDatabase();
  const { pool } = database;
  const [mine, other] = [1, 2].map((n) => Buffer.alloc(32, n)) as [Buffer, Buffer];
  await checkEncryptionKey(pool, new Seal(mine));
  await checkEncryptionKey(pool, new Seal(mine));
  const rejected = checkEncryptionKey(pool, new Seal(other));
  await expect(rejected).rejects.toThrow(ConfigError);
  await expect(rejected).rejects.toThrow(/TIDINGS_ENCRYPTION_KEY/);
  for (const key of [mine, other]) {
    await expect(rejected).rejects.not.toThrow(key.toString('base64'));
  }
  await database.drop();
});
