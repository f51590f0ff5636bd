import type { Millis } from '../model/event.ts';
import type { Seal } from './seal.ts';
import { readToken, signToken } from './signed-token.ts';

/** The subject of a link that confirms consent: whose, which one, the address that the link was sent to, and until when it can be used. */
export interface ConsentClaim {
  readonly tenantId: string;
  readonly userId: string;
  readonly consentId: string;
  readonly addressHash: string;
  readonly expiresAt: Millis;
}

const PURPOSE = 'consent';
/** Characters of a token, at most. */
export const MAX_CONSENT_TOKEN_CHARS = 3000;

/** Returns a signed token for a URL. It names no address. */
export function signConsent(seal: Seal, claim: ConsentClaim): string {
  const { tenantId, userId, consentId, addressHash, expiresAt } = claim;
  const fields = [tenantId, userId, consentId, addressHash, expiresAt.toString(36)];
  return signToken(seal, PURPOSE, JSON.stringify(fields));
}

/** Reads a token; undefined: it was not made here. It may have expired. */
export function readConsent(seal: Seal, token: string): ConsentClaim | undefined {
  const text = readToken(seal, PURPOSE, token, MAX_CONSENT_TOKEN_CHARS);
  if (text === undefined) return undefined;
  // Signed here: it is what was written above.
  const [tenantId = '', userId = '', consentId = '', addressHash = '', until = ''] = JSON.parse(text) as string[];
  return { tenantId, userId, consentId, addressHash, expiresAt: Number.parseInt(until, 36) };
}
