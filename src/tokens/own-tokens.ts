import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import type pg from 'pg';
import { freshId } from '../lib/fresh-id.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import type { Seal } from '../privacy/seal.ts';
import { lockAccess } from '../store/members/lock-access.ts';
import { loadSigningKey, replaceSigningKey } from '../store/members/signing-keys.ts';
import { withTransaction } from '../store/pg/transaction.ts';

/** Tokens that Tidings signs itself: `iss`, the tenant follows, and `aud`. */
export const OWN_ISSUER = 'urn:tidings:';
export const OWN_AUDIENCE = 'urn:tidings:me';
export const OWN_ALGORITHM = 'EdDSA';

/** Longest lifetime of a token in ms; a retired key verifies for as long. */
export const MAX_LIFETIME_MS: Millis = 24 * 3_600_000;
/** Age in ms from which a key is replaced when it is to sign. */
const MAX_KEY_AGE_MS: Millis = 90 * 24 * 3_600_000;

export interface SignContext {
  readonly pool: pg.Pool;
  readonly seal: Seal;
  readonly tenantId: string;
  readonly now: Millis;
}

/** Signs a token for a user. The key of the tenant is made at its first token. */
export async function signUserToken(context: SignContext, userId: string, lifetime: Millis): Promise<string> {
  const { keyId, privateKey } = await getSigningKey(context);
  const seconds = Math.floor(context.now / 1000);
  return new SignJWT({})
    .setProtectedHeader({ alg: OWN_ALGORITHM, kid: keyId, typ: 'JWT' })
    .setIssuer(OWN_ISSUER + context.tenantId)
    .setAudience(OWN_AUDIENCE)
    .setSubject(userId)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + Math.floor(lifetime / 1000))
    .setJti(freshId())
    .sign(await importJWK(privateKey as unknown as JWK, OWN_ALGORITHM));
}

async function getSigningKey(context: SignContext): Promise<{ keyId: string; privateKey: JsonObject }> {
  const { pool, seal, tenantId, now } = context;
  const isYoung = (key: { readonly createdAt: Millis }) => now - key.createdAt < MAX_KEY_AGE_MS;
  const known = await loadSigningKey(pool, seal, tenantId);
  if (known && isYoung(known)) return known;
  return withTransaction(pool, async (connection) => {
    await lockAccess(connection, tenantId);
    // Another process may have made one meanwhile.
    const latest = await loadSigningKey(connection, seal, tenantId);
    if (latest && isYoung(latest)) return latest;
    return rotateSigningKey(connection, context);
  });
}

/**
 * Makes a new key, which signs from now on; the earlier ones verify what they signed until it has expired.
 * @param isRevoked true: the earlier ones are deleted, and all tokens with them
 */
export async function rotateSigningKey(
  connection: pg.PoolClient,
  { seal, tenantId, now }: Omit<SignContext, 'pool'>,
  isRevoked = false,
): Promise<{ readonly keyId: string; readonly privateKey: JsonObject }> {
  const pair = await generateKeyPair(OWN_ALGORITHM, { extractable: true });
  const keyId = freshId();
  const publicKey = { ...(await exportJWK(pair.publicKey)), kid: keyId, alg: OWN_ALGORITHM, use: 'sig' } as JsonObject;
  const privateKey = (await exportJWK(pair.privateKey)) as JsonObject;
  const key = { tenantId, keyId, publicKey, privateKey, isRevoked };
  await replaceSigningKey(connection, seal, key, now, now - MAX_LIFETIME_MS - 60_000);
  return { keyId, privateKey };
}
