import type { Connector } from './connector.ts';
import type { Channel, InDoubtPolicy, Priority } from './delivery.ts';
import type { Json, JsonObject, Millis } from './event.ts';
import type { EventMapping } from './mapping.ts';
import type { Policy } from './preferences.ts';
import type { Price, Route } from './route.ts';
import type { MessageSink } from './sink.ts';
import type { MessageSource } from './source.ts';
import type { Tracking } from './tracking.ts';

/** The span over which a limit counts sends. */
export type Period =
  | { readonly kind: 'ever' }
  /** A calendar day: in UTC, in the user's zone (trait `time_zone`), or in a named IANA zone. */
  | { readonly kind: 'day'; readonly zone: Zone }
  /** Any span of this length; both ends are inclusive. */
  | { readonly kind: 'rolling'; readonly span: Millis };

/** An IANA zone name, or `user`: the zone in the user's trait `time_zone` (UTC if absent or invalid). */
export type Zone = 'UTC' | 'user' | (string & {});

/** At most `max` sends per `period`, counted per user, or per user and key for a rule that has a key. */
export interface Limit {
  readonly max: number;
  readonly period: Period;
  /** Display text: `once`, `1 per day`, `3 per 24h`. */
  readonly text: string;
  /** Present: counts over all keys of the rule (`3 per day per person`). Absent: counts each key separately. */
  readonly perUser?: true;
  /** Present: written as `throttle`, which sends the first of a burst and suppresses the rest. */
  readonly throttle?: true;
}

/** Limits shared by several rules: `groups: { promos: { limit: 2 per day } }`. */
export interface Group {
  readonly name: string;
  readonly limits: readonly Limit[];
}

/** One earlier step of a pattern: `event` at most `within` ms before the next step (for the last step: before the trigger). */
export interface After {
  readonly event: string;
  readonly within: Millis;
  /** As written: `24h`. */
  readonly withinText: string;
  /** A CEL expression over `event` that must have the same value for this event and the trigger. */
  readonly same?: string;
}

/** A required number of events in a window that ends with the trigger; the trigger itself is included. */
export interface Count {
  /** Event types counted; defaults to the rule's triggers. */
  readonly of: readonly string[];
  readonly how: 'at_least' | 'at_most' | 'exactly';
  readonly n: number;
  readonly window:
    | { readonly kind: 'rolling'; readonly span: Millis; readonly text: string }
    /** The calendar day that contains the trigger. */
    | { readonly kind: 'day'; readonly zone: Zone; readonly text: string }
    /** From the latest event of this type at or before the trigger; without such an event the count is 0. */
    | { readonly kind: 'since'; readonly event: string; readonly text: string };
  readonly same?: string;
}

/** Fewer than `atLeast` of `events` from the trigger until `within` ms after it, both ends inclusive. */
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
  /** A CEL expression that evaluates to a timestamp; absent: the time at which the rule would act without `at`. */
  readonly field?: string;
  /** Milliseconds added to the field; negative means earlier. */
  readonly offset: Millis;
  /**
   * Minutes since local midnight: moves the result to the next such time of day, or, with `field`, to that time on the
   * same day.
   */
  readonly timeOfDay?: number;
  /** ISO weekday, 1 (Monday) to 7: moves the result to the next such day. */
  readonly weekday?: number;
}

/** A schedule on which a rule acts without an event, for every user of its audience. */
export interface Recurrence {
  /** As written: `monday 09:00`, `day 18:00`, `month on 1 at 09:00`, `cron 0 9 * * 1`. */
  readonly text: string;
  /** Five cron fields: minute, hour, day of month, month, day of week. */
  readonly cron: string;
}

/** A profile change that triggers a rule. */
export interface TraitChange {
  readonly trait: string;
  /** The required new value; absent: any change. */
  readonly to?: Json;
}

