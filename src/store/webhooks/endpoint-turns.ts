import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/** Open deliveries of an endpoint that are counted, at most. */
const MAX_COUNTED = 1000;

/** Open deliveries of an endpoint. */
export interface OpenDeliveries {
  /** Number of those before this one, at most MAX_COUNTED. */
  readonly before: number;
  /** When the oldest of them is due, which may be in the past; null: no delivery is before it. */
  readonly oldestDueAt: Millis | null;
}

/**
 * Counts the open deliveries of an endpoint that are older than this notification. It reads the index of lanes, which has open
 * deliveries only.
 */
export async function countBefore(
  connection: Pick<Connection, 'query'>,
  tenantId: string,
  endpointId: string,
  notificationId: string,
): Promise<OpenDeliveries> {
  const { rows } = await connection.query<{ n: string; due: Millis | null }>({
    name: 'count-before-webhook',
    text: `select count(*) as n, (array_agg(due_at order by notification_id))[1] as due from (
             select notification_id, due_at from deliveries
             where finished_at is null and channel = 'webhook' and priority in (0, 1, 2, 3)
               and delivery_lane(tenant_id, channel, target) = delivery_lane($1, 'webhook', $2)
               and notification_id < $3 and status in ('queued', 'sending')
             limit ${MAX_COUNTED}
           ) as open`,
    values: [tenantId, endpointId, notificationId],
  });
  return { before: Number(rows[0]?.n), oldestDueAt: rows[0]?.due ?? null };
}

/**
 * Takes the next turn at an endpoint with a rate (GCRA: turns may come up to a second early, but not more often in all). Returns
 * undefined, or when there is a turn again: at the soonest, since the statement sees the turns that others take meanwhile only where it
 * updates.
 */
export async function takeTurn(
  connection: Pick<Connection, 'query'>,
  tenantId: string,
  endpointId: string,
  perSecond: number,
  now: Millis,
): Promise<Millis | undefined> {
  const { rows } = await connection.query<{ free_at: Millis | null; is_taken: boolean }>({
    name: 'take-webhook-turn',
    text: `with taken as (
             update webhook_endpoints set free_at = greatest(free_at, $4::timestamptz) + $3::float8 * interval '1 ms'
             where tenant_id = $1 and endpoint_id = $2 and free_at <= $4::timestamptz + interval '1 s' - $3::float8 * interval '1 ms'
             returning 1
           )
           select exists (select from taken) as is_taken, nullif(free_at, '-infinity') as free_at from webhook_endpoints where tenant_id = $1 and endpoint_id = $2`,
    values: [tenantId, endpointId, 1000 / perSecond, isoTime(now)],
  });
  const [row] = rows;
  return !row || row.is_taken ? undefined : Math.max(now + 1, (row.free_at ?? now) - 1000 + 1000 / perSecond);
}
