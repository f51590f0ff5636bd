import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { FailureScope, Message, MessageLocale, ShownTemplate } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import { getFault } from '../model/fault.ts';
import { FACT_VERSION } from '../model/webhook.ts';
import { documentRow, sealDocument } from '../privacy/documents.ts';
import type { Seal } from '../privacy/seal.ts';
import type { ClaimedDelivery } from '../store/deliveries/claimed-delivery.ts';
import type { Settlement } from '../store/deliveries/settlements.ts';
import { retryDelay, webhookRetryDelay } from './backoff.ts';
import type { AttemptOutcome, DispatchResult } from './dispatch-result.ts';

/** The largest duration that its column, a 32-bit integer, can hold. */
const MAX_DURATION_MS = 2 ** 31 - 1;

/** Bound of a reason in a minimal settlement. */
const MAX_MINIMAL_REASON_CHARS = 200;

/**
 * Returns the settlement of one attempt: the attempt as it is recorded, and the next state of its delivery.
 *
 * @param startedAt when the attempt started, by the wall clock, in ms
 * @param now when it ended, by the same clock
 * @param random from 0 (inclusive) to 1 (exclusive), for the backoff
 * @param seal seals the message, if it is kept
 */
export function toSettlement(
  delivery: ClaimedDelivery,
  { provider, outcome, message, locale, template, choice, hasOthers = false, cost }: DispatchResult,
  startedAt: Millis,
  now: Millis,
  random: number,
  seal: Seal,
): Settlement {
  const next = nextState(delivery, outcome, now, random, hasOthers);
  return {
    handle: delivery.handle,
    tenantId: delivery.tenantId,
    notificationId: delivery.notificationId,
    channel: delivery.channel,
    target: delivery.target,
    fence: delivery.fence,
    ...next,
    attempt: {
      n: delivery.attempt,
      provider: provider.name,
      account: provider.account ?? null,
      startedAt,
      // The wall clock may have been set during the send, forwards or backwards.
      durationMs: Math.min(MAX_DURATION_MS, Math.max(0, Math.round(now - startedAt))),
      outcome: outcome.kind,
      code: 'code' in outcome ? (outcome.code ?? null) : null,
      reason: 'reason' in outcome ? outcome.reason : next.reason,
      response: 'response' in outcome ? (outcome.response ?? null) : null,
      providerMessageId: 'providerMessageId' in outcome ? (outcome.providerMessageId ?? null) : null,
      ...getScope(outcome),
      ...(choice === undefined ? {} : { choice }),
      ...('parts' in outcome && outcome.parts !== undefined ? { parts: outcome.parts } : {}),
      ...(cost === undefined ? {} : { cost }),
      ...(locale === undefined ? {} : { locale: locale.locale }),
      ...(template?.variant === undefined ? {} : { variant: template.variant }),
    },
    ...(isFailure(outcome) && isFinal(next) ? { fault: getFault(outcome) } : {}),
    ...(outcome.kind === 'address_dead' ? { deadAs: outcome.as ?? 'invalid' } : {}),
    ...(outcome.kind === 'address_dead' && provider.sender !== undefined ? { sentAs: provider.sender } : {}),
    ...(outcome.kind === 'address_dead' && outcome.since !== undefined ? { deadSince: outcome.since } : {}),
    // That of a fact is its notification, for all its endpoints.
    message:
      message && provider.keepsMessage && delivery.catalogVersion !== FACT_VERSION
        ? sealMessage(seal, delivery, message, { ...locale, ...template })
        : null,
  };
}

/** Whether a message failed to arrive. One that its reader does not want is no failure, and no dead letter. */
function isFailure(outcome: AttemptOutcome): outcome is Exclude<AttemptOutcome, { kind: 'sent' | 'sandboxed' }> {
  if (outcome.kind === 'sent' || outcome.kind === 'sandboxed') return false;
  return outcome.kind !== 'undeliverable' || outcome.reasonCode !== 'suppressed';
}

/** Returns what a failure concerned, if it may be another thing than the message. */
function getScope(outcome: AttemptOutcome): { readonly scope?: FailureScope } {
  if (outcome.kind === 'misconfigured') return { scope: 'account' };
  return outcome.kind === 'retry' ? { scope: outcome.of ?? 'provider' } : {};
}

function sealMessage(
  seal: Seal,
  { tenantId, notificationId, channel, target, address }: ClaimedDelivery,
  message: Message,
  origin: Partial<MessageLocale> & ShownTemplate,
): Settlement['message'] {
  const row = documentRow('messages', tenantId, notificationId, channel, target);
  // Keeps where the files came from, not the files.
  const { attachments: _, ...kept } = message;
  return { sealed: sealDocument(seal, JSON.stringify(kept), row), ...origin, toMask: address?.mask ?? null };
}

