import { toEventKey } from '../events/envelope.ts';
import type { Millis } from '../model/event.ts';
import type { Connection } from './pg/pool.ts';
import { type EventCursor, latestEvents } from './timeline.ts';

/** Latest events, and latest ended waits, of a user among which one without an id of its caller is looked for. */
const MAX_SOUGHT = 20_000;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Returns the position of an event in the timeline of its user, or of the decisions of a schedule, by the id that the API shows.
 * @returns undefined: no event of the user has this id; or the caller gave it none, or none that is still remembered, and it is not among the latest
 */
export async function findEventPlace(
  connection: Connection,
  tenantId: string,
  userId: string,
  eventId: string,
): Promise<EventCursor | undefined> {
  const key = toEventKey(eventId);
  const known = await connection.query<{ event_time: Millis }>({
    name: 'find-event-place',
    text: `select e.event_time from event_ids as i
           join events as e on e.tenant_id = i.tenant_id and e.user_id = i.user_id and e.event_time = i.event_time and e.key = i.key
           where i.tenant_id = $1 and i.key = $2 and i.user_id = $3`,
    values: [tenantId, key, userId],
  });
  if (known.rows[0]) return { time: known.rows[0].event_time, key };
  const keys = UUID.test(eventId) ? [key, eventId.toLowerCase()] : [key];
  const { rows } = await connection.query<{ event_time: Millis; key: string }>({
    name: 'find-latest-event-place',
    text: `(select event_time, key from (${latestEvents(MAX_SOUGHT, 'event_time, key')}) as latest where key = any($3::uuid[]))
           union all
           (select trigger_time, 'ffffffff-ffff-ffff-ffff-ffffffffffff' from (
              select trigger_time, state #>> '{trigger,eventId}' as event_id from waits
              where tenant_id = $1 and user_id = $2 and decisions is not null
              order by wait_id desc limit ${MAX_SOUGHT}
            ) as ended where event_id = $4)
           limit 1`,
    values: [tenantId, userId, keys, eventId],
  });
  const [found] = rows;
  return found && { time: found.event_time, key: found.key };
}
