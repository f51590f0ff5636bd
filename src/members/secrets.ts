import { createHash, randomBytes } from 'node:crypto';

/** Returns a secret of 256 random bits, 43 characters of base64url. */
export function drawSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** Returns what is stored of a secret. It is random, so a fast hash is enough. */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
