/**
 * The vocabulary of Tidings: types, and the names that several rooms share.
 *
 * Every time is in milliseconds since the Unix epoch (UTC) unless its name says otherwise.
 */

export type Millis = number;

export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

/** The one tenant there is so far. */
export const DEFAULT_TENANT = 'default';

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
  | { readonly kind: 'day'; readonly zone: Zone }
  /** Any span of this length; both ends count. */
  | { readonly kind: 'rolling'; readonly span: Millis };

/** An IANA name, or `user`: the person's own (trait `time_zone`; UTC when it is unknown). */
export type Zone = 'UTC' | 'user' | (string & {});

/** At most `max` sends per `period`, for each person, or for each key of a rule that has one. */
export interface Limit {
  readonly max: number;
  readonly period: Period;
  /** As a person reads it: `once`, `1 per day`, `3 per 24h`. */
  readonly text: string;
  /** Counts over all keys of the rule (`3 per day per person`); absent: each key by itself. */
  readonly perPerson?: true;
  /** Comes from `throttle`: the first of a burst goes, then silence. */
  readonly throttle?: true;
}

/** Limits that several rules share: `groups: { promos: { limit: 2 per day } }`. */
export interface Group {
  readonly name: string;
  readonly limits: readonly Limit[];
}

/** One earlier step of a pattern: `event` at most `within` before the next step (the last one: before the trigger). */
export interface After {
  readonly event: string;
  readonly within: Millis;
  /** As written: `24h`. */
  readonly withinText: string;
  /** A CEL expression over `event` that must have the same value for this event and the trigger. */
  readonly same?: string;
}

/** How often `of` (or the trigger itself) happened in a window that ends with the trigger, the trigger included. */
export interface Count {
  /** Event types counted; those that trigger the rule when it is not said. */
  readonly of: readonly string[];
  readonly how: 'at_least' | 'at_most' | 'exactly';
  readonly n: number;
  readonly window:
    | { readonly kind: 'rolling'; readonly span: Millis; readonly text: string }
    /** The calendar day of the trigger. */
    | { readonly kind: 'day'; readonly zone: Zone; readonly text: string }
    /** Since the latest event of this type at or before the trigger; without one there is nothing to count. */
    | { readonly kind: 'since'; readonly event: string; readonly text: string };
  readonly same?: string;
}

/** Not one of `events` (fewer than `atLeast`) from the trigger until `within` after it, both ends included. */
export interface Absence {
  readonly events: readonly string[];
  readonly atLeast: number;
  readonly within: Millis;
  readonly withinText: string;
  readonly same?: string;
}

/** A point in time to wait for. */
export interface At {
  /** As written: `event.starts_at - 24h`, `monday 09:00`. */
  readonly text: string;
  /** A CEL expression that gives a timestamp; absent: counted from the moment the rule would act otherwise. */
  readonly field?: string;
  /** Added to the field; negative: before it. */
  readonly offset: Millis;
  /** Then the next (with a field: the same day's) such time of day, in minutes since midnight, and weekday (1 Monday … 7). */
  readonly timeOfDay?: number;
  readonly weekday?: number;
}

/** When a rule acts by itself, for everybody in its audience. */
export interface Recurrence {
  /** As written: `monday 09:00`, `day 18:00`, `month on 1 at 09:00`, `cron 0 9 * * 1`. */
  readonly text: string;
  /** Five cron fields: minute, hour, day of month, month, day of week. */
  readonly cron: string;
}

export interface TraitChange {
  readonly trait: string;
  /** Only when it becomes this. */
  readonly to?: Json;
}

export interface Digest {
  /**
   * `fixed`: from the first item on. `sliding`: after so long without a new item, at most `atMost` after the first one.
   * `calendar`: until the next such time in the rule's zone.
   */
  readonly window:
    | { readonly kind: 'fixed'; readonly span: Millis; readonly text: string }
    | { readonly kind: 'sliding'; readonly span: Millis; readonly atMost: Millis; readonly text: string }
    | { readonly kind: 'calendar'; readonly recurrence: Recurrence; readonly text: string };
  /** Items the template gets; the total counts all. */
  readonly keep: number;
  /** The first item is told at once, and opens the window for the others. */
  readonly firstNow: boolean;
}

/** One branch of `choose`: the first whose condition holds is taken; without a condition it always is. */
export interface Branch {
  readonly when?: string;
  /** Empty: nothing is sent. */
  readonly notify: readonly string[];
}

/** One part of `split`; which one a person falls into depends on the rule and the person alone. */
export interface Variant {
  readonly name: string;
  /** Percent; all of a rule add up to 100. */
  readonly share: number;
  /** Empty: held out, nothing is sent. */
  readonly notify: readonly string[];
}

export type Action =
  /** Sets a trait of the person. `value` is a CEL expression. */
  | { readonly kind: 'set'; readonly trait: string; readonly value: string }
  /** Emits an event about the same person; `properties` are CEL expressions. */
  | { readonly kind: 'emit'; readonly event: string; readonly properties: { readonly [name: string]: string } }
  /** Ends what this rule has pending for the person (of the same key, when both rules have one). */
  | { readonly kind: 'cancel'; readonly rule: string };