/** Collects events during a window and sends one notification about all of them. */
export interface Digest {
  /**
   * `fixed` ends `span` ms after the first item. `sliding` ends `span` ms after the latest item, at most `atMost` ms after
   * the first. `calendar` ends at the next scheduled time in the rule's zone.
   */
  readonly window:
    | { readonly kind: 'fixed'; readonly span: Millis; readonly text: string }
    | { readonly kind: 'sliding'; readonly span: Millis; readonly atMost: Millis; readonly text: string }
    | { readonly kind: 'calendar'; readonly recurrence: Recurrence; readonly text: string };
  /** Maximum number of items passed to the template (the latest ones); the total counts all. */
  readonly keep: number;
  /** True: the first item is sent immediately and opens the window for later items. */
  readonly firstNow: boolean;
}

/** One branch of `choose`. The first branch whose condition holds is selected; a branch without a condition always holds. */
export interface Branch {
  readonly when?: string;
  /** Notification types to send; empty: sends nothing. */
  readonly notify: readonly string[];
}

/** Names of variants that send nothing. */
export const HOLDOUT_VARIANTS: readonly string[] = ['control', 'holdout', 'none'];

/** One variant of `split`. The assignment depends only on the rule name and the user ID. */
export interface Variant {
  readonly name: string;
  /** Percentage of users; the shares of a rule add up to 100. */
  readonly share: number;
  /** Notification types to send; empty: a holdout group, which receives nothing. */
  readonly notify: readonly string[];
}

/** A side effect of a rule (`do`). */
export type Action =
  /** Sets a trait of the user. `value` is a CEL expression. */
  | { readonly kind: 'set'; readonly trait: string; readonly value: string }
  /** Emits an event about the same user; `properties` are CEL expressions. */
  | { readonly kind: 'emit'; readonly event: string; readonly properties: { readonly [name: string]: string } }
  /** Cancels the pending waits of `rule` for the user (with the same key, if both rules have one). */
  | { readonly kind: 'cancel'; readonly rule: string };

/** A rule as parsed from `rules.yaml`. */
export interface Rule {
  readonly name: string;
  /** Event types that trigger the rule. */
  readonly on: readonly string[];
  /** For triggers on lifecycle events (`notification.failed`): only for these notification types. */
  readonly about?: readonly string[];
  /** Profile changes that trigger the rule. */
  readonly changes?: readonly TraitChange[];
  /** The schedule of a rule that acts without an event. */
  readonly every?: Recurrence;
  /** The audience of `every`: a CEL condition over `user`. */
  readonly audience?: string;
  /** Name of the segment whose condition `audience` is; absent: the rule has its own. */
  readonly segment?: string;
  /** The zone of every local time in the rule. */
  readonly zone: Zone;
  /** A CEL expression over `event`. Patterns, waits, limits and digests are separate for each of its values. */
  readonly key?: string;
  /** A CEL condition over `event`, `traits`, `user`, `matched` and, in a rule that waits, `now`. */
  readonly when?: string;
  /** Earlier steps of the pattern, earliest first. */
  readonly after: readonly After[];
  readonly count?: Count;
  readonly unless?: Absence;
  readonly delay?: { readonly span: Millis; readonly text: string };
  readonly at?: At;
  /** Policy if the time of `at` has already passed. */
  readonly ifPast: WaitPolicy;
  /** Policy if the field of `at` is missing. */
  readonly ifMissing: WaitPolicy;
  /** True: evaluates the condition again when a wait ends. */
  readonly recheck: boolean;
  /** Event types that cancel a wait. */
  readonly cancelOn: readonly string[];
  /** Effect of a new trigger while the rule already waits for the same user and key. */
  readonly again: 'ignore' | 'restart' | 'beside';
  readonly debounce?: { readonly quiet: Millis; readonly atMost?: Millis; readonly text: string };
  readonly digest?: Digest;
  readonly limits: readonly Limit[];
  /** Name of the group whose limits the rule shares. */
  readonly group?: string;
  readonly choose?: readonly Branch[];
  readonly split?: readonly Variant[];
  /** Notification types to send, in order. */
  readonly notify: readonly string[];
  /** Restricts the channels of the notification type. */
  readonly channels?: readonly Channel[];
  /** Additional template data: CEL expressions, available as `data.NAME`. */
  readonly data?: { readonly [name: string]: string };
  /** Values of the declared variables of its notifications: a CEL expression of an object, or one for each of them. */
  readonly variables?: string | { readonly [name: string]: string };
  readonly actions: readonly Action[];
  /** Maximum delay (ms) between event time (or due time) and decision; later decisions are suppressed as `expired`. */
  readonly expires?: Millis;
}