/**
 * Returns the settlement without the provider's response and the message, and with short, storable reasons: for an attempt
 * that the database rejected as it was.
 */
export function minimalSettlement(settlement: Settlement): Settlement {
  const { reason, attempt } = settlement;
  const shorten = (text: string | null) =>
    text?.slice(0, MAX_MINIMAL_REASON_CHARS).toWellFormed().replaceAll('\0', '\uFFFD') ?? null;
  return {
    ...settlement,
    reason: shorten(reason),
    attempt: { ...attempt, reason: shorten(attempt.reason), response: null, providerMessageId: null },
    message: null,
  };
}

function isFinal({ status }: NextState): boolean {
  return status !== 'queued';
}

type NextState = Pick<Settlement, 'status' | 'dueAt' | 'reasonCode' | 'reason'>;

function nextState(
  delivery: ClaimedDelivery,
  outcome: AttemptOutcome,
  now: Millis,
  random: number,
  hasOthers: boolean,
): NextState {
  switch (outcome.kind) {
    case 'sent':
    case 'sandboxed':
      return { status: outcome.kind, dueAt: null, reasonCode: null, reason: null };
    case 'undeliverable': {
      const { reasonCode, reason } = outcome;
      const status = reasonCode === 'suppressed' ? 'dropped' : 'undeliverable';
      return { status, dueAt: null, reasonCode, reason };
    }
    case 'rejected':
      return { status: 'dead', dueAt: null, reasonCode: 'rejected', reason: `Rejected: ${outcome.reason}` };
    case 'address_dead':
      return { status: 'dead', dueAt: null, reasonCode: 'address_dead', reason: `Rejected: ${outcome.reason}` };
    case 'misconfigured':
    case 'retry':
      return scheduleRetry(delivery, outcome.reason, now, random, toRetryAfter(outcome, hasOthers));
    case 'in_doubt': {
      const hold = (why: string): NextState => ({
        status: 'in_doubt',
        dueAt: null,
        reasonCode: 'in_doubt',
        reason: `The message may have been sent (${outcome.reason}). ${why}. Retry it by hand.`,
      });
      if (delivery.inDoubt === 'hold') return hold('It is held, as its notification type requires');
      const resent = `The message may have been sent (${outcome.reason}). It is sent again, as its notification type allows.`;
      const next = scheduleRetry(delivery, resent, now, random, { after: outcome.after });
      // Not "retries exhausted": the message may well have been sent.
      return next.status === 'queued' ? next : hold('It is held, because its retry time has passed');
    }
  }
}

/** A pause that a provider asked for. */
interface RetryAfter {
  /** In ms; absent: it asked for none. */
  readonly after?: Millis | undefined;
  /**
   * Whether it is one of the account: it may end sooner, and the last attempt is at the end of the retry time. Default false.
   */
  readonly isOfAccount?: boolean;
}

/**
 * Returns how long the delivery itself waits. The circuit of the account holds its pause, which other accounts do not share.
 */
function toRetryAfter(
  outcome: Extract<AttemptOutcome, { kind: 'retry' | 'misconfigured' }>,
  hasOthers: boolean,
): RetryAfter {
  const { scope } = getScope(outcome);
  const isOfAccount = scope === 'account' || scope === 'provider';
  return isOfAccount && hasOthers ? {} : { after: outcome.after, isOfAccount };
}

/** Queues the delivery for its next attempt, or ends it if that would be after its retry time. */
function scheduleRetry(
  delivery: ClaimedDelivery,
  reason: string,
  now: Millis,
  random: number,
  { after, isOfAccount = false }: RetryAfter,
): NextState {
  const minimum = after === undefined || Number.isNaN(after) ? 0 : after;
  const toDelay = CHANNEL_DESCRIPTORS[delivery.channel].retriesForDays ? webhookRetryDelay : retryDelay;
  const asked = now + toDelay(delivery.attempt, random, minimum);
  const dueAt = isOfAccount && minimum > 0 ? Math.min(asked, delivery.retryUntil) : asked;
  if (dueAt > delivery.retryUntil || now >= delivery.retryUntil) {
    const attempts = `${delivery.attempt} ${delivery.attempt === 1 ? 'attempt' : 'attempts'}`;
    return {
      status: 'dead',
      dueAt: null,
      reasonCode: 'retries_exhausted',
      reason: `Retries exhausted after ${attempts}. The last one failed: ${reason}`,
    };
  }
  return { status: 'queued', dueAt, reasonCode: 'retrying', reason };
}
