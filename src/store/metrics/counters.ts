import type { Millis } from '../../model/event.ts';
import type { RetentionPeriods } from '../../model/retention-policy.ts';

/** Columns of the roll-ups. */

/** Counters, each a column of `metric_rollups`. docs/analytics.md says what each counts. */
export const COUNTERS = [
  'events',
  'decided',
  'held',
  'planned',
  'sent',
  'sandboxed',
  'undeliverable',
  'dropped',
  'dead',
  'in_doubt',
  'cancelled',
  'attempts',
  'confirmable',
  'delivered',
  'unconfirmed',
  'bounced',
  'failed',
  'complained',
  'opened',
  'clicked',
  'read',
  'unsubscribed',
  'aimed',
  'goals',
  'latency_ms',
] as const;
export type Counter = (typeof COUNTERS)[number];

/** Upper bounds of the classes of latency; the last class is open. The function `latency_class` of the schema has the same. */
export const LATENCY_BOUNDS_MS: readonly Millis[] = [
  100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000, 21_600_000, 86_400_000,
  604_800_000,
];

/** Columns of the classes of latency, the fastest first. */
export const LATENCY_COLUMNS: readonly string[] = [...LATENCY_BOUNDS_MS, undefined].map(
  (_, index) => `latency_${index}`,
);

/** Lengths of the points of a series, the finest first. */
export const GRAINS = ['minute', 'hour', 'day', 'week'] as const;
export type Grain = (typeof GRAINS)[number];

/** Spans of time that have sums of their own, the finest first. Four weeks are only added up: a year is 13 of them. */
export const KEPT_GRAINS = [...GRAINS, 'four_weeks'] as const;
export type KeptGrain = (typeof KEPT_GRAINS)[number];

/** Dimensions of the roll-ups beside notification type and channel, one at a time; see the schema. */
export const DIMENSIONS = [
  'channel',
  'type',
  'provider',
  'locale',
  'variant',
  'version',
  'rule',
  'reason',
  'event',
  'cost',
  'release',
  'experiment',
] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/** Dimensions that are kept by the minute; the others by the hour and longer. */
export const MINUTE_DIMENSIONS: readonly Dimension[] = ['channel', 'type', 'release'];

/** Returns the values of the dimension `release`: users that the released version decides about, and the others. */
export function toReleaseGroups(releaseId: string): { readonly released: string; readonly others: string } {
  return { released: `${releaseId} new`, others: `${releaseId} old` };
}

/** Time for which the sums of each grain are kept, those of four weeks as long as those of a week; null: forever. */
export type MetricPeriods = { readonly [grain in Grain]: Millis | null };

/** Returns the periods of the retention policy by grain. */
export function toMetricPeriods({ metric_minutes, metric_hours, metrics }: RetentionPeriods): MetricPeriods {
  return { minute: metric_minutes, hour: metric_hours, day: metrics, week: metrics };
}
