import type pg from 'pg';
import type { Channel } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import { skipSuppressed } from './claim.ts';
import { CLAIM_LATE, type ClaimedRow, toClaimedDelivery } from './claim-statement.ts';
import type { ClaimedDelivery } from './claimed-delivery.ts';

/** Rows that one look at a queue reads, at most. */
export const MAX_LOOKED_AT = 5000;

/** A place in the queue of a channel, in the order in which it is looked through. */
export interface QueuePlace {
  readonly dueAt: Millis;
  readonly notificationId: string;
  readonly target: string;
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
  readonly dueAt: Millis;
  readonly retryUntil: Millis;
  readonly isExpired: boolean;
  readonly isLate: boolean;
}

/**
 * Returns which of the next MAX_LOOKED_AT deliveries of a channel that are due have expired, or are past their retry time.
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
    values: [
      channel,
      isoTime(now),
      after === null ? '-infinity' : isoTime(after.dueAt),
      after?.notificationId ?? '00000000-0000-0000-0000-000000000000',
      after?.target ?? '',
    ],
  });
  const end = rows.find(({ isLate }) => !isLate);
  const last = end ? { dueAt: end.dueAt, notificationId: end.notificationId, target: end.target } : null;
  return { late: rows.filter(({ isLate }) => isLate), last };
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
  await skipSuppressed(pool, rows, now);
  return rows.flatMap((row) => toClaimedDelivery(lease, row) ?? []);
}

// A row that is not late is the place where the look ended.
const FIND = `
with page as materialized (
  select tenant_id, notification_id, target, due_at, retry_until, status, expires_at is not null and expires_at < $2 as is_expired,
         row_number() over (order by due_at, notification_id, target) as n
  from deliveries
  where finished_at is null and channel = $1 and due_at <= $2 and due_at >= $3 and (due_at, notification_id, target) > ($3, $4, $5)
  order by due_at, notification_id, target limit ${MAX_LOOKED_AT}
)
select tenant_id as "tenantId", notification_id as "notificationId", target, due_at as "dueAt", retry_until as "retryUntil",
       is_expired as "isExpired", is_late as "isLate"
from page cross join lateral (values (status = 'queued' and (is_expired or retry_until <= $2))) as of_row(is_late)
where is_late
union all
select tenant_id, notification_id, target, due_at, retry_until, false, false from page where n = ${MAX_LOOKED_AT}`;
