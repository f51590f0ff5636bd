import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import { COUNTERS, type Counter, type Dimension, type KeptGrain, LATENCY_COLUMNS } from './counters.ts';

/** Sums of counters, with what the messages cost where that was asked for. */
export interface MetricSums extends Readonly<Record<Counter, number>> {
  /** Messages handed over, by class of latency. */
  readonly latencies: readonly number[];
}

export interface RollupFilter {
  readonly tenantId: string;
  readonly type?: string;
  readonly channel?: string;
  /** Absent: any. */
  readonly value?: string;
  /** The provider, with all its accounts, for the dimension `provider`. Absent: any. */
  readonly provider?: string;
}

/** A part of a span in buckets of one grain. */
export interface RollupSegment {
  readonly grain: KeptGrain;
  readonly from: Millis;
  readonly to: Millis;
}

/** Columns that sums are grouped by. */
export type GroupColumn = 'bucket' | 'notification_type' | 'channel' | 'value';

export interface SumGroup extends MetricSums {
  readonly group: { readonly [column in GroupColumn]?: string | Millis };
}

/** Groups of one answer, at most: those with the most messages. */
export const MAX_GROUPS = 2000;

const SUMS = [...COUNTERS, ...LATENCY_COLUMNS]
  .map((column) => `coalesce(sum(r.${column}::float8), 0) as ${column}`)
  .join(', ');

/** Length of a bucket of `s.grain`, in hours: days would follow the zone of the session. */
const STEP = `case s.grain when 'minute' then interval '1 minute' when 'hour' then interval '1 hour'
  when 'day' then interval '24 hours' when 'week' then interval '168 hours' else interval '672 hours' end`;

/**
 * Returns the segments by ranges of the primary key, with its parameters; of one type, by a probe for each bucket, which does not pass
 * the entries of the others. A column that is not asked for has no condition: one that a parameter turns off could not be looked
 * at in the index. `offset 0` keeps the planner from reading the whole table in the place of a few ranges.
 */
function fromSegments(
  dimension: Dimension,
  { tenantId, type, channel, value, provider }: RollupFilter,
  segments: readonly RollupSegment[],
): { readonly from: string; readonly values: unknown[] } {
  const values: unknown[] = [
    tenantId,
    dimension,
    segments.map(({ grain }) => grain),
    segments.map(({ from }) => isoTime(from)),
    segments.map(({ to }) => isoTime(to)),
  ];
  const asked = [
    ['r.notification_type', type],
    ['r.channel', channel],
    ['r.value', value],
    [`split_part(r.value, '/', 1)`, provider],
  ] as const;
  const conditions = asked.flatMap(([column, one]) =>
    one === undefined ? [] : [`and ${column} = $${values.push(one)}`],
  );
  const [buckets, inBuckets] =
    type === undefined
      ? ['', 'r.bucket >= s.since and r.bucket < s.until']
      : [`cross join lateral generate_series(s.since, s.until - ${STEP}, ${STEP}) as b(at)`, 'r.bucket = b.at'];
  const from = `from unnest($3::text[], $4::timestamptz[], $5::timestamptz[]) as s(grain, since, until) ${buckets}
    cross join lateral (
      select * from metric_rollups as r
      where r.tenant_id = $1 and r.grain = s.grain and r.dimension = $2 and ${inBuckets} ${conditions.join(' ')}
      offset 0
    ) as r`;
  return { from, values };
}

/** Sums up roll-ups of one dimension, in groups. Without groups it is one, also when there are no rows. */
export async function sumRollups(
  pool: pg.Pool,
  dimension: Dimension,
  filter: RollupFilter,
  segments: readonly RollupSegment[],
  by: readonly GroupColumn[],
): Promise<SumGroup[]> {
  const columns = by.map((column) => `r.${column}`).join(', ');
  const order = by.includes('bucket') ? 'r.bucket' : 'sum(r.sent + r.sandboxed + r.held + r.events + r.decided) desc';
  const { from, values } = fromSegments(dimension, filter, segments);
  const { rows } = await pool.query(
    `select ${columns}${columns === '' ? '' : ', '}${SUMS} ${from}
     ${columns === '' ? '' : `group by ${columns} order by ${order}, ${columns} limit ${MAX_GROUPS}`}`,
    values,
  );
  return rows.map(({ bucket, notification_type, channel, value, ...sums }) =>
    Object.assign(sums as Record<Counter, number>, {
      latencies: LATENCY_COLUMNS.map((column) => sums[column]),
      group: { bucket, notification_type, channel, value },
    }),
  );
}

