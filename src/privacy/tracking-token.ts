import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import type { Seal } from './seal.ts';
import { readToken, signToken } from './signed-token.ts';

/** Meaning of a link or picture of an email. */
export interface TrackingClaim {
  readonly tenantId: string;
  readonly notificationId: string;
  readonly channel: Channel;
  readonly target: string;
  /** When the email was made. */
  readonly sentAt: Millis;
  /** Destination of the link; empty: it is the picture. */
  readonly url: string;
}

const PURPOSE = 'tracking';
/** Characters of a token, at most. */
export const MAX_TRACKING_TOKEN_CHARS = 4000;

/** Returns a signed token for a URL: only what was signed here is followed. */
export function signTracking(seal: Seal, claim: TrackingClaim): string {
  const { tenantId, notificationId, channel, target, sentAt, url } = claim;
  const fields = [tenantId, notificationId, channel, target, sentAt.toString(36), url];
  return signToken(seal, PURPOSE, fields.join('\n'));
}

/** Reads a token; undefined: it was not made here. */
export function readTracking(seal: Seal, token: string): TrackingClaim | undefined {
  const text = readToken(seal, PURPOSE, token, MAX_TRACKING_TOKEN_CHARS);
  if (text === undefined) return undefined;
  const [tenantId = '', notificationId = '', channel = '', target = '', time = '', url = ''] = text.split('\n');
  return { tenantId, notificationId, channel: channel as Channel, target, sentAt: Number.parseInt(time, 36), url };
}
