import type { InDoubtPolicy, Millis } from '../model.ts';
import type { Dispatched } from '../pipeline.ts';
import type { ClaimedDelivery, Settlement } from '../store/deliveries.ts';
import { retryDelay } from './backoff.ts';

/** What one attempt means for its delivery. */
export function settlementOf(
  delivery: ClaimedDelivery,
  { provider, outcome, message }: Dispatched,
  startedAt: Millis,
  now: Millis,
  random: number,
): Settlement {
  const next = nextState(delivery, outcome, now, random);
  return {
    row: delivery.row,
    tenantId: delivery.tenantId,
    notificationId: delivery.notificationId,
    channel: delivery.channel,
    fence: delivery.fence,
    ...next,
    attempt: {
      n: delivery.attempt,
      provider: provider.name,
      startedAt,
      durationMs: Math.max(0, now - startedAt),
      outcome: outcome.kind,
      reason: 'reason' in outcome ? outcome.reason : next.reason,
      response: 'response' in outcome ? (outcome.response ?? null) : null,
      providerMessageId: outcome.kind === 'delivered' ? (outcome.providerMessageId ?? null) : null,
    },
    message: message && provider.keepsMessage ? { ...message, toMask: delivery.address?.mask ?? null } : null,
  };
}

type NextState = Pick<Settlement, 'status' | 'dueAt' | 'reasonCode' | 'reason'>;

function nextState(delivery: ClaimedDelivery, outcome: Dispatched['outcome'], now: Millis, random: number): NextState {
  switch (outcome.kind) {
    case 'delivered':
      return { status: 'sent', dueAt: null, reasonCode: null, reason: null };
    case 'undeliverable': {
      const what = outcome.missing === 'email' ? 'e-mail address' : 'phone number';
      const reason = `No ${what} is known for this person: no event has brought user_traits.${outcome.missing}.`;
      return { status: 'undeliverable', dueAt: null, reasonCode: `missing_${outcome.missing}`, reason };
    }
    case 'rejected':
      return { status: 'dead', dueAt: null, reasonCode: 'rejected', reason: `Rejected: ${outcome.reason}` };
    case 'in_doubt':
      return delivery.inDoubt === ('hold' satisfies InDoubtPolicy)
        ? {
            status: 'in_doubt',
            dueAt: null,
            reasonCode: 'in_doubt',
            reason: `It may have gone out (${outcome.reason}). Held, as this notification type says; retry it by hand.`,
          }
        : again(
            delivery,
            `It may have gone out (${outcome.reason}); sent again, as this notification type says.`,
            now,
            random,
          );
    case 'retry':
      return again(delivery, outcome.reason, now, random, outcome.after);
  }
}

function again(delivery: ClaimedDelivery, reason: string, now: Millis, random: number, after?: Millis): NextState {
  const dueAt = now + retryDelay(delivery.attempt, random, after);
  if (dueAt > delivery.giveUpAt) {
    return {
      status: 'dead',
      dueAt: null,
      reasonCode: 'gave_up',
      reason: `Given up after ${delivery.attempt} ${delivery.attempt === 1 ? 'attempt' : 'attempts'}, the last one: ${reason}`,
    };
  }
  return { status: 'queued', dueAt, reasonCode: 'retrying', reason };
}
