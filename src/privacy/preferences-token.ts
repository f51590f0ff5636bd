import type { Millis } from '../model/event.ts';
import type { Seal } from './seal.ts';
import { readToken, signToken } from './signed-token.ts';

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
  return signToken(seal, PURPOSE, JSON.stringify(fields));
}

/** Reads a token; undefined: it was not made here. */
export function readPreferences(seal: Seal, token: string): PreferencesClaim | undefined {
  const text = readToken(seal, PURPOSE, token, MAX_PREFERENCES_TOKEN_CHARS);
  if (text === undefined) return undefined;
  // Signed here: it is what was written above.
  const [tenantId = '', userId = '', channel = '', addressHash = '', at = ''] = JSON.parse(text) as string[];
  return { tenantId, userId, channel, addressHash, issuedAt: Number.parseInt(at, 36) };
}
