import type { DeliveryStatus } from './delivery.ts';
import type { Json, JsonObject, Millis } from './event.ts';
import type { Scope } from './principal.ts';

/** Actions of a job on each item that its filter matches. */
export const JOB_ACTIONS = [
  'deliveries.retry',
  'deliveries.cancel',
  'webhooks.replay',
  'waits.cancel',
  'waits.migrate',
  'waits.retry',
  'waits.dismiss',
  'waits.fire',
  'rejected.retry',
  'rejected.dismiss',
  'dead_letters.retry',
  'dead_letters.cancel',
  'dead_letters.suppress',
  'users.erase',
] as const;
export type JobActionName = (typeof JOB_ACTIONS)[number];

/** Returns the scopes to do to one item what a job does to many, or to see it: a job gives no further rights. */
export function getItemScopes(action: JobActionName, right: 'read' | 'write'): readonly Scope[] {
  if (action === 'dead_letters.suppress') return ['deliveries:read', `suppressions:${right}`];
  const [what] = action.split('.') as ['deliveries' | 'waits' | 'rejected' | 'webhooks' | 'dead_letters'];
  return [`${what === 'dead_letters' ? 'deliveries' : what}:${right}`];
}

/** `pending`: no worker has begun it. `failed`: it cannot go on; `reason` says why. */
export const JOB_STATUSES = ['pending', 'running', 'done', 'stopped', 'failed'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** Statuses of deliveries that a command may retry. */
export const RETRYABLE_STATUSES = ['undeliverable', 'dead', 'in_doubt'] as const satisfies readonly DeliveryStatus[];
export type RetryableStatus = (typeof RETRYABLE_STATUSES)[number];

/** Deliveries that have all of these; an absent field matches every delivery. Times are ISO 8601. */
export interface DeliveryFilter {
  /** For a retry only. Absent: `undeliverable` and `dead`, because what is in doubt may have been sent. */
  readonly status?: readonly RetryableStatus[];
  readonly channel?: string;
  readonly notification_type?: string;
  readonly user_id?: string;
  readonly reason_code?: string;
  readonly provider?: string;
  /** Created at or after this time. */
  readonly since?: string;
  /** Created before this time. */
  readonly until?: string;
}

export interface WaitFilter {
  readonly rule: string;
}

/** Waits that are set aside; an absent field matches every one. */
export interface SetAsideWaitFilter {
  readonly rule?: string;
}

/** Rejected events that have all of these; an absent field matches every one. Times are ISO 8601. */
export interface RejectedFilter {
  /** Brought by this source of sources.yaml. */
  readonly source?: string;
  readonly code?: string;
  readonly path?: string;
  readonly event_type?: string;
  readonly user_id?: string;
  /** Last rejected at or after this time. */
  readonly since?: string;
  /** Last rejected before this time. */
  readonly until?: string;
}

/** Deliveries of an endpoint of webhooks. Times are ISO 8601. */
export interface ReplayFilter {
  readonly endpoint_id: string;
  /** Created at or after this time. */
  readonly since?: string;
  /** Created before this time. */
  readonly until?: string;
  /** Whether those that were sent are sent once more. Default: only what failed, and what is kept. */
  readonly include_sent?: boolean;
}

/** Dead letters of a group. Times are ISO 8601. */
export interface DeadLetterFilter {
  /** Id of the group, see src/model/dead-letter.ts. */
  readonly group: string;
  /** Failed at or after this time. */
  readonly since?: string;
  /** Failed before this time. */
  readonly until?: string;
}

/** The erasure that a job runs. It does not name the user. */
export interface ErasureFilter {
  readonly erasure_id: string;
}

export type JobFilter =
  | ErasureFilter
  | DeadLetterFilter
  | DeliveryFilter
  | WaitFilter
  | SetAsideWaitFilter
  | RejectedFilter
  | ReplayFilter;

/** Which items a job or a preview is about. */
export interface JobScope<F = JobFilter> {
  readonly tenantId: string;
  readonly filter: F;
  /** When it was started, in ms: newer items are not its own. */
  readonly startedAt: Millis;
}

/** Expressions (CEL) that give the values of fields, by the paths of the fields: `properties.amount`. */
export interface Computed {
  readonly [path: string]: string;
}

/** Results of some items as they would be now; nothing was stored. */
export interface JobTrial {
  readonly tried: number;
  readonly accepted: number;
  /** Decisions to send a notification that they would lead to. */
  readonly sends: number;
  /** Some of them, those that would be rejected first. */
  readonly items: readonly TriedItem[];
}

export interface TriedItem {
  readonly item: string;
  readonly status: 'accepted' | 'duplicate' | 'rejected' | 'conflict';
  readonly code: string | null;
  readonly message: string | null;
  /** Fields that are corrected, with addresses masked. */
  readonly changes: readonly { readonly path: string; readonly before: Json; readonly after: Json }[];
}

/** The effect that a job would have now. */
export interface JobPreview {
  /** Number of matching items. */
  readonly count: number;
  /** Whether there may be more: only so many were looked at. */
  readonly isAtLeast: boolean;
  /** The largest groups of them, each with its fields and a `count`. */
  readonly groups: readonly JsonObject[];
  /** A few of the items. */
  readonly sample: readonly JsonObject[];
  /** Present if it was asked for. */
  readonly trial?: JobTrial;
}

/** An item that a job could not change. */
export interface JobFailure {
  readonly item: string;
  readonly code: string;
  readonly message: string;
}

/** The result of one chunk of a job. */
export interface ChunkResult {
  /** Position to continue from; null: the job is done. */
  readonly cursor: JsonObject | null;
  readonly done: number;
  /** Items that matched and were left as they are. */
  readonly skipped: number;
  readonly failures: readonly JobFailure[];
  /** Pause before the next chunk in ms. */
  readonly pause?: Millis;
}
