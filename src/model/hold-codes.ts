import { BATCH_PAUSED } from './batch.ts';
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
