import { groupBy } from '../../lib/group-by.ts';
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
  const { rows } = await connection.query<Volume>({
    name: 'compare-volumes',
    text: COMPARE_VOLUMES,
    values: [tenantId, isoTime(end)],
  });
  const byType = groupBy(rows, ({ of, name }) => `${of} ${name}`);
  const found = [...byType.values()].flatMap((weeks) => judge(weeks) ?? []);
  const distance = ({ count, usual }: Anomaly) => Math.abs(count - usual);
  const largest = found.sort((one, other) => distance(other) - distance(one)).slice(0, MAX_ANOMALIES);
  if (!largest.some(({ kind }) => kind === 'quiet')) return largest;
  const { rows: lasts } = await connection.query<{ since: Millis | null }>({
    name: 'find-last-hours',
    text: FIND_LAST_HOURS,
    values: [tenantId, isoTime(end), largest.map(({ of }) => of), largest.map(({ name }) => name)],
  });
  return largest.map((one, index) => (one.kind === 'quiet' ? { ...one, since: lasts[index]?.since ?? null } : one));
}

/** Numbers of a type in a week; 0: the one whose hours are compared. Weeks without any are missing. */
interface Volume {
  readonly of: Anomaly['of'];
  readonly name: string;
  readonly week: number;
  readonly hour: number;
  readonly day: number;
}

/** Returns what is unusual about a type, over 24 hours first; undefined: nothing, or it is not known for long enough. */
function judge(volumes: readonly Volume[]): Anomaly | undefined {
  const [first] = volumes;
  const weeks = Math.max(...volumes.map(({ week }) => week));
  if (!first || weeks < MIN_WEEKS) return undefined;
  const byWeek = new Map(volumes.map((one) => [one.week, one]));
  for (const [span, hours] of [
    ['day', 24],
    ['hour', 1],
  ] as const) {
    const [count = 0, ...before] = Array.from({ length: weeks + 1 }, (_, week) => byWeek.get(week)?.[span] ?? 0);
    const usual = median(before);
    const isQuiet = count === 0 && Math.min(...before) >= 1 && usual >= MIN_USUAL;
    const isSurge = usual >= 1 && count >= SURGE_TIMES * usual && count - usual >= MIN_SURGE;
    if (!isQuiet && !isSurge) continue;
    const { of, name } = first;
    return { kind: isQuiet ? 'quiet' : 'surge', of, name, hours, count, usual, weeks, since: null };
  }
  return undefined;
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
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
const COMPARE_VOLUMES = `
select case r.dimension when 'event' then 'events' else 'notifications' end as "of", r.name, s.week,
       coalesce(sum(r.n) filter (where s.back = 0), 0)::float8 as hour, sum(r.n)::float8 as day
from (
  select w as week, h as back, $2::timestamptz - (w * 168 + h + 1) * interval '1 hour' as bucket
  from generate_series(0, ${ANOMALY_WEEKS}) as w cross join generate_series(0, 23) as h
) as s
cross join lateral (
  select dimension, case dimension when 'event' then value else notification_type end as name, events + decided as n
  from metric_rollups
  where tenant_id = $1 and grain = 'hour' and dimension in ('event', 'type') and bucket = s.bucket and channel = ''
    and events + decided > 0
  offset 0
) as r
group by r.dimension, r.name, s.week`;

/** The end of the last hour with any, of the last week: of each type, the first entry from the back of its range. */
const FIND_LAST_HOURS = `
select last.at as since
from unnest($3::text[], $4::text[]) with ordinality as q("of", name, place)
left join lateral (
  select bucket + interval '1 hour' as at from metric_rollups
  where tenant_id = $1 and grain = 'hour' and dimension = case q."of" when 'events' then 'event' else 'type' end and channel = ''
    and bucket >= $2::timestamptz - interval '168 hours' and bucket < $2
    and notification_type = case q."of" when 'events' then '' else q.name end and (q."of" <> 'events' or value = q.name)
    and events + decided > 0
  order by bucket desc limit 1
) as last on true
order by q.place`;
