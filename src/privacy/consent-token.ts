import { timingSafeEqual } from 'node:crypto';
import type { Millis } from '../model/event.ts';
import type { Seal } from './seal.ts';

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
  const body = Buffer.from(JSON.stringify(fields)).toString('base64url');
  return `${body}.${seal.sign(`${PURPOSE}\n${body}`)}`;
}

/** Reads a token; undefined: it was not made here. It may have expired. */
export function readConsent(seal: Seal, token: string): ConsentClaim | undefined {
  if (token.length > MAX_CONSENT_TOKEN_CHARS) return undefined;
  const [body = '', signature = ''] = token.split('.');
  const [given, right] = [Buffer.from(signature), Buffer.from(seal.sign(`${PURPOSE}\n${body}`))];
  if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
  // Signed here: it is what was written above.
  const [tenantId = '', userId = '', consentId = '', addressHash = '', until = ''] = JSON.parse(
    Buffer.from(body, 'base64url').toString('utf8'),
  ) as string[];
  return { tenantId, userId, consentId, addressHash, expiresAt: Number.parseInt(until, 36) };
}
