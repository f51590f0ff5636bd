import type { ZoneSource } from './direct.ts';
import type { Json, JsonObject, Millis } from './event.ts';
import type { Verdict } from './plan.ts';

export const OUTCOMES = [
  'send',
  'suppressed',
  'not_matched',
  'scheduled',
  'cancelled',
  'failed',
  /** The rule has no notifications and performed its actions. */
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
  'all_channels_dropped',
  'expired',
  // waits
  'waiting',
  'collected',
  'already_waiting',
  'key_missing',
  'count_not_met',
  'unless_event_occurred',
  'cancelled_by_event',
  'cancelled_by_rule',
  'superseded',
  'too_late',
  'time_missing',
  'time_past',
  'catalog_changed',
  'cancelled_by_operator',
  'cancelled_by_request',
  // branches and actions
  'no_branch',
  'holdout',
  'acted',
  'action_failed',
  'variable_missing',
  'variable_invalid',
  'loop',
  'too_costly',
  'too_much_history',
] as const;
export type ReasonCode = (typeof REASON_CODES)[number];

/** One earlier send counted by a limit. */
export interface LimitUse {
  /** Event time of the triggering event. */
  readonly at: Millis;
  readonly eventId: string;
  readonly notificationId: string;
}

/** Values that a decision was based on. Stored with the decision, never recomputed. */
export interface Evidence {
  readonly condition?: {
    readonly expression: string;
    readonly result: boolean | 'field_missing' | 'error';
    /** Values of the fields that the condition names; absent fields are listed in `missing`. */
    readonly values: JsonObject;
    readonly missing?: readonly string[];
    readonly error?: string;
  };
  readonly pattern?: {
    readonly after: string;
    readonly within: string;
    /** Bounds of the searched window (ISO 8601). */
    readonly from: string;
    readonly to: string;
    /** The earlier event that completes the pattern; absent if no such event was known. */
    readonly matched?: { readonly event_id: string; readonly at: string };
    /** For a pattern with several steps: the events found, earliest first. */
    readonly steps?: readonly { readonly event: string; readonly event_id: string; readonly at: string }[];
  };
  /** The value of the rule's `key`; an address as its mask and a keyed hash. */
  readonly key?: string;
  /** The original of the event or the profile cannot be opened, so the rule saw masks in the place of addresses. */
  readonly masked?: true;
  /** Facts about the user that the rule may look at and that a bound left out: it was decided without them. */
  readonly left_out?: readonly {
    /** `contents`: of large events, of which only the small fields were known. */
    readonly facts: 'events' | 'contents' | 'decisions' | 'waits';
    /** Absent: of any type. */
    readonly event_type?: string;
    /** Number of facts that were examined. */
    readonly examined: number;
    /** The bound, with its unit. */
    readonly bound: string;
  }[];
  readonly count?: {
    readonly of: readonly string[];
    readonly needed: string;
    readonly window: string;
    readonly counted: number;
  };
  readonly wait?: {
    readonly kind: WaitKind;
    readonly wait_id: string;
    /** Time of the event that started the wait (for `every`: the local time of the occurrence). */
    readonly since: string;
    readonly due_at: string;
    /** The event that moved or ended the wait early. */
    readonly ended_by?: { readonly event_id: string; readonly event_type: string; readonly at: string };
    /** The wait that this one replaces, and its due time. */
    readonly moved_from?: { readonly wait_id: string; readonly due_at: string };
  };
  readonly digest?: { readonly total: number; readonly kept: number };
  readonly split?: { readonly variant: string; readonly share: number };
  /** The selected branch of `choose`, counted from 1. */
  readonly branch?: number;
  readonly change?: { readonly trait: string; readonly from: Json; readonly to: Json };
  readonly limits?: readonly {
    readonly limit: string;
    /** The bucket counted: `ever`, a date, or a span. */
    readonly window: string;
    readonly max: number;
    readonly used: number;
    readonly uses: readonly { readonly at: string; readonly event_id: string; readonly notification_id: string }[];
  }[];
  /** Present if the rule's `expires` suppressed the send: the allowed and the actual delay. */
  readonly expired?: { readonly expires_ms: Millis; readonly late_by_ms: Millis };
  /** Verdicts on the channels of the notification type; absent: it goes by all of them at once. */
  readonly plan?: readonly Verdict[];
  /** Present if a request asked for the notification, and no rule of the tenant decided it. */
  readonly direct?: {
    readonly request_id: string;
    /** Origin of its content: a template of the type, the request, or a template that the provider keeps. */
    readonly content: 'template' | 'request' | 'provider_template';
    /** Whether it is a test of templates. */
    readonly test?: true;
    /** When it was to be sent; absent: at once. `local` and those after it only for a local time. */
    readonly scheduled?: {
      readonly at: string;
      readonly local?: string;
      readonly zone?: string;
      readonly zone_from?: ZoneSource;
    };
  };
}

export const WAIT_STATUSES = ['waiting', 'fired', 'cancelled'] as const;
export type WaitStatus = (typeof WAIT_STATUSES)[number];

/** The part of a rule that makes it wait. */
export const WAIT_KINDS = ['delay', 'at', 'unless', 'debounce', 'digest', 'every'] as const;
export type WaitKind = (typeof WAIT_KINDS)[number];

/** The outcome of one rule for one event and notification type. The stored and the public shape are the same. */
export interface Decision {
  readonly decision_id: string;
  readonly rule: string;
  readonly notification_type: string;
  readonly outcome: Outcome;
  readonly reason_code: ReasonCode;
  /** A sentence in natural English that a support agent can read aloud. */
  readonly reason: string;
  readonly notification_id: string | null;
  /** Event IDs: the trigger first, then the events that completed the pattern. */
  readonly event_ids: readonly string[];
  readonly evidence: Evidence;
}
