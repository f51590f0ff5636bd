import { createHash } from 'node:crypto';
import { isToken, type TokenVerifier } from '../tokens/token-verifier.ts';
import type { Authenticator } from './authenticator.ts';

const SCOPES = new Set(['me'] as const);

/** Part of the limit of a key that all tokens of one user have together: 600 requests per minute of 6000. */
const USER_SHARE = 0.1;

/**
 * Recognizes the tokens of users: each may read and change what is its user's own, and nothing else.
 * @param keyRate requests per minute of an API key
 */
export function userTokens(verifier: TokenVerifier, keyRate: number): Authenticator {
  const perMinute = Math.ceil(keyRate * USER_SHARE);
  return ({ token, tenantId }) => {
    if (token === undefined || !isToken(token)) return undefined;
    return verifier.verify(token, tenantId ?? null).then((user) => ({
      tenantId: user.tenantId,
      actor: { kind: 'user', id: user.userId, name: 'user' },
      scopes: SCOPES,
      userId: user.userId,
      // Hashed: the table of quotas has no user ids.
      quota: { id: `user ${hashId(user.tenantId, user.userId)}`, perMinute },
    }));
  };
}

function hashId(...texts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(texts)).digest('base64url');
}
