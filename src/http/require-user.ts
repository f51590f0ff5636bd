import type { Principal } from '../model/principal.ts';

/**
 * Returns the user of a token.
 * @throws Error if the principal has no user: the route has another scope than `me`, which is of tokens only
 */
export function requireUser({ userId }: Principal): string {
  if (userId === undefined) throw new Error('a principal with the scope me lacks its user');
  return userId;
}
