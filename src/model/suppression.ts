import type { Channel } from './delivery.ts';
import type { JsonObject, Millis } from './event.ts';

/** Why an address gets no messages. `soft_bounces`: it failed again and again, and is tried again after a while. */
export const SUPPRESSION_REASONS = [
  'hard_bounce',
  'soft_bounces',
  'complaint',
  'opted_out',
  'unsubscribed',
  'manual',
] as const;
export type SuppressionReason = (typeof SUPPRESSION_REASONS)[number];

/** Returns whether the owner of the address asked for it: they may opt in again. */
export function isOptOut(reason: SuppressionReason): boolean {
  return reason === 'opted_out' || reason === 'unsubscribed';
}

/** Channels with addresses that can be suppressed. */
export const SUPPRESSIBLE_CHANNELS = ['email', 'sms'] as const satisfies readonly Channel[];
export type SuppressibleChannel = (typeof SUPPRESSIBLE_CHANNELS)[number];

/** Returns whether addresses of a channel can be suppressed. */
export function isSuppressible(channel: string): channel is SuppressibleChannel {
  return (SUPPRESSIBLE_CHANNELS as readonly string[]).includes(channel);
}

const SENDER = /^[+A-Za-z0-9]{1,64}$/;

/** Returns whether a text can be the sender of a scope `sender:SENDER`: a number, a short code, or the id of a messaging service. */
export function isSender(text: string): boolean {
  return SENDER.test(text);
}

/** An address that gets no messages of a scope. */
export interface Suppression {
  readonly tenantId: string;
  readonly channel: SuppressibleChannel;
  /** Keyed hash of the address. */
  readonly addressHash: string;
  /** As it is shown; null: only the hash is known. */
  readonly addressMask: string | null;
  /** `all`, `category:CATEGORY`, `type:NOTIFICATION_TYPE`, or `sender:SENDER`: what a number or messaging service of ours sends. */
  readonly scope: string;
  readonly reason: SuppressionReason;
  readonly since: Millis;
  /** Null: until it is lifted. */
  readonly until: Millis | null;
  /** The receipt, attempt or request that it was made from. Without addresses. */
  readonly evidence: JsonObject;
}
