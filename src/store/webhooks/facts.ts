import type pg from 'pg';
import type { Channel } from '../../model/delivery.ts';
import type { JsonObject, Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import { type ClaimedRow, claimRows, describeQueue } from '../pg/claim.ts';
import type { Connection } from '../pg/pool.ts';
import type { QueueFloor } from '../pg/queue-floor.ts';
import { QueueLanes } from '../pg/queue-lanes.ts';
import { selectivityHint } from '../pg/selectivity-hint.ts';
import { TIMERS_CHANNEL } from '../waits/waits.ts';

/** Facts on their way to the endpoints of webhooks that subscribe to them. */

/** Something that happened, as endpoints receive it. */
export interface Fact {
  readonly tenantId: string;
  /** Empty: no user is known. */
  readonly userId: string;
  /** With `at` the identity of the fact: recorded again, it is the same. */
  readonly eventId: string;
  readonly type: string;
  readonly at: Millis;
  /** The body: the event as it would be posted. */
  readonly event: JsonObject;
  /** The notification type that it is about; null: it is about no notification. */
  readonly about: string | null;
  readonly channel: Channel | null;
}

/**
 * Records facts for endpoints of webhooks and for sinks, in the transaction of their cause, and wakes the relay. A fact that no
 * receiver asks for is not written, and one that is there is not written again.
 */
export async function recordFacts(connection: Connection, facts: readonly Fact[], now: Millis): Promise<void> {
  if (facts.length === 0) return;
  await connection.query({
    name: 'record-facts',
    text: `with recorded as materialized (
             select tell_endpoints(t, u, e, y, a, j, n, c, $1) as is_new, tell_sinks(t, u, e, y, a, j, n, c, $1) as is_for_sinks
             from json_to_recordset($2) as r(t text, u text, e text, y text, a timestamptz, j json, n text, c text)
           )
           -- The aggregate reads all of them: a limit would end with the first new one, and record no others.
           select pg_notify('${TIMERS_CHANNEL}', '') from (select bool_or(is_new or is_for_sinks) as any_new from recorded) as r where any_new`,
    values: [
      isoTime(now),
      JSON.stringify(
        facts.map((one) => ({
          t: one.tenantId,
          u: one.userId,
          e: one.eventId,
          y: one.type,
          a: isoTime(one.at),
          j: one.event,
          n: one.about,
          c: one.channel,
        })),
      ),
    ],
  });
}

/** A fact that is claimed. */
export interface FactKey {
  readonly tenantId: string;
  readonly factId: string;
}

/**
 * Claims facts for `until - now` ms, the oldest first. While more are due, and `floor` has lanes, these are an equal share of each
 * tenant.
 */
export async function claimFacts(
  pool: pg.Pool,
  now: Millis,
  until: Millis,
  limit: number,
  floor: QueueFloor,
): Promise<FactKey[]> {
  const rows = await claimRows<FactRow>(pool, QUEUE, { now, until, limit }, floor);
  return rows.map((row) => ({ tenantId: row.tenant_id, factId: row.fact_id }));
}

/** Returns the floor and the lanes of the queue of facts, for one process. */
export function createFactLanes(): QueueLanes {
  return new QueueLanes({ name: 'find-lanes-of-facts', table: 'webhook_facts', dueAt: 'due_at', laneWhere: IN_LANE });
}

/** Condition of the index webhook_facts_lanes, which no other statement may use. */
const IN_LANE = `due_at > '-infinity'`;

interface FactRow extends ClaimedRow {
  readonly fact_id: string;
}

const QUEUE = describeQueue({
  name: 'claim-facts',
  table: 'webhook_facts',
  dueAt: 'due_at',
  laneWhere: IN_LANE,
  columns: 'tenant_id, fact_id, due_at',
  select: 'tenant_id, fact_id, due_at from due order by due_at',
});

/** Endpoints of a fact for which one statement makes deliveries. */
const PAGE_ENDPOINTS = 100;

/** Result of one page. */
interface FactPage {
  /** New deliveries. */
  readonly made: number;
  /** Facts with more endpoints; the others are done, and deleted. */
  readonly unfinished: readonly FactKey[];
}

/**
 * Makes deliveries of facts for their next endpoints, at most PAGE_ENDPOINTS of each, in order of their ids. The deliveries and
 * how far each fact is commit together: an endpoint has one delivery of a fact, whatever is repeated or interrupted.
 * @param retryFor time in ms in which attempts are made
 */
export async function fanOutFacts(
  pool: pg.Pool,
  facts: readonly FactKey[],
  now: Millis,
  retryFor: Millis,
): Promise<FactPage> {
  const { rows } = await pool.query<{ made: string; unfinished: FactKey[] | null }>({
    name: 'fan-out-facts',
    text: FAN_OUT,
    values: [
      facts.map(({ tenantId }) => tenantId),
      facts.map(({ factId }) => factId),
      isoTime(now),
      isoTime(now + retryFor),
    ],
  });
  return { made: Number(rows[0]?.made), unfinished: rows[0]?.unfinished ?? [] };
}

// The facts are locked: a worker whose claim has expired waits here, and then finds them further on, or gone. What it finds
// further on it leaves to the next statement: by their place, this one sees the rows as they were when it began.
const FAN_OUT = `
with fact as materialized (
  select f.* from unnest($1::text[], $2::uuid[]) as want(t, id)
  cross join lateral (
    select ctid as place, * from webhook_facts where tenant_id = want.t and fact_id = want.id limit 1 for update
  ) as f
), page as materialized (
  select fact.place, fact.tenant_id, fact.fact_id, fact.user_id, fact.type, fact.due_at, w.endpoint_id from fact
  cross join lateral (
    select endpoint_id from webhook_endpoints as w
    where w.tenant_id = fact.tenant_id and w.event_types is not null
      and w.endpoint_id > coalesce(fact.cursor, '00000000-0000-0000-0000-000000000000')
      and hears_fact(w, fact.type, fact.notification_type, fact.channel)
    order by w.endpoint_id limit ${PAGE_ENDPOINTS}
  ) as w
), sent as (
  insert into deliveries (tenant_id, notification_id, channel, target, user_id, notification_type, due_at, retry_until,
                          in_doubt_policy, created_at)
  select tenant_id, fact_id, 'webhook', endpoint_id::text, user_id, type, $3, $4, 'resend', due_at from page
  on conflict do nothing
  returning 1
), full_page as materialized (
  select place, tenant_id, fact_id, max(endpoint_id::text)::uuid as last, count(*) as n from page
  group by place, tenant_id, fact_id
  having count(*) = ${PAGE_ENDPOINTS}
), moved as (
  update webhook_facts as f set cursor = p.last from full_page as p
  where f.ctid = p.place and ${selectivityHint('p.n')}
), done as (
  delete from webhook_facts where ctid = any (array(select place from fact except select place from full_page))
)
select (select count(*) from sent) as made,
       (select json_agg(json_build_object('tenantId', tenant_id, 'factId', fact_id)) from full_page) as unfinished`;
