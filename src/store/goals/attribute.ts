import type pg from 'pg';

/** Events that one statement attributes, at most. */
export const MAX_ATTRIBUTED = 200;

/** Notifications of a user before an event that are looked at, at most: the latest. */
const MAX_EXAMINED = 500;

/**
 * Attributes the oldest events of a tenant, and deletes them, in one statement: what is cut off has done nothing, and no event
 * counts twice. Returns how many there were; MAX_ATTRIBUTED: there may be more.
 *
 * An event is attributed to the latest notification of the type that was sent to its user before it, within the time of the goal, if the
 * version that decided it has the goal, and to
 * each experiment that the user was in by then. A notification, and a user in an experiment, reach their goal once. They count in the
 * minute of their decision, so that no rate is above 1.
 */
export async function attributeGoals(pool: pg.Pool, tenantId: string): Promise<number> {
  // Without a name: a plan that was kept from when the tables were small would read all of them.
  const { rows } = await pool.query<{ n: string }>(ATTRIBUTE, [tenantId, MAX_ATTRIBUTED]);
  return Number(rows[0]?.n);
}

/** A message that is being sent when its goal comes has an answer that is under way; one that fails after all has counted. */
const HAS_BEEN_SENT = `exists (
  select from deliveries as d where d.tenant_id = $1 and d.notification_id = n.notification_id
    and d.status in ('sending', 'sent', 'sandboxed', 'in_doubt'))`;

// Materialized: the planner, which expects a single row, may put them inside a loop over the table that is updated.
const ATTRIBUTE = `
with mine as materialized (
  select pg_try_advisory_xact_lock(hashtextextended('goals ' || $1::text, 0)) as is_locked
), taken as (
  delete from goal_events where ctid = any (array(
    select ctid from goal_events where tenant_id = $1 and (select is_locked from mine) order by goal_event_id limit $2))
  returning user_id, event_time, targets
), wanted as materialized (
  select user_id, event_time, g.*
  from taken cross join lateral json_to_recordset(targets) as g(type text, first uuid, last uuid, rule text, within bigint)
), of_messages as materialized (
  select distinct on (n.notification_id) w.user_id, n.notification_id, w.event_time
  from wanted as w
  cross join lateral (
    select * from (
      select notification_id, notification_type, created_at, has_goal, goal_at from notifications
      where tenant_id = $1 and user_id = w.user_id and notification_id >= w.first and notification_id <= w.last
      order by notification_id desc limit ${MAX_EXAMINED}
    ) as n
    where n.notification_type = w.type and n.has_goal and n.created_at between w.event_time - w.within * interval '1 ms' and w.event_time
      and ${HAS_BEEN_SENT}
    order by n.notification_id desc limit 1
  ) as n
  where w.type is not null and n.goal_at is null
  order by n.notification_id, w.event_time
), reached as (
  update notifications as n set goal_at = f.event_time from of_messages as f
  where n.tenant_id = $1 and n.user_id = f.user_id and n.notification_id = f.notification_id and n.goal_at is null
  returning n.notification_type, n.rule, n.catalog_version, n.created_at
), of_users as materialized (
  select e.row, min(w.event_time) as event_time
  from wanted as w
  cross join lateral (
    select ctid as row from exposures
    where tenant_id = $1 and user_id = w.user_id and rule = w.rule and goal_at is null
      and w.event_time between at and at + w.within * interval '1 ms'
    offset 0
  ) as e
  where w.rule is not null
  group by 1
), convinced as (
  update exposures as e set goal_at = f.event_time from of_users as f
  where e.ctid = f.row and e.goal_at is null
  returning e.rule, e.variant, e.at
), items as (
  select json_build_object('minute', minute, 'type', notification_type, 'rule', rule, 'version', catalog_version, 'goals', n) as item
  from (select floor(extract(epoch from created_at) / 60)::int as minute, notification_type, rule, catalog_version, count(*) as n
        from reached group by 1, 2, 3, 4) as counted
  union all
  select json_build_object('minute', minute, 'experiment', rule || ' ' || variant, 'goals', n)
  from (select floor(extract(epoch from at) / 60)::int as minute, rule, variant, count(*) as n from convinced group by 1, 2, 3) as counted
), counted as (
  insert into metric_deltas (tenant_id, items) select $1, json_agg(item) from items having count(*) > 0
)
select count(*) as n from taken`;
