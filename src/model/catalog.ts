import type { Channel, InDoubtPolicy } from './delivery.ts';
import type { Json, JsonObject, Millis } from './event.ts';

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
  readonly perUser?: true;
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

export const CATEGORIES = ['TRANSACTIONAL', 'MARKETING', 'SYSTEM', 'SECURITY', 'OPERATIONAL'] as const;
export type Category = (typeof CATEGORIES)[number];

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
