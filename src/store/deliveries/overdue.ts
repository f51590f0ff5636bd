import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';

/** Work that should have been done: due for a while, and not claimed by a worker. */

/** Rows of a queue that are counted, at most. */
export const MAX_OVERDUE_COUNT = 1000;

/**
 * Queues of work that becomes due. `abandoned`: deliveries whose worker is gone: their lease has expired, and no worker has
 * rescued them.
 */
export const QUEUES = [
  'deliveries',
  'abandoned',
  'waits',
  'schedules',
  'outbox',
  'webhook_facts',
  'connector_tasks',
] as const;
export type Queue = (typeof QUEUES)[number];

export interface Overdue {
  readonly queue: Queue;
  /** The channel of (abandoned) deliveries; null: another queue. */
  readonly channel: string | null;
  /** At most MAX_OVERDUE_COUNT; then there may be more. */
  readonly count: number;
  /** When the oldest was due; for `abandoned`, when its lease expired. */
  readonly oldest: Millis;
}

export interface OverdueQuery {
  /** Null: all tenants. */
  readonly tenantId: string | null;
  /** Channels of deliveries to look at. */
  readonly channels: readonly string[];
  /** Rows that were due before this time. */
  readonly before: Millis;
  readonly now: Millis;
}

/**
 * Returns the queues with rows that were due before a time and are not claimed. Reads the front of each queue only: at most
 * MAX_OVERDUE_COUNT rows of each queue and channel, of which it counts those of the tenant.
 */
export async function loadOverdue(pool: pg.Pool, query: OverdueQuery): Promise<Overdue[]> {
  const { tenantId, channels, before, now } = query;
  const { rows } = await pool.query<Overdue>({
    name: 'load-overdue',
    text: LOAD_OVERDUE,
    values: [isoTime(before), isoTime(now), channels, tenantId],
  });
  return rows;
}

const UNCLAIMED = '(claimed_until is null or claimed_until < $2)';
const OF_TENANT = '($4::text is null or due.tenant_id = $4)';

const LOAD_OVERDUE = `
select 'deliveries' as queue, want.channel, q.count, q.oldest
from unnest($3::text[]) as want(channel)
cross join lateral (
  select count(*)::int as count, min(due_at) as oldest from (
    select tenant_id, due_at from deliveries
    where finished_at is null and status = 'queued' and deliveries.channel = want.channel and due_at < $1
    order by due_at limit ${MAX_OVERDUE_COUNT}
  ) as due where ${OF_TENANT}
) as q where q.count > 0
union all
select 'abandoned', want.channel, q.count, q.oldest
from unnest($3::text[]) as want(channel)
cross join lateral (
  select count(*)::int as count, min(lease_until) as oldest from (
    select tenant_id, worker from deliveries
    where finished_at is null and status = 'sending' and deliveries.channel = want.channel and due_at < $1
    order by due_at limit ${MAX_OVERDUE_COUNT}
  ) as due join leases using (worker) where ${OF_TENANT} and lease_until < clock_timestamp() - ($2::timestamptz - $1::timestamptz)
) as q where q.count > 0
union all
${countFront('waits', 'due_at', "status = 'waiting' and due_at > '-infinity' and set_aside_at is null", 'waits')}
union all
${countFront('schedules', 'next_at', 'true', 'schedules')}
union all
${countFront('outbox_events', 'due_at', 'true', 'outbox')}
union all
${countFront('webhook_facts', 'due_at', 'true', 'webhook_facts')}
union all
${countFront('connector_tasks', 'due_at', 'ended_at is null', 'connector_tasks')}`;

function countFront(table: string, dueAt: string, where: string, queue: Queue): string {
  return `select '${queue}', null, q.count, q.oldest from (
  select count(*)::int as count, min(due_at) as oldest from (
    select tenant_id, ${dueAt} as due_at from ${table} where ${where} and ${dueAt} < $1 and ${UNCLAIMED} order by ${dueAt} limit ${MAX_OVERDUE_COUNT}
  ) as due where ${OF_TENANT}
) as q where q.count > 0`;
}