/** Behavior of a rule whose point in time is missing or has passed. */
export type WaitPolicy = 'skip' | 'send_now' | 'error';

export const CATEGORIES = ['TRANSACTIONAL', 'MARKETING', 'SYSTEM', 'SECURITY', 'OPERATIONAL'] as const;
export type Category = (typeof CATEGORIES)[number];

/** Time (ms) during which delivery is retried, for types that say nothing else; of webhooks, whose pauses are longer, WEBHOOK_RETRY_MS. */
export const DEFAULT_RETRY_MS: Millis = 24 * 3_600_000;
export const WEBHOOK_RETRY_MS: Millis = 28 * 3_600_000;

/** A type of notification, as parsed from `notifications.yaml`. */
export interface NotificationType {
  readonly name: string;
  readonly description?: string;
  readonly category: Category;
  /** All of them are used, or the first that reaches the user, in this order: see `firstOf`. */
  readonly channels: readonly Channel[];
  readonly firstOf?: FirstOf;
  readonly priority: Priority;
  readonly inDoubt: InDoubtPolicy;
  /** Time (ms) during which delivery is retried before it becomes a dead letter. */
  readonly maxAge: Millis;
  /** Time (ms) after which the message is of no use, and is no longer sent; absent: it keeps its use. */
  readonly expiresAfter?: Millis;
  /** Finding out about the readers of its email; absent: what the tenant says. */
  readonly tracking?: Tracking;
  /** Present: it does not wait for quiet hours. */
  readonly quiet?: 'ignore';
  /** Time in ms within which the same content goes to a user once by a channel; absent: it may repeat itself. */
  readonly dedupe?: Millis;
  /** Present: it is dropped where it would have to wait for legal or quiet hours. */
  readonly whenHeld?: 'drop';
  /** Event that the message is to bring about; absent: nothing is counted. */
  readonly goal?: Goal;
  /** Requests and batches alone send it: a catalog without a rule for it is as it should be. Absent: rules do, or may. */
  readonly sentBy?: 'requests';
  /** Variables of its templates, which a rule or a direct send fills; absent: none are its own. */
  readonly variables?: Variables;
  /** Names of the layouts of its templates; absent: they have no layout. */
  readonly layouts?: { readonly [channel in Channel]?: string };
}

/** An event of the user that says that a message had its effect. */
export interface Goal {
  /** An event type. */
  readonly event: string;
  /** Time (ms) after the decision to send within which it counts. */
  readonly within: Millis;
}

export const VARIABLE_TYPES = ['string', 'number', 'boolean', 'date', 'object', 'list'] as const;

/** A variable that templates name at the top level: `{{orderNumber}}`. */
export interface Variable {
  readonly description?: string;
  /** A date is a date (2025-11-20), or a date and time (ISO 8601). Absent: any value. */
  readonly type?: (typeof VARIABLE_TYPES)[number];
  /** Without a value nothing is sent. Absent: it shows nothing. */
  readonly required?: true;
  /** Used without a value. */
  readonly default?: Json;
}

/** Variables by name. */
export type Variables = { readonly [name: string]: Variable };

/** Events that end the search for a channel that reaches the user. */
export const REACHED = ['sent', 'delivered', 'opened'] as const;

/** Channels that are tried one after the other. */
export interface FirstOf {
  /** Time (ms) that each has before the next one. */
  readonly wait: Millis;
  /** Outcome of a message that cancels the next ones. */
  readonly until: (typeof REACHED)[number];
}

