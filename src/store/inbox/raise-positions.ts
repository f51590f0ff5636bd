import type { Connection } from '../pg/pool.ts';

/**
 * Sets inboxes after a restore to go on above what any database has numbered until now: an inbox has less than one change a
 * millisecond. Readers whose position is from before the restore get the event `reset`, as the change that they know may be another
 * one here.
 * @param tenants null: inboxes of all
 */
export async function raisePositions(
  connection: Pick<Connection, 'query'>,
  tenants: readonly string[] | null,
): Promise<void> {
  await connection.query(
    `update inboxes set last = now.position, marked = now.position
     from (select (extract(epoch from clock_timestamp()) * 1000)::bigint as position) as now
     where last < now.position and ($1::text[] is null or tenant_id = any ($1))`,
    [tenants],
  );
}
