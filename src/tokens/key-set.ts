import { createPublicKey } from 'node:crypto';
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import type { JsonObject } from '../model/event.ts';

/** Keys of a JWK set, at most. */
export const MAX_KEYS = 100;

/** The smallest RSA key, in bits. */
const MIN_RSA_BITS = 2048;

/** Members of a JWK that are part of a private key (RFC 7518). */
const PRIVATE_PARTS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/**
 * Returns what picks the key of a token from a JWK set. Keys that cannot verify a token are left out as far as their members tell:
 * a key is imported, which takes up to some ms, when the first token names it.
 */
export function toKeySet(jwks: unknown): JWTVerifyGetKey {
  const keys = isObject(jwks) && Array.isArray(jwks.keys) ? jwks.keys : undefined;
  if (!keys) throw new Error('it is not a JWK set, an object with the list "keys"');
  const usable = keys.slice(0, MAX_KEYS).filter((key) => isObject(key) && findVisibleFault(key) === undefined);
  if (usable.length === 0) throw new Error('it has no public key that can verify a token');
  return createLocalJWKSet({ keys: usable } as unknown as JSONWebKeySet);
}

/** As `findKeyFault`, as far as can be seen without importing the key. */
function findVisibleFault(key: JsonObject): string | undefined {
  if (key.kty !== 'RSA' && key.kty !== 'EC' && key.kty !== 'OKP') return 'has another kty than RSA, EC or OKP';
  if (PRIVATE_PARTS.some((part) => part in key)) return 'is a private key: replace that key, for it was sent';
  if (key.use !== undefined && key.use !== 'sig') return 'has another use than sig';
  if (key.crv === 'X25519' || key.crv === 'X448') return 'does not verify signatures';
  const isShort = typeof key.n !== 'string' || Buffer.from(key.n, 'base64url').length * 8 < MIN_RSA_BITS;
  return key.kty === 'RSA' && isShort ? `has fewer than ${MIN_RSA_BITS} bits` : undefined;
}

/** Returns why a JWK cannot verify tokens, as a predicate (`is …`, `has …`); undefined: it can. */
export function findKeyFault(key: JsonObject): string | undefined {
  const fault = findVisibleFault(key);
  if (fault !== undefined) return fault;
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey({ key: key as never, format: 'jwk' });
    const isShort = asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) < MIN_RSA_BITS;
    return isShort ? `has fewer than ${MIN_RSA_BITS} bits` : undefined;
  } catch {
    return 'is not a valid JWK';
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
