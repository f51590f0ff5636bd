import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import {
  COUNTERS,
  KEPT_GRAINS,
  type KeptGrain,
  LATENCY_COLUMNS,
  type MetricPeriods,
  MINUTE_DIMENSIONS,
} from './counters.ts';

/** Deltas that one fold takes, at most. */
export const MAX_FOLDED_DELTAS = 1000;

/** Types of events, and pairs of currency and account, of one day of a tenant with sums of their own; the others are OTHER_VALUE. */
export const MAX_DAY_VALUES = 500;
export const OTHER_VALUE = '(other)';

/**
 * Adds the oldest deltas of a tenant to its roll-ups, and deletes them, in one statement: what is cut off has done nothing, and no
 * delta counts twice. Returns how many there were; MAX_FOLDED_DELTAS: there may be more.
 * @param periods what is older is not added: it would be removed again, and until then be a part of a sum
 */
export async function foldDeltas(
  pool: pg.Pool,
  tenantId: string,
  now: Millis,
  periods: MetricPeriods,
  limit: number = MAX_FOLDED_DELTAS,
): Promise<number> {
  const since = (grain: KeptGrain) => {
    const period = periods[grain === 'four_weeks' ? 'week' : grain];
    return period === null ? '-infinity' : isoTime(now - period);
  };
  const { rows } = await pool.query<{ n: string }>({
    name: 'fold-deltas',
    text: FOLD,
    values: [tenantId, limit, ...KEPT_GRAINS.map(since)],
  });
  return Number(rows[0]?.n);
}

const KEYS = [
  'minute',
  'event',
  'type',
  'channel',
  'provider',
  'account',
  'locale',
  'variant',
  'version',
  'rule',
  'reason',
  'release',
  'experiment',
];
const KEY_TYPES = KEYS.map((key) => `${key} ${key === 'minute' || key === 'version' ? 'int' : 'text'}`);
const SUMMED = [...COUNTERS, 'cost', ...LATENCY_COLUMNS];

/** Counters of an item in the classes of its latency. */
const OF_CLASS = LATENCY_COLUMNS.map(
  (column, index) => `sum(coalesce(sent, 0) + coalesce(sandboxed, 0)) filter (where class = ${index}) as ${column}`,
);

