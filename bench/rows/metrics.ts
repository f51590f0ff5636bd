import { readGroups, readSeries, readSummary } from '../../src/analytics/read-metrics.ts';
import { medianTime, type Row } from '../row.ts';

const DAY_MS = 86_400_000;
const TYPES = 100;
const CHANNELS = 3;
const DAYS = 365;
/** Answers that are timed. */
const ROUNDS = 20;
const NOW = Date.parse('2026-01-01T00:00:00Z');
const PERIODS = { minute: 2 * DAY_MS, hour: 90 * DAY_MS, day: null, week: null };

/** The slowest of the answers about a year: its sums, its days, and the sums of each type. */
export const metricsRow: Row = {
  id: 'metrics',
  name: `Metrics of a year of ${TYPES} notification types, median of the slowest answer`,
  unit: 'ms',
  against: 'nothing: the time itself',
  direction: 'lower',
  atLeast: 50,
  goal: 25,
  measure(setup) {
    return setup.withDatabase(async ({ pool }) => {
      for (const [grain, length] of [
        ['day', 1],
        ['week', 7],
        ['four_weeks', 28],
      ] as const) {
        await pool.query(
          `insert into metric_rollups (tenant_id, grain, dimension, bucket, notification_type, channel, planned, sent, delivered, latency_4)
           select 'default', $1, d.dimension, date_bin($4 * interval '24 hours', to_timestamp($2::float8 / 1000) - day * interval '24 hours', '1970-01-05T00:00:00Z'),
                  case d.dimension when 'type' then 'TYPE ' || t else '' end, 'channel ' || c, 9, 8, 7, 8
           from generate_series(1, $3, $4) as day cross join generate_series(1, $5) as c
           cross join (values ('type', $6::int), ('channel', 1)) as d(dimension, n) cross join generate_series(1, d.n) as t
           on conflict do nothing`,
          [grain, NOW, DAYS, length, CHANNELS, TYPES],
        );
      }
      await pool.query('vacuum analyze metric_rollups');
      const parts = { pool, now: NOW, periods: PERIODS };
      const query = { tenantId: 'default', from: NOW - DAYS * DAY_MS, to: NOW };
      const asks: { readonly [name: string]: () => Promise<unknown> } = {
        summary: () => readSummary(parts, query),
        series: () => readSeries(parts, query, 'day'),
        types: () => readGroups(parts, query, 'type'),
        days_of_type: () => readSeries(parts, { ...query, type: 'TYPE 7' }, 'day'),
      };
      const also: { [name: string]: number } = {};
      for (const [name, ask] of Object.entries(asks)) also[name] = await medianTime(ROUNDS, ask);
      return { value: Math.max(...Object.values(also)), limit: 1, also };
    });
  },
};
