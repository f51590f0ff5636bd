import { timingSafeEqual } from 'node:crypto';
import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import type { Seal } from './seal.ts';

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
  const body = Buffer.from(fields.join('\n')).toString('base64url');
  return `${body}.${seal.sign(`${PURPOSE}\n${body}`)}`;
}

/** Reads a token; undefined: it was not made here. */
export function readTracking(seal: Seal, token: string): TrackingClaim | undefined {
  if (token.length > MAX_TRACKING_TOKEN_CHARS) return undefined;
  const [body = '', signature = '', ...rest] = token.split('.');
  const [given, right] = [Buffer.from(signature), Buffer.from(seal.sign(`${PURPOSE}\n${body}`))];
  if (rest.length > 0 || given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
  const fields = Buffer.from(body, 'base64url').toString('utf8').split('\n');
  const [tenantId = '', notificationId = '', channel = '', target = '', time = '', url = ''] = fields;
  return { tenantId, notificationId, channel: channel as Channel, target, sentAt: Number.parseInt(time, 36), url };
}
