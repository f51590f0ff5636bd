import type { Millis } from './event.ts';

export const CHANNELS = ['email', 'sms', 'push', 'in_app', 'webhook', 'internal'] as const;
export type Channel = (typeof CHANNELS)[number];

/** Policy for a message of which a crash leaves unknown whether it was sent. */
export type InDoubtPolicy = 'resend' | 'hold';

/** A rendered message. The parts present depend on the channel. */
export interface Message {
  readonly subject?: string;
  readonly text: string;
  readonly html?: string;
}

/** The locale of a message, as evidence of how it was chosen. */
export interface MessageLocale {
  /** Locale of the template. */
  readonly locale: string;
  /** The trait `locale` of the user, truncated. */
  readonly userLocale: string;
}

/**
 * `sent`: the provider accepted it. `sandboxed`: it was kept or discarded here, and went nowhere. `dropped`: the plan decided
 * at the claim that it must not be sent.
 */
export const DELIVERY_STATUSES = [
  'queued',
  'sending',
  'sent',
  'sandboxed',
  'undeliverable',
  'dropped',
  'dead',
  'in_doubt',
  'cancelled',
] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** Time (ms) after which work that is due, and that no worker has claimed, counts as overdue. */
export const OVERDUE_AFTER_MS: Millis = 60_000;

/**
 * Returns what became of a `sent` message that did not reach its channel: the no-op provider discards everything, and the
 * log is a channel for internal alerts only. Undefined: it went to its channel.
 */
export function getSubstitute(provider: string | null, channel: string): 'discarded' | 'logged' | undefined {
  if (provider === 'noop') return 'discarded';
  return provider === 'log' && channel !== 'internal' ? 'logged' : undefined;
}

/**
 * Reason for the status of a delivery; absent while it is new or first being sent, and once it is sent or sandboxed. A
 * `dropped` delivery has the code of the policy that decided at the claim.
 */
export const DELIVERY_REASON_CODES = [
  'retrying',
  'retried',
  'address_known',
  'address_added',
  'cancelled',
  'missing_email',
  'missing_phone',
  'notification_gone',
  'address_dead',
  'rejected',
  'retries_exhausted',
  'in_doubt',
] as const;
export type DeliveryReasonCode = (typeof DELIVERY_REASON_CODES)[number];

/**
 * Scope of a temporary failure: this recipient (a full mailbox), the recipient's domain (its servers cannot be reached), this
 * message, our account with the provider (a rate limit), or the provider as a whole. Only the last two stop other
 * deliveries, and the domain those to it.
 */
export type FailureScope = 'recipient' | 'domain' | 'message' | 'account' | 'provider';

/** The outcome of one call to a provider. A provider throws only because of a bug. */
export type SendOutcome =
  /** The provider accepted the message. */
  | { readonly kind: 'sent'; readonly providerMessageId?: string; readonly response?: string }
  /** The message was kept or discarded here, and went nowhere. */
  | { readonly kind: 'sandboxed'; readonly providerMessageId?: string }
  /**
   * A temporary failure; the message was surely not accepted. `of` is what it concerns (default: the provider), `after` the
   * minimum delay (ms) that the provider asked for, `timedOut` whether the provider did not respond.
   */
  | (Failure & {
      readonly kind: 'retry';
      readonly of?: FailureScope;
      readonly after?: Millis;
      readonly timedOut?: boolean;
    })
  /** A permanent failure of this message. */
  | (Failure & { readonly kind: 'rejected' })
  /** The address does not exist, or no longer accepts messages. */
  | (Failure & { readonly kind: 'address_dead' })
  /** Our settings or credentials are wrong: every other message would fail as well until an operator corrects them. */
  | (Failure & { readonly kind: 'misconfigured' })
  /** The message may or may not have been sent; `timedOut`: the provider did not respond. */
  | (Failure & { readonly kind: 'in_doubt'; readonly timedOut?: boolean });

/** Outcome of an attempt: that of the call, or `undeliverable` before it. */
export const ATTEMPT_OUTCOMES = [
  'sent',
  'sandboxed',
  'retry',
  'rejected',
  'address_dead',
  'misconfigured',
  'in_doubt',
  'undeliverable',
] as const satisfies readonly (SendOutcome['kind'] | 'undeliverable')[];
export type AttemptOutcomeKind = (typeof ATTEMPT_OUTCOMES)[number];

interface Failure {
  readonly reason: string;
  /** The reply of the provider. Absent: it did not reply. */
  readonly response?: string;
}
