import type { Millis } from '../model/event.ts';
import type { ClaimedDelivery, Settlement } from '../store/deliveries.ts';
import { retryDelay } from './backoff.ts';
import type { DispatchResult } from './dispatch.ts';

/** What one attempt means for its delivery. */
export function toSettlement(
  delivery: ClaimedDelivery,
  { provider, outcome, message }: DispatchResult,
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
      // The clock may have been set meanwhile, by any time.
      durationMs: Math.min(LONGEST_DURATION, Math.max(0, Math.round(now - startedAt))),
      outcome: outcome.kind,
      reason: 'reason' in outcome ? outcome.reason : next.reason,
      response: 'response' in outcome ? (outcome.response ?? null) : null,
      providerMessageId: outcome.kind === 'delivered' ? (outcome.providerMessageId ?? null) : null,
    },
    message: message && provider.keepsMessage ? { ...message, toMask: delivery.address?.mask ?? null } : null,
  };
}

/** As much of it as decides what becomes of the delivery: for one that cannot be stored with all that was said. */
export function withoutExtras(settlement: Settlement): Settlement {
  const { reason, attempt } = settlement;
  const short = (text: string | null) => text?.slice(0, 200).toWellFormed().replaceAll('\0', '\uFFFD') ?? null;
  return {
    ...settlement,
    reason: short(reason),
    attempt: { ...attempt, reason: short(attempt.reason), response: null, providerMessageId: null },
    message: null,
  };
}

/** The column's: an integer of 32 bits. */
const LONGEST_DURATION = 2 ** 31 - 1;

type NextState = Pick<Settlement, 'status' | 'dueAt' | 'reasonCode' | 'reason'>;

function nextState(
  delivery: ClaimedDelivery,
  outcome: DispatchResult['outcome'],
  now: Millis,
  random: number,
): NextState {
  switch (outcome.kind) {
    case 'delivered':
      return { status: 'sent', dueAt: null, reasonCode: null, reason: null };
    case 'undeliverable': {
      const what = outcome.missing === 'email' ? 'e-mail address' : 'phone number';
      const trait = `user_traits.${outcome.missing}`;
      const reason = `No ${what} is known for this person: no event has brought ${trait}, or one has taken it back.`;
      return { status: 'undeliverable', dueAt: null, reasonCode: `missing_${outcome.missing}`, reason };
    }
    case 'rejected':
      return { status: 'dead', dueAt: null, reasonCode: 'rejected', reason: `Rejected: ${outcome.reason}` };
    case 'in_doubt': {
      const held = (why: string): NextState => ({
        status: 'in_doubt',
        dueAt: null,
        reasonCode: 'in_doubt',
        reason: `It may have gone out (${outcome.reason}). ${why}; retry it by hand.`,
      });
      if (delivery.inDoubt === 'hold') return held('Held, as this notification type says');
      const resent = `It may have gone out (${outcome.reason}); sent again, as this notification type says.`;
      const next = scheduleRetry(delivery, resent, now, random);
      // What may have gone out was not given up: nobody knows.
      return next.status === 'queued' ? next : held('There is no time left to send it again');
    }
    case 'retry':
      return scheduleRetry(delivery, outcome.reason, now, random, outcome.after);
  }
}

function scheduleRetry(
  delivery: ClaimedDelivery,
  reason: string,
  now: Millis,
  random: number,
  after?: Millis,
): NextState {
  const asked = after === undefined || Number.isNaN(after) ? 0 : after;
  const dueAt = now + retryDelay(delivery.attempt, random, asked);
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
