import type pg from 'pg';
import type { JsonObject, Millis } from '../model/event.ts';
import { isoTime } from '../time/iso-time.ts';
import type { Connection } from './pg/database.ts';
import { TIMERS_CHANNEL } from './waits.ts';

/** What became of a notification, as an event that waits to be taken in. */
export interface OutboxEvent {
  readonly tenantId: string;
  readonly userId: string;
  /** The same whenever the same is told again: the second time is a duplicate. */
  readonly eventId: string;
  /** As it would be posted. */
  readonly event: JsonObject;
}

/** In the transaction that settles the delivery. The same event is written once. */
export async function enqueueOutbox(
  connection: Connection,
  events: readonly OutboxEvent[],
  now: Millis,
): Promise<void> {
  if (events.length === 0) return;
  await connection.query({
    name: 'enqueue-outbox',
    text: `with written as (
             insert into outbox_events (tenant_id, user_id, event_id, event, due_at)
             select t, u, e, j, $1 from json_to_recordset($2) as r(t text, u text, e text, j json)
             on conflict (tenant_id, event_id) do nothing
             returning 1
           )
           select pg_notify('${TIMERS_CHANNEL}', '') from written limit 1`,
    values: [
      isoTime(now),
      JSON.stringify(
        events.map(({ tenantId, userId, eventId, event }) => ({ t: tenantId, u: userId, e: eventId, j: event })),
      ),
    ],
  });
}

/** The oldest first; other workers leave them alone until `until`. */
export async function claimOutbox(pool: pg.Pool, now: Millis, until: Millis, limit: number): Promise<OutboxEvent[]> {
  const { rows } = await pool.query<{ tenant_id: string; user_id: string; event_id: string; event: JsonObject }>({
    name: 'claim-outbox',
    text: `with due as materialized (
             select ctid as place, tenant_id, user_id, event_id, event, due_at from outbox_events
             where due_at <= $1 and (claimed_until is null or claimed_until < $1)
             order by due_at limit $3
             for update skip locked
           ), claimed as (
             update outbox_events set claimed_until = $2 where ctid = any (array(select place from due))
           )
           select tenant_id, user_id, event_id, event from due order by due_at`,
    values: [isoTime(now), isoTime(until), limit],
  });
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    userId: row.user_id,
    eventId: row.event_id,
    event: row.event,
  }));
}

/** They were taken in. */
export async function deleteOutbox(pool: pg.Pool, tenantId: string, eventIds: readonly string[]): Promise<void> {
  await pool.query({
    name: 'delete-outbox',
    text: 'delete from outbox_events where tenant_id = $1 and event_id = any($2::text[])',
    values: [tenantId, eventIds],
  });
}