/** Sends of each group in each bucket that has any, in order of time. */
export interface Trend {
  readonly key: string;
  readonly buckets: readonly Millis[];
  /** As many as there are buckets. */
  readonly sends: readonly number[];
}

/** Returns how many messages were sent over time, of these values of a column. @param keys as `sumRollups` found them */
export async function sumTrends(
  pool: pg.Pool,
  dimension: Dimension,
  filter: RollupFilter,
  segment: RollupSegment,
  column: Exclude<GroupColumn, 'bucket'>,
  keys: readonly string[],
): Promise<Trend[]> {
  const { from, values } = fromSegments(dimension, filter, [segment]);
  const { rows } = await pool.query<{ key: string; buckets: string[]; sends: number[] }>(
    `select key, array_agg(extract(epoch from bucket) * 1000 order by bucket)::float8[] as buckets,
            array_agg(sends order by bucket) as sends
     from (
       select r.${column} as key, r.bucket, sum(r.sent + r.sandboxed)::float8 as sends ${from}
       where r.${column} = any($${values.length + 1}::text[])
       group by 1, 2
     ) as sums
     group by key`,
    [...values, keys],
  );
  return rows.map(({ key, buckets, sends }) => ({ key, buckets: buckets.map(Number), sends }));
}

/** Costs of one currency. */
export interface CostSum {
  /** A channel or notification type. */
  readonly key: string;
  readonly currency: string;
  readonly amount: number;
  readonly messages: number;
}

/** Sums up what messages cost, by channel or type and by currency. @param sender PROVIDER or PROVIDER/ACCOUNT; absent: any */
export async function sumCosts(
  pool: pg.Pool,
  by: 'channel' | 'notification_type',
  filter: Omit<RollupFilter, 'value' | 'provider'>,
  sender: { readonly provider: string; readonly account?: string } | undefined,
  segments: readonly RollupSegment[],
): Promise<CostSum[]> {
  const { from, values } = fromSegments('cost', filter, segments);
  const first = values.length + 1;
  const { rows } = await pool.query<{ key: string; currency: string; amount: string; messages: number }>(
    `select r.${by} as key, split_part(r.value, ' ', 1) as currency, sum(r.cost) as amount, sum(r.sent + r.sandboxed)::float8 as messages
     ${from}
     where $${first}::text is null or substr(r.value, strpos(r.value, ' ') + 1) = $${first}
       or not $${first + 1} and starts_with(substr(r.value, strpos(r.value, ' ') + 1), $${first} || '/')
     group by 1, 2 having sum(r.cost) <> 0 order by 1, 2`,
    [
      ...values,
      sender ? [sender.provider, sender.account].filter((part) => part !== undefined).join('/') : null,
      sender?.account !== undefined,
    ],
  );
  return rows.map(({ amount, ...row }) => ({ ...row, amount: Number(amount) }));
}

/** Returns whether anything of a notification type was ever counted: a probe for each week since the first one. */
export async function hasRollups(pool: pg.Pool, tenantId: string, type: string): Promise<boolean> {
  const { rows } = await pool.query(
    `select from (
       select min(bucket) as first, max(bucket) as last from metric_rollups
       where tenant_id = $1 and grain = 'week' and dimension = 'type'
     ) as known
     cross join lateral generate_series(known.first, known.last, interval '168 hours') as b(at)
     cross join lateral (
       select from metric_rollups as r
       where r.tenant_id = $1 and r.grain = 'week' and r.dimension = 'type' and r.bucket = b.at and r.notification_type = $2
       offset 0 limit 1
     ) as r
     limit 1`,
    [tenantId, type],
  );
  return rows.length > 0;
}

/** Returns the time up to which everything that was committed is in the roll-ups; null: all of it is. */
export async function loadUncounted(pool: pg.Pool, tenantId: string): Promise<Millis | null> {
  const { rows } = await pool.query<{ at: Millis | null }>(
    `select min(at) as at from (
       (select at from metric_deltas where tenant_id = $1 order by delta_id limit 1)
       union all
       (select at from goal_events where tenant_id = $1 order by goal_event_id limit 1)
     ) as first`,
    [tenantId],
  );
  return rows[0]?.at ?? null;
}