/** The priority of a type that names none. */
export const PRIORITY_BY_CATEGORY: { readonly [category in Category]: Priority } = {
  SECURITY: 'URGENT',
  TRANSACTIONAL: 'HIGH',
  OPERATIONAL: 'MEDIUM',
  SYSTEM: 'MEDIUM',
  MARKETING: 'LOW',
};

/** A named set of users, as parsed from `segments.yaml`: those whose profile meets a condition. */
export interface Segment {
  readonly name: string;
  readonly description?: string;
  /** A CEL condition over `user` and `now`. */
  readonly condition: string;
}

/** A type of event, as parsed from `events.yaml`. */
export interface EventType {
  readonly name: string;
  readonly description?: string;
  /** JSON Schema (2020-12, as Ajv interprets it) of `properties`; absent: no restriction. */
  readonly properties?: JsonObject;
  /** The places of its parts in CloudEvents and domain events of this type; a part that it lacks is as in the catalog's mapping. */
  readonly mapping?: EventMapping;
}

/** Template sources of one notification type on one channel in one locale, by part (`subject`, `html`, `text`). */
export type TemplateParts = { readonly [part: string]: string };

/** The templates of one notification type, channel and locale. */
export interface Template {
  readonly notificationType: string;
  readonly channel: Channel;
  readonly locale: string;
  /** Absent: the template that users see who take part in no test. */
  readonly variant?: string;
  readonly parts: TemplateParts;
  /** Variables that it declares beside those of its type. */
  readonly variables?: Variables;
  /** The version of a template of the API that it is; absent: it is one of the files. */
  readonly stored?: StoredVersion;
}

/** A version of a template that was made over the API. */
export interface StoredVersion {
  readonly id: string;
  readonly version: number;
}

/** The name of the template without a variant, in tests. */
export const DEFAULT_VARIANT = 'default';

/** A test that shows users of one notification type and channel different variants of a template. */
export interface TemplateTest {
  /** Also the salt by which a user is given a variant. */
  readonly id: string;
  readonly notificationType: string;
  readonly channel: Channel;
  /** Percentage of users by variant, at least 1 each and 100 in total. */
  readonly shares: { readonly [variant: string]: number };
}

/** A complete catalog as plain JSON data, the form in which it is stored, compared and compiled. */
export interface CatalogData {
  readonly events: readonly EventType[];
  /** JSON Schema of `user_traits` of every event; absent: no restriction. */
  readonly traits?: JsonObject;
  /** The places of the parts of CloudEvents and domain events of every type; absent: those of their standards and habits. */
  readonly mapping?: EventMapping;
  readonly notifications: readonly NotificationType[];
  /** Variables of all templates, which the settings of the tenant fill; absent: none. */
  readonly variables?: Variables;
  readonly rules: readonly Rule[];
  readonly groups: readonly Group[];
  /** Absent: none. */
  readonly segments?: readonly Segment[];
  readonly templates: readonly Template[];
  /** Layouts and partials as files, by path; absent: it has no such files. */
  readonly pieces?: { readonly [path: string]: string };
  /** Tests of variants of templates that are under way; absent: none. */
  readonly tests?: readonly TemplateTest[];
  /** The accounts of each channel; absent: in the order of their places. */
  readonly routes?: readonly Route[];
  /** Absent: what messages cost is not computed. */
  readonly prices?: readonly Price[];
  /** Topics whose messages are events; absent: none. */
  readonly sources?: readonly MessageSource[];
  /** Topics that facts and decisions are written to; absent: none. */
  readonly sinks?: readonly MessageSink[];
  /** Policy for the terms of users; absent: NO_POLICY. */
  readonly preferences?: Policy;
  /** Connections to other services; absent: none. */
  readonly connectors?: readonly Connector[];
}

export const EMPTY_CATALOG: CatalogData = { events: [], notifications: [], rules: [], groups: [], templates: [] };
