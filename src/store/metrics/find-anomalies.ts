import type { Millis } from '../../model/event.ts';
import { isTestTenant } from '../../model/principal.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/*
 * Volumes that are not the usual ones, from the sums by the hour. The last whole hour, and the 24 hours to its end, are each compared
 * with the median of the same hours of the weeks before: what a type does at night, or on Sundays, is usual then.
 */

export const ANOMALY_KINDS = ['quiet', 'surge'] as const;

/** A notification type or a type of events whose volume is not its usual one. */
export interface Anomaly {
  readonly kind: (typeof ANOMALY_KINDS)[number];
  /** Notifications that were decided, or events that arrived. */
  readonly of: 'notifications' | 'events';
  /** The type. */
  readonly name: string;
  /** Length of what was compared. */
  readonly hours: 1 | 24;
  readonly count: number;
  /** The median of the same hours of the weeks before. */
  readonly usual: number;
  /** Weeks that it is compared with. */
  readonly weeks: number;
  /** End of the last hour in which there was one; null: it is a surge, or has been quiet for more than a week. */
  readonly since: Millis | null;
}

/** Weeks before that are looked at, and how many of them a type must be known for. */
export const ANOMALY_WEEKS = 6;
export const MIN_WEEKS = 3;
/** Times its usual volume that a surge has, and the number by which it is more. */
export const SURGE_TIMES = 3;
export const MIN_SURGE = 50;
/** Usual volume of what can be quiet: with fewer, an hour without any is chance. */
export const MIN_USUAL = 10;
/** Anomalies that are returned, at most: the largest. */
export const MAX_ANOMALIES = 100;

/**
 * Returns the anomalies of a tenant, those of which the most is missing or too much first.
 * @param end a whole hour; what is compared ends there
 */
export async function findAnomalies(connection: Connection, tenantId: string, end: Millis): Promise<Anomaly[]> {
  const { rows } = await connection.query<Anomaly>({
    name: 'find-anomalies',
    text: FIND_ANOMALIES,
    values: [tenantId, isoTime(end)],
  });
  return rows;
}

/** Tenants that are counted, at most: in the order of their ids. */
const MAX_TENANTS = 500;

/** Counts the anomalies of all tenants, by kind. @param end as before */
export async function countAnomalies(
  connection: Connection,
  end: Millis,
): Promise<{ readonly [kind in Anomaly['kind']]: number }> {
  const { rows } = await connection.query<{ tenant_id: string }>({
    name: 'list-counted-tenants',
    text: `with recursive found as (
             (select tenant_id from metric_rollups order by tenant_id limit 1)
             union all
             select (select r.tenant_id from metric_rollups as r where r.tenant_id > found.tenant_id order by r.tenant_id limit 1)
             from found where found.tenant_id is not null
           )
           select tenant_id from found where tenant_id is not null limit ${MAX_TENANTS}`,
  });
  const counts = { quiet: 0, surge: 0 };
  for (const { tenant_id: tenantId } of rows.filter(({ tenant_id: id }) => !isTestTenant(id)))
    for (const { kind } of await findAnomalies(connection, tenantId, end)) counts[kind]++;
  return counts;
}

/** 24 hours of seven weeks: ranges of the primary key, of which only what concerns no channel is read. */
const FIND_ANOMALIES = `
with slot as materialized (
  select w, h, $2::timestamptz - (w * 168 + h + 1) * interval '1 hour' as bucket
  from generate_series(0, ${ANOMALY_WEEKS}) as w cross join generate_series(0, 23) as h
), counted as materialized (
  select r.dimension, case r.dimension when 'event' then r.value else r.notification_type end as name, s.w,
         coalesce(sum(r.events + r.decided) filter (where s.h = 0), 0)::float8 as hour, sum(r.events + r.decided)::float8 as day
  from slot as s
  cross join (values ('event'), ('type')) as d(dimension)
  cross join lateral (
    select * from metric_rollups as m
    where m.tenant_id = $1 and m.grain = 'hour' and m.dimension = d.dimension and m.bucket = s.bucket and m.channel = ''
      and m.events + m.decided > 0
  ) as r
  group by 1, 2, 3
), known as (
  select dimension, name, max(w) as weeks from counted group by 1, 2 having max(w) >= ${MIN_WEEKS}
), compared as (
  select k.dimension, k.name, k.weeks, span.hours,
         sum(case when w = 0 then n else 0 end) as count,
         percentile_cont(0.5) within group (order by n) filter (where w > 0) as usual,
         min(n) filter (where w > 0) as fewest
  from known as k
  cross join lateral generate_series(0, k.weeks) as w
  left join counted as c using (dimension, name, w)
  cross join lateral (values (1, coalesce(c.hour, 0)), (24, coalesce(c.day, 0))) as span(hours, n)
  group by 1, 2, 3, 4
), judged as (
  select distinct on (dimension, name) *, case when count = 0 then 'quiet' else 'surge' end as kind
  from compared
  where count = 0 and fewest >= 1 and usual >= ${MIN_USUAL}
     or usual >= 1 and count >= ${SURGE_TIMES} * usual and count - usual >= ${MIN_SURGE}
  order by dimension, name, hours desc
), largest as (
  select * from judged order by abs(count - usual) desc, dimension, name limit ${MAX_ANOMALIES}
)
select kind, case dimension when 'event' then 'events' else 'notifications' end as "of", name, hours, count, usual, weeks, last.at as since
from largest as l
left join lateral (
  select m.bucket + interval '1 hour' as at from metric_rollups as m
  where l.kind = 'quiet' and m.tenant_id = $1 and m.grain = 'hour' and m.dimension = l.dimension and m.channel = ''
    and m.bucket >= $2::timestamptz - interval '168 hours' and m.bucket < $2
    and m.notification_type = case l.dimension when 'type' then l.name else '' end
    and (l.dimension = 'type' or m.value = l.name) and m.events + m.decided > 0
  order by m.bucket desc limit 1
) as last on true
order by abs(count - usual) desc, 2, name`;
