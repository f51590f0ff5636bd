import type { Millis } from './event.ts';

export const CHANNELS = ['email', 'sms', 'push', 'in_app', 'webhook', 'internal'] as const;
export type Channel = (typeof CHANNELS)[number];

/** What to do when a crash leaves it unknown whether a message went out. */
export type InDoubtPolicy = 'resend' | 'hold';

/** What a template renders to. Which parts are present depends on the channel. */
export interface Message {
  readonly subject?: string;
  readonly text: string;
  readonly html?: string;
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

/** Why a delivery stands as it does; none when it is new, being sent for the first time, or sent. */
export const DELIVERY_REASON_CODES = [
  'retrying',
  'retried',
  'missing_email',
  'missing_phone',
  'rejected',
  'gave_up',
  'in_doubt',
] as const;
export type DeliveryReasonCode = (typeof DELIVERY_REASON_CODES)[number];

/** What one call to a provider came to. A provider throws only on a bug. */
export type SendOutcome =
  | { readonly kind: 'delivered'; readonly providerMessageId?: string; readonly response?: string }
  /** Try again; not before `after` milliseconds when the provider says so. */
  | { readonly kind: 'retry'; readonly reason: string; readonly after?: Millis; readonly response?: string }
  /** It will never work like this. */
  | { readonly kind: 'rejected'; readonly reason: string; readonly response?: string }
  /** It may have gone out; nobody knows. */
  | { readonly kind: 'in_doubt'; readonly reason: string; readonly response?: string };
