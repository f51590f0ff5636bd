/**
 * The vocabulary of Tidings, as types and nothing else.
 *
 * Every time is in milliseconds since the Unix epoch (UTC) unless its name says otherwise.
 */

export type Millis = number;

export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

/** A fact about a person, posted by a service. What is stored: addresses are already split off and masked. */
export interface Event {
  readonly tenantId: string;
  readonly userId: string;
  /** The caller's id, or one derived from the content. Unique within the tenant. */
  readonly eventId: string;
  /** 128-bit identity as a UUID: of the caller's id, or of the content. Part of the primary key. */
  readonly key: string;
  readonly type: string;
  /** Event time: when it happened, as the caller says. */
  readonly time: Millis;
  readonly properties: JsonObject;
  readonly traits: JsonObject;
}

/** What is known of a person: traits (newest event time wins per trait), addresses only as masks. */
export interface Profile {
  readonly traits: JsonObject;
  /** Per trait, the event time its value comes from. */
  readonly traitTimes: { readonly [trait: string]: Millis };
}

// ---------------------------------------------------------------------------------------------------------------------
// The catalog: what a tenant may receive, say and tell. Immutable and numbered once applied.

export type Period =
  | { readonly kind: 'ever' }
  /** A calendar day: in UTC, in the person's own zone (trait `time_zone`), or in a named IANA zone. */
  | { readonly kind: 'day'; readonly zone: 'UTC' | 'user' | (string & {}) }
  /** Any span of this length; both ends count. */
  | { readonly kind: 'rolling'; readonly span: Millis };

/** At most `max` sends per `period`, for each person. */
export interface Limit {
  readonly max: number;
  readonly period: Period;
  /** As a person reads it: `once`, `1 per day`, `3 per 24h`. */
  readonly text: string;
}

/** B (the rule's trigger) within `within` after A (`event`); both bounds count. */
export interface After {
  readonly event: string;
  readonly within: Millis;
  /** As written: `24h`. */
  readonly withinText: string;
}

export interface Rule {
  readonly name: string;
  /** Event types that trigger it; one of them is enough. */
  readonly on: readonly string[];
  /** A CEL condition over `event`, `traits` and `user`. */
  readonly when?: string;
  readonly after?: After;
  readonly limits: readonly Limit[];
  /** Notification types to send, in order. */
  readonly notify: readonly string[];
  /** What is known later than this after its event time is not sent any more. */
  readonly expires?: Millis;
}

export const CATEGORIES = ['TRANSACTIONAL', 'MARKETING', 'SYSTEM', 'SECURITY', 'OPERATIONAL'] as const;
export type Category = (typeof CATEGORIES)[number];

export const CHANNELS = ['email', 'sms', 'push', 'in_app', 'webhook', 'internal'] as const;
export type Channel = (typeof CHANNELS)[number];

/** What to do when a crash leaves it unknown whether a message went out. */
export type InDoubtPolicy = 'resend' | 'hold';

export interface NotificationType {
  readonly name: string;
  readonly description?: string;
  readonly category: Category;
  readonly channels: readonly Channel[];
  readonly inDoubt: InDoubtPolicy;
  /** How long delivery is retried before the dead letter, in milliseconds. */
  readonly maxAge: Millis;
}

export interface EventType {
  readonly name: string;
  readonly description?: string;
  /** JSON Schema (2020-12 vocabulary as Ajv reads it) of `properties`; absent: anything. */
  readonly properties?: JsonObject;
}

/** Template sources of one notification type on one channel, by part (`subject`, `html`, `text`, `title`, `body`). */
export type TemplateParts = { readonly [part: string]: string };

export interface Template {
  readonly notificationType: string;
  readonly channel: Channel;
  readonly locale: string;
  readonly parts: TemplateParts;
}

/** A whole catalog as plain data: what is stored, compared and compiled. */
export interface CatalogData {
  readonly events: readonly EventType[];
  /** JSON Schema of `user_traits`, for every event; absent: anything. */
  readonly traits?: JsonObject;
  readonly notifications: readonly NotificationType[];
  readonly rules: readonly Rule[];
  readonly templates: readonly Template[];
}

// ---------------------------------------------------------------------------------------------------------------------
// Decisions

export type Outcome = 'send' | 'suppressed' | 'not_matched' | 'scheduled' | 'cancelled' | 'failed';

export const REASON_CODES = [
  'matched',
  'condition_false',
  'field_missing',
  'condition_error',
  'pattern_incomplete',
  'limit_reached',
  'expired',
] as const;
export type ReasonCode = (typeof REASON_CODES)[number];

/** One earlier send that a limit counted. */
export interface LimitUse {
  /** Event time of the event that was told. */
  readonly at: Millis;
  readonly eventId: string;
  readonly notificationId: string;
}

/** What was seen when it was decided. Stored, never recomputed. */
export interface Evidence {
  readonly condition?: {
    readonly expression: string;
    readonly result: boolean | 'field_missing' | 'error';
    /** Each field the condition names, and its value; a missing one is listed in `missing`. */
    readonly values: JsonObject;
    readonly missing?: readonly string[];
    readonly error?: string;
  };
  readonly pattern?: {
    readonly after: string;
    readonly within: string;
    /** The window that was searched (ISO 8601). */
    readonly from: string;
    readonly to: string;
    /** The earlier event that completes the pattern; absent: none was known. */
    readonly matched?: { readonly event_id: string; readonly at: string };
  };
  readonly limits?: readonly {
    readonly limit: string;
    /** The bucket counted in: `ever`, a date, or a span. */
    readonly window: string;
    readonly max: number;
    readonly used: number;
    readonly uses: readonly { readonly at: string; readonly event_id: string; readonly notification_id: string }[];
  }[];
  /** The decision was made later than the event happened by this many milliseconds, and the rule expired it. */
  readonly expired?: { readonly expires_ms: Millis; readonly late_by_ms: Millis };
}

/** One rule's verdict on one event, for one notification type. The stored and the public shape are the same. */
export interface Decision {
  readonly decision_id: string;
  readonly rule: string;
  readonly notification_type: string;
  readonly outcome: Outcome;
  readonly reason_code: ReasonCode;
  /** A sentence that can be read aloud. */
  readonly reason: string;
  readonly notification_id: string | null;
  /** The trigger first, then what completed it. */
  readonly event_ids: readonly string[];
  readonly evidence: Evidence;
}

// ---------------------------------------------------------------------------------------------------------------------
// Messages and deliveries

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
