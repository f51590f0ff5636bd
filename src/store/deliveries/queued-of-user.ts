import type pg from 'pg';
import type { Channel } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import type { Verdict } from '../../model/plan.ts';
import { isoTime } from '../../time/iso-time.ts';
import { uuidAt } from '../../time/uuid-time.ts';
import { HELD_BY_PLAN } from './held-by-plan.ts';
import { QUEUED_FACTS_COLUMNS, type QueuedFacts } from './queued-facts.ts';

/** A message to a user that waits in the queue. */
export interface QueuedDelivery extends QueuedFacts {
  readonly notificationId: string;
  readonly type: string;
  readonly category: string;
  readonly rule: string;
  readonly eventId: string;
  readonly channel: Channel;
  readonly dueAt: Millis;
  readonly priority: number;
  /** Place among channels that are tried one after the other; null: all are used. */
  readonly step: number | null;
  /** Code of its hold; null: it waits for its turn. */
  readonly holdCode: string | null;
  /** The verdict of the plan that holds it; null: the plan does not. */
  readonly verdict: Verdict | null;
  readonly attempts: number;
  readonly catalogVersion: number;
}

/** Notifications of a user that are looked at, the latest; and messages that the plan holds. */
const MAX_LOOKED_AT = 1000;

/** Longest time (ms) for which a message may wait in the queue: so long it is held, then retried. */
const MAX_QUEUED_MS: Millis = 18 * 86_400_000;

/**
 * Returns the queued messages to a user that are due before `until`, in order of due time: those that the plan holds, and those of
 * the latest MAX_LOOKED_AT notifications.
 * @returns `isCut`: the user has more than are looked at
 */
export async function loadQueuedOfUser(
  pool: pg.Pool,
  { tenantId, userId, now, until }: { tenantId: string; userId: string; now: Millis; until: Millis },
): Promise<{ readonly queued: readonly QueuedDelivery[]; readonly isCut: boolean }> {
  const values = [tenantId, userId, uuidAt(now - MAX_QUEUED_MS), isoTime(until)];
  const { rows } = await pool.query<QueuedDelivery & { looked: number; held: number }>({
    name: 'load-queued-of-user',
    text: QUEUED_OF_USER,
    values,
  });
  const [first] = rows;
  const isCut = first !== undefined && (first.looked > MAX_LOOKED_AT || first.held > MAX_LOOKED_AT);
  return { queued: rows.map(({ looked: _, held: __, ...queued }) => queued), isCut };
}

const QUEUED_OF_USER = `
with latest as (
  select notification_id from notifications where tenant_id = $1 and user_id = $2 and notification_id >= $3
  order by notification_id desc limit ${MAX_LOOKED_AT + 1}
), held as (
  select notification_id from deliveries where tenant_id = $1 and user_id = $2 and ${HELD_BY_PLAN} and status = 'queued'
  limit ${MAX_LOOKED_AT + 1}
), found as (select notification_id from latest union select notification_id from held)
select d.notification_id as "notificationId", d.notification_type as type, n.category, n.rule, n.event_id as "eventId",
       ${QUEUED_FACTS_COLUMNS},
       d.due_at as "dueAt", d.priority, d.step, d.hold_code as "holdCode", d.plan as verdict, d.attempts,
       n.catalog_version as "catalogVersion",
       (select count(*) from latest)::int as looked, (select count(*) from held)::int as held
from found
cross join lateral (
  select * from deliveries where tenant_id = $1 and notification_id = found.notification_id and status = 'queued' and finished_at is null
    and due_at < $4
  limit 100
) as d
cross join lateral (
  select category, rule, event_id, catalog_version from notifications
  where tenant_id = $1 and user_id = $2 and notification_id = found.notification_id limit 1
) as n
order by d.due_at, d.notification_id, d.channel, d.target`;
