import { createHash, timingSafeEqual } from 'node:crypto';

/** Compares a secret, or what was signed with one, with what a request gives: in constant time, also texts of different lengths. */
export function areEqual(one: string, other: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(one), hash(other));
}
