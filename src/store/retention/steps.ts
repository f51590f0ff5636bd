import type { RetentionName, RetentionPeriods } from '../../model/retention-policy.ts';
import type { PartitionedTable } from '../pg/partition-ranges.ts';

/** The rows of a table that are older than a cutoff. */
export interface RetentionStep {
  readonly name: RetentionName;
  readonly table: string;
  /** A partitioned table: expired months are dropped. Their time is that of the partition key. */
  readonly partitioned?: PartitionedTable;
  /** Condition for a row to be removed. `$1`: the cutoff; of tables by id, the smallest id of that time. */
  readonly where: string;
  /** Query for rows that prevent a month from being dropped; it is then emptied row by row. `$1` to `$2`: its ids. */
  readonly blockedBy?: string;
}

const OPEN_IN_MONTH =
  'select from deliveries where notification_id >= $1 and notification_id < $2 and finished_at is null limit 1';

/** Returns a condition for a notification without an open delivery. */
function isSettled(table: string): string {
  return `not exists (select from deliveries as d where d.tenant_id = ${table}.tenant_id
    and d.notification_id = ${table}.notification_id and d.finished_at is null)`;
}

function byNotification(
  name: RetentionName,
  table: 'notifications' | 'attempts' | 'messages' | 'receipts',
): RetentionStep {
  return {
    name,
    table,
    partitioned: table,
    where: `notification_id < $1 and ${isSettled(table)}`,
    blockedBy: OPEN_IN_MONTH,
  };
}

/** Steps of a run, in order: what belongs to a notification goes before it. */
export const RETENTION_STEPS: readonly RetentionStep[] = [
  byNotification('messages', 'messages'),
  byNotification('attempts', 'attempts'),
  byNotification('receipts', 'receipts'),
  { name: 'receipts', table: 'provider_messages', where: 'sent_at < $1' },
  byNotification('notifications', 'notifications'),
  {
    name: 'notifications',
    table: 'deliveries',
    partitioned: 'deliveries',
    where: 'notification_id < $1 and finished_at is not null',
    blockedBy: OPEN_IN_MONTH,
  },
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
  // An open job has no end. The failures of a job are deleted with it.
  { name: 'jobs', table: 'jobs', where: 'ended_at < $1' },
  // An open batch has no end. Its recipients are deleted with it.
  {
    name: 'batches',
    table: 'batches',
    where: `coalesce(ended_at, case state when 'draft' then created_at end) < $1`,
  },
  // A key expires 24 hours after its first request (store/idempotency-keys.ts).
  { name: 'idempotency_keys', table: 'idempotency_keys', where: `expires_at < $1::timestamptz + interval '24 hours'` },
  { name: 'inbox', table: 'inbox_items', where: 'created_at < $1' },
  { name: 'devices', table: 'devices', where: 'retired_at < $1' },
  // An open task has no end.
  { name: 'connector_tasks', table: 'connector_tasks', where: 'ended_at < $1' },
  { name: 'kafka_outbox', table: 'kafka_outbox', where: 'created_at < $1' },
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
