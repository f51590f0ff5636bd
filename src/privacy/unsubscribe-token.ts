import { timingSafeEqual } from 'node:crypto';
import type { Seal } from './seal.ts';

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
  const body = Buffer.from(fields.join('\n')).toString('base64url');
  return `${body}.${seal.sign(`${PURPOSE}\n${body}`)}`;
}

/** Reads a token; undefined: it was not made here. */
export function readUnsubscribe(seal: Seal, token: string): UnsubscribeClaim | undefined {
  if (token.length > MAX_TOKEN_CHARS) return undefined;
  const [body = '', signature = ''] = token.split('.');
  const [given, right] = [Buffer.from(signature), Buffer.from(seal.sign(`${PURPOSE}\n${body}`))];
  if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
  const fields = Buffer.from(body, 'base64url').toString('utf8').split('\n');
  const [tenantId = '', channel = '', addressHash = '', scope = '', deliveryId = '', issuedAt, user] = fields;
  const claim = { tenantId, channel, addressHash, scope, deliveryId };
  if (issuedAt === undefined || user === undefined) return claim;
  return { ...claim, issuedAt: Number.parseInt(issuedAt, 36), userId: JSON.parse(user) as string };
}
