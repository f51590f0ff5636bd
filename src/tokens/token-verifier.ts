import { decodeJwt, decodeProtectedHeader, errors, importJWK, type JWK, type JWTPayload, jwtVerify } from 'jose';
import type pg from 'pg';
import { TidingsError } from '../errors.ts';
import type { Millis } from '../model/event.ts';
import { findIssuers, type Issuer } from '../store/members/issuers.ts';
import { findSigningKey } from '../store/members/signing-keys.ts';
import { type IssuerKeys, KeysUnavailableError } from './issuer-keys.ts';
import { MAX_LIFETIME_MS, OWN_ALGORITHM, OWN_AUDIENCE, OWN_ISSUER } from './own-tokens.ts';

/** The user that a token proves. */
export interface TokenUser {
  readonly tenantId: string;
  readonly userId: string;
  readonly issuer: string;
  readonly expiresAt: Millis;
}

/** Difference in s between the clocks of the issuer and of this process that is tolerated. */
const CLOCK_TOLERANCE_S = 30;
/** Characters of a token, and of a user id. */
const MAX_TOKEN_CHARS = 8192;
const MAX_USER_ID_CHARS = 256;
/** The end of the year 9999. A token that is valid for longer has milliseconds for seconds, and would never expire. */
const LAST_EXPIRY_MS: Millis = 253_402_300_799_000;

/**
 * One answer for an unknown issuer, a foreign audience and a wrong signature: a caller who cannot sign learns nothing about the
 * issuers that tenants trust.
 */
const NOT_VALID =
  'The token is not valid here: its issuer (iss) and audience (aud) must be those that the tenant registered by PUT /api/v1/issuers/ISSUER, and a key and algorithm of that issuer must have signed it.';

/** Returns whether a bearer text has the shape of a signed JSON Web Token, which no API key has. */
export function isToken(text: string): boolean {
  return /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/.test(text);
}

/** Verifies tokens of users: of the issuers of tenants, and those that Tidings signed. */
export class TokenVerifier {
  readonly #owner: pg.Pool;
  readonly #keys: IssuerKeys;
  readonly #clock: () => Millis;

  /** @param owner looks up issuers before the tenant is known */
  constructor(owner: pg.Pool, keys: IssuerKeys, clock: () => Millis) {
    this.#owner = owner;
    this.#keys = keys;
    this.#clock = clock;
  }

