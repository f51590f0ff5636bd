import type { ClaimedDelivery } from '../../src/store/deliveries/claimed-delivery.ts';
import type { Settlement } from '../../src/store/deliveries/settlements.ts';

/** Settlements of claimed deliveries. */

/** When their attempts began. */
const START = Date.parse('2025-11-20T12:00:00Z');

export function sentOf(held: ClaimedDelivery): Settlement {
  return settlementOf(held, { status: 'sent' }, 'sent');
}

export function deadOf(held: ClaimedDelivery): Settlement {
  return settlementOf(held, { status: 'dead', reasonCode: 'rejected' }, 'rejected');
}

export function retryOf(held: ClaimedDelivery, dueAt: number): Settlement {
  return settlementOf(held, { status: 'queued', reasonCode: 'retrying', dueAt }, 'retry');
}

/** The user had no address or device. @param reasonCode such as `missing_email` */
export function missingOf(held: ClaimedDelivery, reasonCode: NonNullable<Settlement['reasonCode']>): Settlement {
  return settlementOf(held, { status: 'undeliverable', reasonCode, reason: 'No address is known.' }, 'undeliverable');
}

function settlementOf(
  { handle, tenantId, notificationId, channel, target, fence, attempt }: ClaimedDelivery,
  state: Pick<Settlement, 'status'> & Partial<Settlement>,
  outcome: Settlement['attempt']['outcome'],
): Settlement {
  const response = { reason: null, response: null, providerMessageId: null };
  return {
    handle,
    tenantId,
    notificationId,
    channel,
    target,
    fence,
    dueAt: null,
    reasonCode: null,
    reason: null,
    attempt: {
      n: attempt,
      provider: 'fake',
      account: null,
      startedAt: START,
      durationMs: 1,
      outcome,
      code: null,
      ...response,
    },
    message: null,
    ...state,
  };
}
