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

export const DELIVERY_STATUSES = [
  'queued',
  'sending',
  'sent',
  'undeliverable',
  'dead',
  'in_doubt',
  'cancelled',
] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** Reason for the status of a delivery; absent while it is new or first being sent, and once it is sent. */
export const DELIVERY_REASON_CODES = [
  'retrying',
  'retried',
  'missing_email',
  'missing_phone',
  'rejected',
  'retries_exhausted',
  'in_doubt',
] as const;
export type DeliveryReasonCode = (typeof DELIVERY_REASON_CODES)[number];

/** The outcome of one call to a provider. A provider throws only because of a bug. */
export type SendOutcome =
  | { readonly kind: 'delivered'; readonly providerMessageId?: string; readonly response?: string }
  /** A temporary failure; `after` is the minimum delay (ms) that the provider asked for. */
  | { readonly kind: 'retry'; readonly reason: string; readonly after?: Millis; readonly response?: string }
  /** A permanent failure. */
  | { readonly kind: 'rejected'; readonly reason: string; readonly response?: string }
  /** The message may or may not have been sent. */
  | { readonly kind: 'in_doubt'; readonly reason: string; readonly response?: string };