export interface Rule {
  readonly name: string;
  /** Event types that trigger it; one of them is enough. */
  readonly on: readonly string[];
  /** For a notification's own lifecycle (`notification.failed`): only of these notification types. */
  readonly about?: readonly string[];
  /** Changes of the profile that trigger it. */
  readonly changes?: readonly TraitChange[];
  /** Acts by itself, with no event. */
  readonly every?: Recurrence;
  /** The audience of `every`: a CEL condition over `user`. */
  readonly audience?: string;
  /** The zone of every local time in the rule. */
  readonly zone: Zone;
  /** A CEL expression over `event`: patterns, waits, limits and digests are kept apart for each of its values. */
  readonly key?: string;
  /** A CEL condition over `event`, `traits`, `user`, `matched` and, where the rule waits, `now`. */
  readonly when?: string;
  /** The earlier steps of a pattern, the earliest first. */
  readonly after: readonly After[];
  readonly count?: Count;
  readonly unless?: Absence;
  readonly delay?: { readonly span: Millis; readonly text: string };
  readonly at?: At;
  /** What to do when the point in time of `at` has passed already, or its field is missing. */
  readonly ifPast: WaitPolicy;
  readonly ifMissing: WaitPolicy;
  /** Judge the condition again when a wait ends. */
  readonly recheck: boolean;
  /** Event types that end a wait. */
  readonly cancelOn: readonly string[];
  /** What a new trigger does while the rule waits for this person and key. */
  readonly again: 'ignore' | 'restart' | 'beside';
  readonly debounce?: { readonly quiet: Millis; readonly atMost?: Millis; readonly text: string };
  readonly digest?: Digest;
  readonly limits: readonly Limit[];
  /** Whose limits it shares. */
  readonly group?: string;
  readonly choose?: readonly Branch[];
  readonly split?: readonly Variant[];
  /** Notification types to send, in order. */
  readonly notify: readonly string[];
  /** Only on these channels of the notification type. */
  readonly channels?: readonly Channel[];
  /** More for the templates: CEL expressions, as `data.NAME`. */
  readonly data?: { readonly [name: string]: string };
  readonly actions: readonly Action[];
  /** What is known later than this after its event time (or due time) is not sent any more. */
  readonly expires?: Millis;
}

export type WaitPolicy = 'skip' | 'send_now' | 'error';

/** The type of event that `set` makes. */
export const PROFILE_UPDATED = 'profile.updated';

/** Traits that name how a person is reached; of two of a kind in one event the first listed counts. A rule sets none. */
export const ADDRESS_TRAITS: { readonly [trait: string]: AddressKind } = {
  email: 'email',
  email_address: 'email',
  phone: 'phone',
  phone_number: 'phone',
};
export type AddressKind = 'email' | 'phone';

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

/** Template sources of one notification type on one channel, by part (`subject`, `html`, `text`). */
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
  readonly groups: readonly Group[];
  readonly templates: readonly Template[];
}

export const EMPTY_CATALOG: CatalogData = { events: [], notifications: [], rules: [], groups: [], templates: [] };

/** The first place where an event does not fit: `properties.items[2].price`, and what would be right. */
export interface Misfit {
  readonly path: string;
  readonly message: string;
}

/** Checks properties and traits against the schemas of the catalog; null: they fit. */
export type SchemaCheck = (type: string, properties: JsonObject, traits: JsonObject) => Misfit | null;

// ---------------------------------------------------------------------------------------------------------------------
// Decisions

export const OUTCOMES = [
  'send',
  'suppressed',
  'not_matched',
  'scheduled',
  'cancelled',
  'failed',
  /** The rule notifies nobody, and did what it says. */
  'acted',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const REASON_CODES = [
  'matched',
  'condition_false',
  'field_missing',
  'condition_error',
  'pattern_incomplete',
  'limit_reached',
  'expired',
  // waits
  'waiting',
  'collected',
  'already_waiting',
  'key_missing',
  'count_differs',
  'broken_by_event',
  'cancelled_by_event',
  'cancelled_by_rule',
  'superseded',
  'too_late',
  'time_missing',
  'time_past',
  'catalog_changed',
  // branches and actions
  'no_branch',
  'held_out',
  'done',
  'action_failed',
  'loop',
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
    /** Of a pattern with more steps: all that were found, the earliest first. */
    readonly steps?: readonly { readonly event: string; readonly event_id: string; readonly at: string }[];
  };
  /** The value of the rule's `key`. */
  readonly key?: string;
  readonly count?: {
    readonly of: readonly string[];
    readonly needed: string;
    readonly window: string;
    readonly counted: number;
  };
  readonly wait?: {
    /** What is waited for: `delay`, `at`, `unless`, `debounce`, `digest`, `every`. */
    readonly kind: WaitKind;
    readonly wait_id: string;
    /** The event that began it (of `every`: the local time it was due, as text). */
    readonly since: string;
    readonly due_at: string;
    /** Of a wait that a later event moved or ended: that event. */
    readonly ended_by?: { readonly event_id: string; readonly event_type: string; readonly at: string };
    /** The wait it takes the place of, and when that was due. */
    readonly moved_from?: { readonly wait_id: string; readonly due_at: string };
  };
  readonly digest?: { readonly total: number; readonly kept: number };
  readonly split?: { readonly variant: string; readonly share: number };
  /** The branch of `choose` that was taken, from 1. */
  readonly branch?: number;
  readonly change?: { readonly trait: string; readonly from: Json; readonly to: Json };
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

/** An event that a rule makes, about the same person; `set` makes one of the type `profile.updated`. */
export interface Emitted {
  readonly eventId: string;
  readonly type: string;
  readonly time: Millis;
  readonly properties: JsonObject;
  readonly traits: JsonObject;
  readonly rule: string;
  readonly causedBy: string;
  readonly depth: number;
}

export const WAIT_STATUSES = ['waiting', 'fired', 'cancelled'] as const;
export type WaitStatus = (typeof WAIT_STATUSES)[number];

export type WaitKind = 'delay' | 'at' | 'unless' | 'debounce' | 'digest' | 'every';

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
