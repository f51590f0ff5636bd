import type pg from 'pg';
import type { Channel } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import type { QueueFloor } from '../pg/queue-floor.ts';

/** Channel of the NOTIFY that says that there is something to deliver. */
export const DELIVERIES_CHANNEL = 'tidings_deliveries';

/** Wakes the delivery workers. */
export async function announceDeliveries(pool: pg.Pool): Promise<void> {
  await pool.query('select pg_notify($1, $2)', [DELIVERIES_CHANNEL, '']);
}

/**
 * Returns when the next queued delivery of these channels is due, which may be in the past; null: none is queued.
 * @param floors deliveries that are due before them are left out
 */
export async function loadNextDueDelivery(
  pool: pg.Pool,
  channels: readonly Channel[],
  floors?: ReadonlyMap<Channel, QueueFloor>,
): Promise<Millis | null> {
  const { rows } = await pool.query<{ due: Millis | null }>({
    name: 'next-due',
    text: `select min(q.due_at) as due from unnest($1::text[], $2::timestamptz[]) as want(channel, floor)
           cross join lateral (
             select due_at from deliveries
             where finished_at is null and status = 'queued' and deliveries.channel = want.channel and due_at >= want.floor
             order by due_at limit 1
           ) as q`,
    values: [channels, channels.map((channel) => floors?.get(channel)?.param ?? '-infinity')],
  });
  return rows[0]?.due ?? null;
}
