import { timingSafeEqual } from 'node:crypto';
import type { Millis } from '../model/event.ts';
import type { Seal } from './seal.ts';

/** The subject of a link to the preferences of a user: who got it, at which address, and when. */
export interface PreferencesClaim {
  readonly tenantId: string;
  readonly userId: string;
  readonly channel: string;
  readonly addressHash: string;
  readonly issuedAt: Millis;
}

const PURPOSE = 'preferences';
/** Characters of a token, at most. */
export const MAX_PREFERENCES_TOKEN_CHARS = 3000;

/**
 * Returns a signed token for a URL. It names no address, and never expires: an old one lets its reader turn off, and no more.
 */
export function signPreferences(seal: Seal, claim: PreferencesClaim): string {
  const { tenantId, userId, channel, addressHash, issuedAt } = claim;
  const fields = [tenantId, userId, channel, addressHash, issuedAt.toString(36)];
  const body = Buffer.from(JSON.stringify(fields)).toString('base64url');
  return `${body}.${seal.sign(`${PURPOSE}\n${body}`)}`;
}

/** Reads a token; undefined: it was not made here. */
export function readPreferences(seal: Seal, token: string): PreferencesClaim | undefined {
  if (token.length > MAX_PREFERENCES_TOKEN_CHARS) return undefined;
  const [body = '', signature = ''] = token.split('.');
  const [given, right] = [Buffer.from(signature), Buffer.from(seal.sign(`${PURPOSE}\n${body}`))];
  if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
  // Signed here: it is what was written above.
  const [tenantId = '', userId = '', channel = '', addressHash = '', at = ''] = JSON.parse(
    Buffer.from(body, 'base64url').toString('utf8'),
  ) as string[];
  return { tenantId, userId, channel, addressHash, issuedAt: Number.parseInt(at, 36) };
}
