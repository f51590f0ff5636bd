import type { Seal } from './seal.ts';
import { readToken, signToken } from './signed-token.ts';

/** The subject of a link to unsubscribe: an address of a tenant on a channel, and the scope that it leaves. */
export interface UnsubscribeClaim {
  readonly tenantId: string;
  readonly channel: string;
  readonly addressHash: string;
  readonly scope: string;
  readonly deliveryId: string;
  /**
   * The reader, and when the link was made, so that it leads on to their preferences; absent: it is from before, or too long.
   */
  readonly userId?: string;
  readonly issuedAt?: number;
}

const PURPOSE = 'unsubscribe';
/** Characters of a token, at most. */
const MAX_TOKEN_CHARS = 1000;

/** Returns a signed token for a URL. It names no address, never expires, and may be used again and again. */
export function signUnsubscribe(seal: Seal, claim: UnsubscribeClaim): string {
  const { tenantId, channel, addressHash, scope, deliveryId, userId, issuedAt } = claim;
  const reader = userId === undefined || issuedAt === undefined ? [] : [issuedAt.toString(36), JSON.stringify(userId)];
  const fields = [tenantId, channel, addressHash, scope, deliveryId, ...reader];
  return signToken(seal, PURPOSE, fields.join('\n'));
}

/** Reads a token; undefined: it was not made here. */
export function readUnsubscribe(seal: Seal, token: string): UnsubscribeClaim | undefined {
  const text = readToken(seal, PURPOSE, token, MAX_TOKEN_CHARS);
  if (text === undefined) return undefined;
  const [tenantId = '', channel = '', addressHash = '', scope = '', deliveryId = '', issuedAt, user] = text.split('\n');
  const claim = { tenantId, channel, addressHash, scope, deliveryId };
  if (issuedAt === undefined || user === undefined) return claim;
  return { ...claim, issuedAt: Number.parseInt(issuedAt, 36), userId: JSON.parse(user) as string };
}
