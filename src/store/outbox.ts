import type pg from 'pg';
import type { JsonObject, Millis } from '../model/event.ts';
import { isoTime } from '../time/iso-time.ts';
import { type ClaimedRow, claimRows, describeQueue } from './pg/claim.ts';
import type { Connection } from './pg/pool.ts';
import type { QueueFloor } from './pg/queue-floor.ts';
import { QueueLanes } from './pg/queue-lanes.ts';
import { TIMERS_CHANNEL } from './waits/waits.ts';

/** A lifecycle event of a notification, to be relayed. */
export interface OutboxEvent {
  readonly tenantId: string;
  readonly userId: string;
  /** The same whenever the same event is built again, so that the second is a duplicate. */
  readonly eventId: string;
  /** The event as it would be posted. */
  readonly event: JsonObject;
}

/**
 * Writes events to the outbox, in the transaction of their cause, and wakes the relays. An event that is there is not
 * written again.
 */
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

/**
 * Claims events for `until - now` ms, the oldest first. While more are due, and `floor` has lanes, these are an equal share of each
 * tenant.
 * @param floor events that are due before it are not looked at; absent: all are
 */
export async function claimOutbox(
  pool: pg.Pool,
  now: Millis,
  until: Millis,
  limit: number,
  floor?: QueueFloor,
): Promise<OutboxEvent[]> {
  const rows = await claimRows<OutboxRow>(pool, QUEUE, { now, until, limit }, floor);
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    userId: row.user_id,
    eventId: row.event_id,
    event: row.event,
  }));
}

/** Returns the floor and the lanes of the outbox, for one process. */
export function createOutboxLanes(): QueueLanes {
  return new QueueLanes({ name: 'find-lanes-of-outbox', table: 'outbox_events', dueAt: 'due_at', laneWhere: IN_LANE });
}

/** Condition of the index outbox_events_lanes, which no other statement may use. */
const IN_LANE = `due_at > '-infinity'`;

interface OutboxRow extends ClaimedRow {
  readonly user_id: string;
  readonly event_id: string;
  readonly event: JsonObject;
}

const QUEUE = describeQueue({
  name: 'claim-outbox',
  table: 'outbox_events',
  dueAt: 'due_at',
  laneWhere: IN_LANE,
  columns: 'tenant_id, user_id, event_id, event, due_at',
  select: 'tenant_id, user_id, event_id, event, due_at from due order by due_at',
});

/** Deletes events that were relayed. */
export async function deleteOutbox(pool: pg.Pool, tenantId: string, eventIds: readonly string[]): Promise<void> {
  await pool.query({
    name: 'delete-outbox',
    text: 'delete from outbox_events where tenant_id = $1 and event_id = any($2::text[])',
    values: [tenantId, eventIds],
  });
}