  /**
   * Returns the user of a token.
   * @param tenantId the tenant that the caller names; null: the issuer and audience tell
   * @throws TidingsError `unauthorized`, `token_expired`, `issuer_unavailable`
   */
  async verify(token: string, tenantId: string | null): Promise<TokenUser> {
    const { issuer, audiences } = peek(token);
    if (issuer.startsWith(OWN_ISSUER)) return this.#verifyOwn(token, issuer, tenantId);
    const meant = await findIssuers(this.#owner, issuer, audiences, tenantId);
    // At once: an issuer of another tenant whose server is slow adds nothing to the wait for the others.
    const results = await Promise.allSettled(meant.map((one) => this.#verifyOf(one, token)));
    const users = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const [user] = users;
    if (users.length > 1) {
      throw unauthorized(
        'Several tenants accept this token; name yours in the header x-tidings-tenant, or give each an audience of its own.',
      );
    }
    if (user) return user;
    let failure = unauthorized(NOT_VALID);
    for (const { reason } of results as PromiseRejectedResult[]) failure = toTokenError(reason);
    throw failure;
  }

  async #verifyOf(issuer: Issuer, token: string): Promise<TokenUser> {
    const { payload } = await jwtVerify(token, this.#keys.pick(issuer), {
      issuer: issuer.issuer,
      audience: [...issuer.audiences],
      algorithms: [...issuer.algorithms],
      ...this.#common(),
    });
    return toUser(payload, issuer, issuer.userClaim);
  }

  async #verifyOwn(token: string, issuer: string, named: string | null): Promise<TokenUser> {
    try {
      const tenantId = issuer.slice(OWN_ISSUER.length);
      const { kid } = decodeProtectedHeader(token);
      const key =
        typeof kid === 'string' && isStorable(kid) && isStorable(tenantId) && (named ?? tenantId) === tenantId
          ? await findSigningKey(this.#owner, tenantId, kid)
          : undefined;
      const now = this.#clock();
      if (!key || (key.retiredAt !== null && now - key.retiredAt > MAX_LIFETIME_MS + CLOCK_TOLERANCE_S * 1000)) {
        throw unauthorized('The key that signed this token is not in use here any longer; ask for a new token.');
      }
      const { payload } = await jwtVerify(token, await importJWK(key.publicKey as unknown as JWK, OWN_ALGORITHM), {
        issuer,
        audience: OWN_AUDIENCE,
        algorithms: [OWN_ALGORITHM],
        ...this.#common(),
      });
      return toUser(payload, { tenantId, issuer }, 'sub');
    } catch (error) {
      throw toTokenError(error);
    }
  }

  #common() {
    return {
      requiredClaims: ['exp'],
      clockTolerance: CLOCK_TOLERANCE_S,
      currentDate: new Date(this.#clock()),
    };
  }
}

/** Reads what a token says before it is verified, to find the key. */
function peek(token: string): { issuer: string; audiences: readonly string[] } {
  let payload: JWTPayload;
  try {
    if (token.length > MAX_TOKEN_CHARS) throw unauthorized('The token is too long.');
    payload = decodeJwt(token);
  } catch {
    throw unauthorized('This is not a token: its parts are not base64url and JSON, or it is too long.');
  }
  const { iss, aud } = payload;
  if (typeof iss !== 'string' || iss === '' || !isStorable(iss)) throw unauthorized('The token names no issuer (iss).');
  return {
    issuer: iss,
    audiences: [aud].flat().filter((one): one is string => typeof one === 'string' && isStorable(one)),
  };
}

function toUser(payload: JWTPayload, issuer: Pick<Issuer, 'tenantId' | 'issuer'>, claim: string): TokenUser {
  const value = Object.hasOwn(payload, claim) ? payload[claim] : undefined;
  const userId = Number.isSafeInteger(value) ? String(value) : value;
  if (typeof userId !== 'string' || userId === '' || userId.length > MAX_USER_ID_CHARS || !isStorable(userId)) {
    throw unauthorized(`The token names no user: the claim ${claim} must hold a user id.`);
  }
  const expiresAt = (payload.exp as number) * 1000;
  if (expiresAt > LAST_EXPIRY_MS) {
    throw unauthorized('The claim exp of the token is beyond the year 9999; write it in seconds, not in milliseconds.');
  }
  return { tenantId: issuer.tenantId, userId, issuer: issuer.issuer, expiresAt };
}

/** Whether a text from a token can be compared in the database. */
function isStorable(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ids have no such character
  return text.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(text);
}

function unauthorized(message: string): TidingsError {
  return new TidingsError('unauthorized', message);
}

/** Returns the error that the caller sees. An error of the database stays what it is. */
function toTokenError(error: unknown): TidingsError {
  if (error instanceof TidingsError) return error;
  if (error instanceof KeysUnavailableError) {
    const { retryAfter } = error;
    return new TidingsError(
      'issuer_unavailable',
      'The keys of the issuer of this token cannot be fetched at present.',
      {
        retryAfter,
      },
    );
  }
  if (error instanceof errors.JWTExpired)
    return new TidingsError('token_expired', 'The token has expired; get a new one.');
  if (error instanceof errors.JWTClaimValidationFailed) {
    return unauthorized(`The claim ${error.claim} of the token is missing, or has a value that is not accepted here.`);
  }
  if (error instanceof errors.JOSEError || error instanceof TypeError || error instanceof DOMException) {
    return unauthorized(NOT_VALID);
  }
  throw error;
}
