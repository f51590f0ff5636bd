import { createHash } from 'node:crypto';

/**
 * Returns the bucket of a name, from 0, by a hash that depends on nothing else: the same in every process and version. Names fall
 * into the buckets of two salts independently.
 * @param salt has no blanks
 */
export function bucketOf(salt: string, name: string, buckets: number): number {
  return createHash('sha256').update(`${salt} ${name}`).digest().readUInt32BE(0) % buckets;
}
