import type { RetentionName, RetentionPeriods } from '../../model/retention-policy.ts';
import { NOTE_REMOVED } from '../kafka/gaps.ts';
import { noteRemovedSums } from '../metrics/removed-sums.ts';
import type { PartitionedTable } from '../pg/partition-ranges.ts';

/** The rows of a table that are older than a cutoff. */
export interface RetentionStep {
  readonly name: RetentionName;
  readonly table: string;
  /** A partitioned table: expired months are dropped. Their time is that of the partition key. */
  readonly partitioned?: PartitionedTable;
  /** Whether the time of a row is that of the notification in its id. */
  readonly isById?: true;
  /** Condition for a row to be removed. `$1`: the cutoff; of rows by id, the smallest id of that time. */
  readonly where: string;
  /** Query for rows that prevent a month from being dropped; it is then emptied row by row. `$1` to `$2`: its ids. */
  readonly blockedBy?: string;
  /** Statement that notes rows which were removed, "gone" with all their columns, in the transaction that removes them. */
  readonly noted?: string;
}

/** Whether something of a month is needed: a delivery that has not ended, or a fact that no relay has taken yet. */
const NEEDED_IN_MONTH = `(select from deliveries where notification_id >= $1 and notification_id < $2 and finished_at is null limit 1)
  union all (select from webhook_facts where fact_id >= $1 and fact_id < $2 limit 1)`;

/** Returns a condition for a row of a notification without an open delivery, and that is no fact which waits to be relayed. */
function isSettled(table: string): string {
  return `not exists (select from deliveries as d where d.tenant_id = ${table}.tenant_id
      and d.notification_id = ${table}.notification_id and d.finished_at is null)
    and not exists (select from webhook_facts as f where f.tenant_id = ${table}.tenant_id
      and f.fact_id = ${table}.notification_id)`;
}

function byNotification(
  name: RetentionName,
  table: 'notifications' | 'deliveries' | 'attempts' | 'messages' | 'receipts',
): RetentionStep {
  return { ...ofNotification(name, table), partitioned: table, blockedBy: NEEDED_IN_MONTH };
}

/** The rows of a table that belong to notifications older than the cutoff. */
function ofNotification(name: RetentionName, table: string): RetentionStep {
  return { name, table, isById: true, where: `notification_id < $1 and ${isSettled(table)}` };
}

/** When a batch ended, or was drafted and never started; null: it is open. */
const BATCH_END = `coalesce(ended_at, case state when 'draft' then created_at end)`;

/**
 * Steps of a run, in order: what refers to a row goes before it, so that nothing is left that does, wherever a run is cut off. What
 * could be deleted in great number with a row is deleted before it, too: a cascade has no bound.
 */
export const RETENTION_STEPS: readonly RetentionStep[] = [
  byNotification('messages', 'messages'),
  byNotification('attempts', 'attempts'),
  byNotification('receipts', 'receipts'),
  { name: 'receipts', table: 'provider_messages', where: 'sent_at < $1' },
  { name: 'receipts', table: 'email_counts', where: 'hour < $1' },
  ofNotification('notifications', 'provider_messages'),
  ofNotification('notifications', 'inbox_items'),
  byNotification('notifications', 'deliveries'),
  byNotification('notifications', 'notifications'),
  { name: 'notifications', table: 'exposures', where: 'at < $1' },
  { name: 'events', table: 'events', partitioned: 'events', where: 'event_time < $1' },
  { name: 'event_ids', table: 'event_ids', where: 'received_at < $1' },
  {
    name: 'waits',
    table: 'waits',
    where: `status <> 'waiting' and ended_at < $1 and due_at < $1 and trigger_time < $1`,
  },
  {
    name: 'limit_uses',
    table: 'limit_uses',
    // A day lasts up to 26 hours longer in another zone, and 25 hours in autumn.
    where: `bucket <> 'ever'
      and event_time + coalesce(substring(limit_key from '/(\\d{1,15})ms$')::float8 * interval '1 ms', interval '3 days') < $1`,
  },
  { name: 'rejected_events', table: 'rejected_events', where: 'last_at < $1' },
  { name: 'audit_log', table: 'audit_log', where: 'at < $1' },
  // An open job has no end. The failures of a job, MAX_JOB_FAILURES at most, are deleted with it.
  { name: 'jobs', table: 'jobs', where: 'ended_at < $1' },
  // An open batch has no end.
  {
    name: 'batches',
    table: 'batch_recipients',
    where: `exists (select from batches as b where b.tenant_id = batch_recipients.tenant_id
      and b.batch_id = batch_recipients.batch_id and ${BATCH_END} < $1)`,
  },
  { name: 'batches', table: 'batches', where: `${BATCH_END} < $1` },
  // A key expires 24 hours after its first request (store/idempotency-keys.ts).
  { name: 'idempotency_keys', table: 'idempotency_keys', where: `expires_at < $1::timestamptz + interval '24 hours'` },
  { name: 'inbox', table: 'inbox_items', where: 'created_at < $1' },
  { name: 'devices', table: 'devices', where: 'retired_at < $1' },
  { name: 'verifications', table: 'address_verifications', where: 'verified_at is null and expires_at < $1' },
  // An open task has no end.
  { name: 'connector_tasks', table: 'connector_tasks', where: 'ended_at < $1' },
  { name: 'kafka_outbox', table: 'kafka_outbox', where: 'created_at < $1', noted: NOTE_REMOVED },
  {
    name: 'metric_minutes',
    table: 'metric_rollups',
    where: `grain = 'minute' and bucket < $1`,
    noted: noteRemovedSums('minute'),
  },
  {
    name: 'metric_hours',
    table: 'metric_rollups',
    where: `grain = 'hour' and bucket < $1`,
    noted: noteRemovedSums('hour'),
  },
  {
    name: 'metrics',
    table: 'metric_rollups',
    where: `grain in ('day', 'week', 'four_weeks') and bucket < $1`,
    noted: noteRemovedSums('day'),
  },
];

/** Returns the periods with those that follow from others: what belongs to a notification does not outlive it. */
export function alignPeriods(periods: RetentionPeriods): RetentionPeriods {
  const { notifications } = periods;
  if (notifications === null) return periods;
  const shorten = (own: number | null) => Math.min(own ?? notifications, notifications);
  return {
    ...periods,
    messages: shorten(periods.messages),
    attempts: shorten(periods.attempts),
    receipts: shorten(periods.receipts),
  };
}