// Two folds of a tenant at once would wait for each other at the rows of the roll-ups: the second does nothing. The rows are written
// in order of their key. An item is first added to those with the same dimensions, then counted under each of them, then in each grain.
const FOLD = `
with mine as materialized (
  select pg_try_advisory_xact_lock(hashtextextended('metrics ' || $1::text, 0)) as is_locked
), released as materialized (
  -- While a version is released, it is compared with the one before by the minute.
  select exists (select from active_catalogs where tenant_id = $1 and release is not null) as is_under_way
), taken as (
  delete from metric_deltas where ctid = any (array(
    select ctid from metric_deltas where tenant_id = $1 and (select is_locked from mine) order by delta_id limit $2))
  returning items, delta_id
), item as materialized (
  select ${KEYS.join(', ')}, currency || ' ' || provider || coalesce('/' || account, '') as cost_of,
         date_trunc('day', to_timestamp(minute * 60.0), 'UTC') as day,
         ${COUNTERS.map((counter) => `sum(${counter}) as ${counter}`).join(', ')}, sum(cost) as cost, ${OF_CLASS.join(', ')}
  from taken cross join lateral json_to_recordset(items) as i(
    ${KEY_TYPES.join(', ')}, currency text, class int, cost numeric, ${COUNTERS.map((counter) => `${counter} bigint`).join(', ')})
  group by ${KEYS.join(', ')}, currency
), bounded as (
  select distinct day, 'event' as dimension, event as value from item where event is not null
  union
  select distinct day, 'cost', cost_of from item where cost_of is not null
), known as (
  select distinct r.bucket as day, r.dimension, r.value from (select distinct day, dimension from bounded) as b
  join metric_rollups as r on r.tenant_id = $1 and r.grain = 'day' and r.dimension = b.dimension and r.bucket = b.day
), too_many as materialized (
  select day, dimension, value from (
    select b.*, row_number() over (partition by day, dimension order by value)
                + (select count(*) from known as k where k.day = b.day and k.dimension = b.dimension) as place
    from bounded as b
    where not exists (select from known as k where k.day = b.day and k.dimension = b.dimension and k.value = b.value)
  ) as fresh
  where place > ${MAX_DAY_VALUES}
), counted as (
  select i.*, k.dimension, k.of_type, k.of_channel, k.value
  from item as i
  cross join lateral (values
    ('channel', case when i.experiment is null then '' end, coalesce(i.channel, ''), ''),
    ('type', i.type, coalesce(i.channel, ''), ''),
    ('provider', i.type, coalesce(i.channel, ''), i.provider || coalesce('/' || i.account, '')),
    ('locale', i.type, coalesce(i.channel, ''), i.locale),
    ('variant', i.type, coalesce(i.channel, ''), i.variant),
    ('version', coalesce(i.type, ''), coalesce(i.channel, ''), i.version::text),
    ('rule', i.type, coalesce(i.channel, ''), i.rule),
    ('reason', i.type, coalesce(i.channel, ''), i.reason),
    ('release', '', '', i.release),
    ('experiment', '', '', i.experiment),
    ('event', '', '', case when exists (
       select from too_many as t where t.day = i.day and t.dimension = 'event' and t.value = i.event) then '${OTHER_VALUE}' else i.event end),
    ('cost', i.type, coalesce(i.channel, ''), case when exists (
       select from too_many as t where t.day = i.day and t.dimension = 'cost' and t.value = i.cost_of) then '${OTHER_VALUE}' else i.cost_of end)
  ) as k(dimension, of_type, of_channel, value)
  where k.of_type is not null and k.value is not null
), grained as (
  select g.grain, c.dimension, g.bucket, c.of_type, c.of_channel, c.value,
         ${SUMMED.map((column) => `coalesce(sum(c.${column}), 0) as ${column}`).join(', ')}
  from counted as c
  cross join lateral (values
    ('minute', to_timestamp(c.minute * 60.0), $3::timestamptz),
    ('hour', date_trunc('hour', to_timestamp(c.minute * 60.0), 'UTC'), $4::timestamptz),
    ('day', c.day, $5::timestamptz),
    ('week', date_trunc('week', c.day, 'UTC'), $6::timestamptz),
    ('four_weeks', date_bin('28 days', c.day, '1970-01-05T00:00:00Z'), $7::timestamptz)
  ) as g(grain, bucket, since)
  where g.bucket >= g.since and (g.grain <> 'minute' or c.dimension in (${MINUTE_DIMENSIONS.map((one) => `'${one}'`).join(', ')})
    or c.dimension = 'version' and (select is_under_way from released))
  group by 1, 2, 3, 4, 5, 6
), added as (
  insert into metric_rollups as r (tenant_id, grain, dimension, bucket, notification_type, channel, value, ${SUMMED.join(', ')})
  select $1, grain, dimension, bucket, of_type, of_channel, value, ${SUMMED.join(', ')} from grained
  order by grain, dimension, bucket, of_type, of_channel, value
  on conflict (tenant_id, grain, dimension, bucket, notification_type, channel, value) do update
  set ${SUMMED.map((column) => `${column} = r.${column} + excluded.${column}`).join(', ')}
), noted as (
  insert into metric_folds as f (tenant_id, deltas, last_delta) select $1, count(*), max(delta_id) from taken having count(*) > 0
  on conflict (tenant_id) do update set deltas = f.deltas + excluded.deltas, last_delta = greatest(f.last_delta, excluded.last_delta)
)
select count(*) as n from taken`;
