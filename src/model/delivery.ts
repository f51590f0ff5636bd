import type { JsonObject, Millis } from './event.ts';
import { DROP_CODES } from './plan-codes.ts';

export const CHANNELS = ['email', 'sms', 'push', 'in_app', 'webhook', 'chat', 'internal'] as const;
export type Channel = (typeof CHANNELS)[number];

/** Urgency of a message, the most urgent first. More urgent messages are taken first while more is due than can be sent. */
export const PRIORITIES = ['URGENT', 'HIGH', 'MEDIUM', 'LOW'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** Returns the number of a priority, as it is stored: 0 is the most urgent. */
export function getPriorityNumber(priority: Priority): number {
  return PRIORITIES.indexOf(priority);
}

/** Number of the priority whose messages do not wait for quiet hours. Those of HIGH do. */
export const URGENT_PRIORITY = getPriorityNumber('URGENT');

/** Policy for a message of which a crash leaves unknown whether it was sent. */
export type InDoubtPolicy = 'resend' | 'hold';

/** A rendered message. The parts present depend on the channel: see its descriptor in src/model/channels/. */
export interface Message {
  readonly subject?: string;
  /** The plain text; of push and in-app messages the body. */
  readonly text: string;
  readonly html?: string;
  /** The line above the text, of push and in-app messages. */
  readonly title?: string;
  /** For the program that receives it: the data of a push message, the payload of a webhook. */
  readonly data?: JsonObject;
  /** The number on the icon of an app, from 0. */
  readonly badge?: number;
  /** URL of a picture. */
  readonly image?: string;
  /** Buttons, at most as many as the descriptor of the channel allows. */
  readonly actions?: readonly { readonly label: string; readonly url: string }[];
  /** Hints for the inbox that shows an in-app message. */
  readonly inbox?: InboxHints;
  /** Blocks of a chat message, as its provider defines them. */
  readonly blocks?: readonly JsonObject[];
  /** Files that are fetched for it when it is sent. */
  readonly files?: readonly FileReference[];
  /** The files, once they are fetched. */
  readonly attachments?: readonly Attachment[];
  /** A template that is kept by the provider, and its data. */
  readonly hosted?: { readonly template: string; readonly data: JsonObject };
}

export const SEVERITIES = ['info', 'success', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Hints for the inbox that shows a message, beside its texts. */
export interface InboxHints {
  /** The thread that it belongs to: messages of one group are shown as one. */
  readonly group?: string;
  readonly severity?: Severity;
  /** URL of a small picture, such as that of its sender. */
  readonly icon?: string;
  /** URL that a click on it opens: one of your app, or a path of its site. */
  readonly url?: string;
  /** Time in UTC (ISO 8601) from which it is no longer shown. */
  readonly expires_at?: string;
}

/** A file with an email. */
export interface Attachment {
  readonly name: string;
  /** As `application/pdf`. */
  readonly type: string;
  readonly content: Buffer;
  /** For an image in the HTML: what follows `cid:` there. */
  readonly contentId?: string;
}

/** A file that is fetched from a URL when the email is sent. */
export interface FileReference {
  readonly url: string;
  readonly name: string;
  /** As `application/pdf`. Absent: what the server says. */
  readonly type?: string;
  readonly contentId?: string;
}
/** `json`: `{type, timestamp, data}`, as Standard Webhooks has it; `cloudevents`: CloudEvents 1.0 as structured JSON. */
export const WEBHOOK_FORMATS = ['json', 'cloudevents'] as const;
export type WebhookFormat = (typeof WEBHOOK_FORMATS)[number];

/** Recipient of a message. Addresses, tokens and secrets in it are never logged. */
export type Target =
  | { readonly kind: 'email'; readonly address: string }
  /** E.164: `+` and digits. */
  | { readonly kind: 'phone'; readonly number: string }
  | {
      readonly kind: 'device';
      readonly platform: 'ios' | 'android';
      /** The service that the token is of. Absent: it is not known. */
      readonly service?: 'apns' | 'fcm';
      readonly token: string;
      /** Environment of APNs. Default: production. */
      readonly environment?: 'sandbox' | 'production';
      readonly registeredAt: Millis;
    }
  /** A browser, by the Push API. `p256dh` and `auth` are base64url. */
  | {
      readonly kind: 'browser';
      readonly endpoint: string;
      readonly p256dh: string;
      readonly auth: string;
      readonly registeredAt: Millis;
    }
  /** An endpoint of webhooks. The signatures are made with each of the secrets. */
  | {
      readonly kind: 'endpoint';
      readonly url: string;
      readonly headers: { readonly [name: string]: string };
      readonly secrets: readonly string[];
      /** Shape of the body. Default: `json`. */
      readonly format?: WebhookFormat;
    }
  /** A channel of a chat, by its name or id, or by the URL of its incoming webhook. */
  | { readonly kind: 'chat'; readonly channel?: string; readonly url?: string }
  /** The inbox, the log: a place that needs no address. */
  | { readonly kind: 'none' };

/** The locale of a message, as evidence of how it was chosen. */
export interface MessageLocale {
  /** Locale of the template. */
  readonly locale: string;
  /** The trait `locale` of the user, truncated; null: the user has no locale, and the template was chosen without it. */
  readonly userLocale: string | null;
}

/** The template of a message, where that is more than a file of its catalog version. */
export interface ShownTemplate {
  /** A template of the API, and its version. */
  readonly templateId?: string;
  readonly templateVersion?: number;
  /** A test of variants, and the one that the user was shown. */
  readonly testId?: string;
  readonly variant?: string;
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
  'missing_device',
  'missing_endpoint',
  'target_gone',
  'notification_gone',
  'address_dead',
  'rejected',
  'retries_exhausted',
  'in_doubt',
  'expired',
  'fallback',
  'reached',
  'suppressed',
  ...DROP_CODES,
] as const;
export type DeliveryReasonCode = (typeof DELIVERY_REASON_CODES)[number];

/**
 * Scope of a temporary failure: this recipient (a full mailbox), the recipient's domain (its servers cannot be reached), this
 * message, our account with the provider (a rate limit), or the provider as a whole. Only the last two stop other
 * deliveries, and the domain those to it.
 */
export type FailureScope = 'recipient' | 'domain' | 'message' | 'account' | 'provider';

/**
 * Party whose fault it is that a message did not arrive: the recipient's (no address, a dead one, a full mailbox), the message's (its
 * content, its age), that of the account with the provider (credentials, quota), the provider's, or ours.
 */
export const FAULTS = ['us', 'provider', 'account', 'message', 'recipient'] as const;
export type Fault = (typeof FAULTS)[number];

/** Price that a provider charges for one message, in units of the currency. */
export interface Cost {
  readonly amount: number;
  /** ISO 4217. */
  readonly currency: string;
}

/**
 * Why an address is dead: it does not exist; its app or mailbox is gone; its owner wants no more messages; or it failed too
 * often.
 */
export type DeadAddressKind = 'invalid' | 'unregistered' | 'opted_out' | 'weak';

/** The outcome of one call to a provider. A provider throws only because of a bug. */
export type SendOutcome =
  /** The provider accepted the message, in so many billed `parts` (SMS), at this cost if it said so. */
  | {
      readonly kind: 'sent';
      readonly providerMessageId?: string;
      readonly response?: string;
      readonly parts?: number;
      readonly cost?: Cost;
    }
  /** The message was kept or discarded here, and went nowhere. */
  | { readonly kind: 'sandboxed'; readonly providerMessageId?: string }
  /**
   * A temporary failure; the message was surely not accepted. `of` is what it concerns (default: the provider), `after` the
   * minimum delay (ms) that the provider asked for, `timedOut` whether the provider did not respond. `isUnstated`: it limits the rate
   * without saying for how long, and `after` is the first pause, which doubles as long as it says so.
   */
  | (Failure & {
      readonly kind: 'retry';
      readonly of?: FailureScope;
      readonly after?: Millis;
      readonly isUnstated?: boolean;
      readonly timedOut?: boolean;
    })
  /** A permanent failure of this message. */
  | (Failure & { readonly kind: 'rejected' })
  /** The address does not exist, or no longer accepts messages. `since`: when the provider learned of it (APNs says so). */
  | (Failure & { readonly kind: 'address_dead'; readonly as?: DeadAddressKind; readonly since?: Millis })
  /**
   * Our settings or credentials are wrong: every other message would fail as well until an operator corrects them; `isOfSender`:
   * every other one of this sender.
   */
  | (Failure & { readonly kind: 'misconfigured'; readonly after?: Millis; readonly isOfSender?: boolean })
  /**
   * The message may or may not have been sent; `timedOut`: the provider did not respond. `after`: as of a `retry`. `of`: what did
   * not work, the provider (the default) or the servers of a domain.
   */
  | (Failure & {
      readonly kind: 'in_doubt';
      readonly of?: 'provider' | 'domain';
      readonly after?: Millis;
      readonly timedOut?: boolean;
    });

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

export interface Failure {
  /** The code of the provider, as its error table has it, such as `21610` or `UNREGISTERED`. Absent: it gave none. */
  readonly code?: string;
  /** Failure, as part of a sentence; without addresses and secrets. */
  readonly reason: string;
  /** The reply of the provider. Absent: it did not reply. */
  readonly response?: string;
  /** Party whose fault it is. Absent: as the class of the outcome says, see src/model/fault.ts. */
  readonly fault?: Fault;
}
