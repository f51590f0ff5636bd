import type { Json, JsonObject, Millis } from './event.ts';

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
  'count_not_met',
  'unless_event_occurred',
  'cancelled_by_event',
  'cancelled_by_rule',
  'superseded',
  'too_late',
  'time_missing',
  'time_past',
  'catalog_changed',
  // branches and actions
  'no_branch',
  'holdout',
  'acted',
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
