import type { Millis } from '../model/event.ts';
import type { Connection } from './pg/pool.ts';

/** Returns whose stored events are, and when they happened, by their keys; of events whose caller gave their id. */
export async function findStoredEvents(
  connection: Connection,
  tenantId: string,
  keys: readonly string[],
): Promise<ReadonlyMap<string, { readonly userId: string; readonly time: Millis }>> {
  const { rows } = await connection.query<{ key: string; user_id: string; event_time: Millis }>({
    name: 'find-stored-events',
    text: `select key, user_id, event_time from event_ids where tenant_id = $1 and key = any($2::uuid[])`,
    values: [tenantId, keys],
  });
  return new Map(rows.map(({ key, user_id: userId, event_time: time }) => [key, { userId, time }]));
}
