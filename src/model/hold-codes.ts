import { BATCH_PAUSED } from './batch.ts';
import type { Millis } from './event.ts';
import { HOLD_CODES } from './plan-codes.ts';
import { ENDPOINT_HOLD_CODES } from './webhook.ts';

/** Why a queued delivery waits until it is due, where that is more than its turn. */
export const DELIVERY_HOLD_CODES = [
  'fallback',
  BATCH_PAUSED,
  ...HOLD_CODES,
  'sending_paused',
  'rate_limited',
  'account_paused',
  'domain_paused',
  ...ENDPOINT_HOLD_CODES,
] as const;
export type DeliveryHoldCode = (typeof DELIVERY_HOLD_CODES)[number];

/** Code for the pause of all workers after a restore, which no row of a delivery has. */
export const RESTORE_PAUSED = 'restore_paused';

/**
 * When a hold is over: `due`, at the time at which the delivery is due; `looked`, when what it waits for is found to be over, for which it
 * looks at that time; `ended`, when someone ends it: the time at which it looks again says nothing.
 */
export type HoldEnd = 'due' | 'looked' | 'ended';

export const HOLD_ENDS: { readonly [code in DeliveryHoldCode]: HoldEnd } = {
  fallback: 'due',
  batch_paused: 'ended',
  paused: 'due',
  legal_hours: 'due',
  quiet_hours: 'due',
  sending_paused: 'looked',
  rate_limited: 'due',
  account_paused: 'looked',
  domain_paused: 'looked',
  endpoint_disabled: 'ended',
  endpoint_order: 'looked',
  endpoint_rate: 'looked',
  endpoint_busy: 'looked',
};

/** Whether a hold is over: the delivery is due, and no one has to end it. What it waits for then is said by nothing in its row. */
export function isHoldOver(code: string, dueAt: Millis, now: Millis): boolean {
  const ends: { readonly [code: string]: HoldEnd } = HOLD_ENDS;
  return dueAt <= now && ends[code] !== 'ended';
}
