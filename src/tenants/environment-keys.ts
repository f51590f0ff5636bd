import { createHash, timingSafeEqual } from 'node:crypto';
import { DEFAULT_TENANT } from '../model/event.ts';
import { INSTALLATION_SCOPES } from '../model/principal.ts';
import type { Authenticator, Identity } from './authenticator.ts';

const SCOPES = new Set(INSTALLATION_SCOPES);

/** Recognizes the keys of the environment (TIDINGS_API_KEYS), which may do everything for every tenant. */
export function environmentKeys(apiKeys: readonly string[]): Authenticator {
  const digests = apiKeys.map(hashKey);
  return ({ token, tenantId = DEFAULT_TENANT }) => {
    const index = token === undefined ? -1 : findDigest(digests, hashKey(token));
    if (index < 0) return undefined;
    const actor = { kind: 'key', id: `environment ${index + 1}`, name: `api key ${index + 1}` } as const;
    return { tenantId, actor, scopes: SCOPES } satisfies Identity;
  };
}

/** Returns the index of a digest, or -1. Compares all of them in constant time, so that the duration reveals nothing. */
function findDigest(digests: readonly Buffer[], wanted: Buffer): number {
  let found = -1;
  digests.forEach((digest, index) => {
    if (timingSafeEqual(digest, wanted)) found = index;
  });
  return found;
}

function hashKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
