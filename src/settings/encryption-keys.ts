import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../errors.ts';
import { secretFile } from '../lib/secret-file.ts';
import { splitList } from '../lib/text/split-list.ts';

/** Bounds the attempts to open what is sealed. */
const MAX_ENCRYPTION_KEYS = 5;

/**
 * Returns the configured keys; without any, those in the data directory, where the first process creates one. The first key
 * seals.
 */
export function loadEncryptionKeys(value: string | undefined, dataDir: string): [Buffer, ...Buffer[]] {
  if (value) {
    return parseKeys(
      value,
      'TIDINGS_ENCRYPTION_KEY must be 32 bytes in base64; create one with: openssl rand -base64 32. ' +
        `Several keys, at most ${MAX_ENCRYPTION_KEYS}, are separated by commas`,
    );
  }
  const file = join(dataDir, 'encryption.key');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const text = secretFile(file, () => randomBytes(32).toString('base64'));
  return parseKeys(text, `${file} does not contain a key of 32 bytes in base64; restore it from a backup`);
}

function parseKeys(text: string, problem: string): [Buffer, ...Buffer[]] {
  const [first, ...others] = splitList(text).map((item) => Buffer.from(item, 'base64'));
  const isValid = [first, ...others].every((key) => key?.length === 32) && others.length < MAX_ENCRYPTION_KEYS;
  if (!first || !isValid) throw new ConfigError(problem);
  return [first, ...others];
}
