import type pg from 'pg';
import type { Channel } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import { type OnEnded, skipSuppressed } from './claim.ts';
import { CLAIM_LATE, type ClaimedRow, listEnded, toClaimedDelivery } from './claim-statement.ts';
import type { ClaimedDelivery } from './claimed-delivery.ts';

/** Rows that one look at a queue reads, at most. */
export const MAX_LOOKED_AT = 5000;

/** Deliveries of one due time that a look passes to go on after them, at most. */
const MAX_PASSED = 100_000;

/** A place in the queue of a channel, in the order in which it is looked through: that of its index, by due time. */
export interface QueuePlace {
  readonly dueAt: Millis;
  /** Deliveries with this due time that were looked at; 0 to MAX_PASSED. */
  readonly passed: number;
}

/** A delivery that is due and waits, although its time is over. */
export interface LateDelivery {
  readonly tenantId: string;
  readonly notificationId: string;
  readonly target: string;
  /** Whether it has expired. If not, the time for its retries is over. */
  readonly isExpired: boolean;
  readonly retryUntil: Millis;
}

/** Part of a queue that was looked through. */
export interface LatePage {
  readonly late: readonly LateDelivery[];
  /** Place after which the next look goes on; null: this was the end of what is due. */
  readonly last: QueuePlace | null;
}

interface LateRow {
  readonly tenantId: string;
  readonly notificationId: string;
  readonly target: string;
  readonly retryUntil: Millis;
  readonly isExpired: boolean;
  /** Place where the look ended, in the last row, which is no delivery. Null: the row is a late delivery. */
  readonly endedAt: Millis | null;
  readonly passed: number;
}

/**
 * Returns which of the next MAX_LOOKED_AT deliveries of a channel that are due have expired, or are past their retry time. It reads
 * one range of the index of the queue, and sorts nothing. If more than MAX_PASSED are due at the same millisecond, the look goes on
 * behind them all: the rest is seen once those before them have left the queue.
 * @param after the deliveries after this place; null: from the first
 */
export async function findLateDeliveries(
  pool: pg.Pool,
  channel: Channel,
  after: QueuePlace | null,
  now: Millis,
): Promise<LatePage> {
  const { rows } = await pool.query<LateRow>({
    name: 'find-late-deliveries',
    text: FIND,
    values: [channel, isoTime(now), after === null ? '-infinity' : isoTime(after.dueAt), after?.passed ?? 0],
  });
  const end = rows.find(({ endedAt }) => endedAt !== null);
  const late = rows.filter(({ endedAt }) => endedAt === null);
  return { late, last: end === undefined || end.endedAt === null ? null : toPlace(end.endedAt, end.passed) };
}

function toPlace(dueAt: Millis, passed: number): QueuePlace {
  return passed > MAX_PASSED ? { dueAt: dueAt + 1, passed: 0 } : { dueAt, passed };
}

/**
 * Claims deliveries that were found late, as `claimDeliveries` does. Those that have expired are settled and not returned; nothing
 * happens to those that are no longer queued. If it throws, claim under another lease from then on.
 */
export async function claimLateDeliveries(
  pool: pg.Pool,
  lease: string,
  channel: Channel,
  late: readonly LateDelivery[],
  now: Millis,
  duration: Millis,
  onEnded: OnEnded,
): Promise<ClaimedDelivery[]> {
  const { rows } = await pool.query<ClaimedRow>({
    name: 'claim-late-deliveries',
    text: CLAIM_LATE,
    rowMode: 'array',
    values: [
      lease,
      isoTime(now),
      duration,
      late.map(({ tenantId }) => tenantId),
      late.map(({ notificationId }) => notificationId),
      late.map(({ target }) => target),
      channel,
    ],
  });
  onEnded(listEnded(rows));
  await skipSuppressed(pool, rows, now);
  return rows.flatMap((row) => toClaimedDelivery(lease, row) ?? []);
}

// The last row is no delivery: the place where a full look ended.
const FIND = `
with page as materialized (
  select tenant_id, notification_id, target, due_at, retry_until, status, expires_at is not null and expires_at < $2 as is_expired
  from deliveries
  where finished_at is null and channel = $1 and due_at <= $2 and due_at >= $3
  order by due_at offset $4 limit ${MAX_LOOKED_AT}
), last as (
  select max(due_at) as due_at from page having count(*) = ${MAX_LOOKED_AT}
)
select tenant_id as "tenantId", notification_id as "notificationId", target, retry_until as "retryUntil",
       is_expired as "isExpired", null::timestamptz as "endedAt", 0 as passed
from page where status = 'queued' and (is_expired or retry_until <= $2)
union all
select '', null, '', last.due_at, false, last.due_at,
       (select count(*) from page where page.due_at = last.due_at)::int + case when last.due_at = $3 then $4::int else 0 end
from last`;
