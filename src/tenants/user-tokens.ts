import { isToken, type TokenVerifier } from '../tokens/token-verifier.ts';
import type { Authenticator } from './authenticator.ts';

const SCOPES = new Set(['me'] as const);

/** Recognizes the tokens of users: each may read and change what is its user's own, and nothing else. */
export function userTokens(verifier: TokenVerifier): Authenticator {
  return ({ token, tenantId }) => {
    if (token === undefined || !isToken(token)) return undefined;
    return verifier.verify(token, tenantId ?? null).then((user) => ({
      tenantId: user.tenantId,
      actor: { kind: 'user', id: user.userId, name: 'user' },
      scopes: SCOPES,
      userId: user.userId,
    }));
  };
}
