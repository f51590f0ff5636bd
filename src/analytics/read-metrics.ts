import type pg from 'pg';
import { TidingsError } from '../errors.ts';
import { groupBy } from '../lib/group-by.ts';
import type { Millis } from '../model/event.ts';
import { type Dimension, type Grain, type MetricPeriods, MINUTE_DIMENSIONS } from '../store/metrics/counters.ts';
import { listMarkers, type Marker } from '../store/metrics/list-markers.ts';
import {
  type CostSum,
  loadUncounted,
  MAX_GROUPS,
  type RollupFilter,
  type SumGroup,
  sumCosts,
  sumRollups,
  sumTrends,
} from '../store/metrics/read-rollups.ts';
import { DAY_MS, isoTime } from '../time/iso-time.ts';
import { ceilTo, countBuckets, coverSpan, floorTo, nextBucket, type Segment } from './cover-span.ts';
import { type IsKept, keptCounters } from './kept-counters.ts';
import { type MetricValues, NO_SUMS, toMetricValues } from './metric-values.ts';

/** Longest span of one answer. */
const MAX_SPAN_MS: Millis = 3660 * DAY_MS;
/** Span of an answer for which none is asked. */
const USUAL_SPAN_MS: Millis = 30 * DAY_MS;
/** Points of a series, at most. */
export const MAX_POINTS = 1500;
/** Points of the trend of each group, at most. */
export const MAX_TREND_POINTS = 100;
/** Points that an automatic grain makes, at most: as many as a chart shows. */
const USUAL_POINTS = 200;

/** Names of what metrics can be grouped by, beside time. */
export const METRIC_GROUPS = [
  'channel',
  'type',
  'provider',
  'locale',
  'variant',
  'version',
  'rule',
  'reason',
  'event',
] as const;
export type MetricGroup = (typeof METRIC_GROUPS)[number];

/** Which metrics are asked for. Of `provider` and those after it at most one, an account with its provider. */
export interface MetricQuery {
  readonly tenantId: string;
  readonly from?: Millis;
  readonly to?: Millis;
  readonly type?: string;
  readonly channel?: string;
  readonly provider?: string;
  readonly account?: string;
  readonly locale?: string;
  readonly variant?: string;
  readonly version?: number;
  readonly rule?: string;
}

export interface MetricParts {
  readonly pool: pg.Pool;
  readonly now: Millis;
  /** Time for which sums are there: not what was removed under a shorter period. */
  readonly periods: MetricPeriods;
}

/** The span that an answer covers, and the time up to which all that happened is in it. */
export interface MetricSpan {
  readonly from: Millis;
  readonly to: Millis;
  readonly asOf: Millis;
}

export interface Cost {
  readonly currency: string;
  readonly amount: number;
}

interface Filter {
  readonly dimension: Dimension;
  readonly rollups: RollupFilter;
}

const FURTHER = ['provider', 'locale', 'variant', 'version', 'rule'] as const;

/** Returns the sums of a span. Costs are null where they are not known by what was filtered. */
export async function readSummary(
  parts: MetricParts,
  query: MetricQuery,
): Promise<MetricSpan & { readonly values: MetricValues; readonly costs: readonly Cost[] | null }> {
  const { dimension, rollups } = toFilter(query);
  const { segments, span } = await openSpan(parts, query, dimension);
  const [sums] = await sumRollups(parts.pool, dimension, rollups, segments, []);
  const costs = await readCosts(parts, query, segments);
  return {
    ...span,
    values: toMetricValues(sums ?? NO_SUMS, toKept(query, dimension)),
    costs: costs && addCosts(costs),
  };
}

/** One group of a breakdown. */
export interface MetricGroupValues {
  readonly key: string;
  readonly values: MetricValues;
  readonly costs: readonly Cost[] | null;
  /** Messages that were sent in each bucket of the span; null: not asked for. */
  readonly trend: readonly number[] | null;
}

/**
 * Returns the sums of a span in groups, those with the most messages first; at most MAX_GROUPS.
 * @param trend length of the points of the trends; undefined: without them
 */
export async function readGroups(
  parts: MetricParts,
  query: MetricQuery,
  by: MetricGroup,
  trend?: Grain,
): Promise<MetricSpan & { readonly groups: readonly MetricGroupValues[]; readonly hasMore: boolean }> {
  const { dimension, rollups } = toFilter(query, by);
  const column = by === 'channel' ? 'channel' : by === 'type' ? 'notification_type' : 'value';
  const { segments, span } = await openSpan(parts, query, dimension);
  const groups = await sumRollups(parts.pool, dimension, rollups, segments, [column]);
  const found = column === 'value' ? null : await readCosts(parts, query, segments, column);
  const costs = found && groupBy(found, (one) => one.key);
  const keys = groups.map(({ group }) => String(group[column]));
  const trends =
    trend && (await readTrends(parts, query, { filter: { dimension, rollups }, column, keys, grain: trend }));
  const isKept = toKept(query, dimension, by);
  const named = groups.map((sums, index) => {
    const key = keys[index] as string;
    return {
      key,
      values: toMetricValues(sums, isKept),
      costs: costs && addCosts(costs.get(key) ?? []),
      trend: trends?.(key) ?? null,
    };
  });
  // Decisions concern no channel.
  const shown = by === 'channel' ? named.filter(({ key }) => key !== '') : named;
  return { ...span, groups: shown, hasMore: groups.length === MAX_GROUPS };
}

interface TrendQuery {
  readonly filter: Filter;
  readonly column: 'channel' | 'notification_type' | 'value';
  readonly keys: readonly string[];
  readonly grain: Grain;
}

/** Returns a function with the points of the trend of a key, also of those in which nothing was sent. */
async function readTrends(
  parts: MetricParts,
  query: MetricQuery,
  { filter: { dimension, rollups }, column, keys, grain }: TrendQuery,
): Promise<(key: string) => number[]> {
  const { from, to } = toSpan(parts.now, query);
  requireGrain(parts, grain, dimension, from, to, { name: 'trend', max: MAX_TREND_POINTS });
  const segment = { grain, from: floorTo(grain, from), to: ceilTo(grain, to) };
  const trends = await sumTrends(parts.pool, dimension, rollups, segment, column, keys);
  const byKey = new Map(
    trends.map(({ key, buckets, sends }) => [key, new Map(buckets.map((at, i) => [at, sends[i]]))]),
  );
  const times: Millis[] = [];
  for (let at = segment.from; at < segment.to; at = nextBucket(grain, at)) times.push(at);
  return (key) => times.map((at) => byKey.get(key)?.get(at) ?? 0);
}

/** Returns the users of each variant of each experiment, as `RULE VARIANT`, and how many of them reached the goal. */
export async function readVariants(
  parts: MetricParts,
  query: { readonly tenantId: string; readonly from?: Millis; readonly to?: Millis },
): Promise<
  MetricSpan & { readonly groups: readonly { readonly key: string; readonly users: number; readonly goals: number }[] }
> {
  const { segments, span } = await openSpan(parts, query, 'experiment');
  const sums = await sumRollups(parts.pool, 'experiment', { tenantId: query.tenantId }, segments, ['value']);
  const groups = sums.map(({ group, decided: users, goals }) => ({ key: String(group.value), users, goals }));
  return { ...span, groups };
}

/** Returns the sums of each bucket of a span, also of those in which nothing happened. @param asked absent: one that fits the span */
export async function readSeries(
  parts: MetricParts,
  query: MetricQuery,
  asked: Grain | undefined,
): Promise<
  MetricSpan & {
    readonly grain: Grain;
    readonly points: readonly { readonly at: Millis; readonly values: MetricValues }[];
    /** Changes of the catalog in the span, in order of time. */
    readonly markers: readonly Marker[];
  }
> {
  const { dimension, rollups } = toFilter(query);
  const { from, to } = toSpan(parts.now, query);
  const grain = asked ?? chooseGrain(parts, from, to, dimension);
  requireGrain(parts, grain, dimension, from, to);
  const segment = { grain, from: floorTo(grain, from), to: ceilTo(grain, to) };
  const sums = await sumRollups(parts.pool, dimension, rollups, [segment], ['bucket']);
  const byBucket = new Map<Millis, SumGroup>(sums.map((one) => [Number(one.group.bucket), one]));
  const isKept = toKept(query, dimension);
  const points: { at: Millis; values: MetricValues }[] = [];
  for (let at = segment.from; at < segment.to; at = nextBucket(grain, at))
    points.push({ at, values: toMetricValues(byBucket.get(at) ?? NO_SUMS, isKept) });
  const markers = await listMarkers(parts.pool, query.tenantId, segment);
  const asOf = await readAsOf(parts, query.tenantId);
  return { from: segment.from, to: segment.to, asOf, grain, points, markers };
}

/** Returns the dimension whose roll-ups have what is asked for. @throws TidingsError for more than one further dimension */
function toFilter(query: MetricQuery, by?: MetricGroup): Filter {
  const { tenantId, type, channel, provider, account } = query;
  const given: MetricGroup[] = FURTHER.filter((name) => query[name] !== undefined);
  if (account !== undefined && provider === undefined)
    throw invalid('provider', 'An account is one of a provider; write its provider, too.');
  if (by !== undefined && by !== 'channel' && by !== 'type' && !given.includes(by)) given.push(by);
  if (given.length > 1)
    throw invalid(
      given[1] as string,
      `Metrics are kept by ${given[0]} and by ${given[1]}, each apart; ask for one of them.`,
    );
  const [further] = given;
  const base = { tenantId, ...(type === undefined ? {} : { type }), ...(channel === undefined ? {} : { channel }) };
  if (further === undefined)
    return { dimension: type === undefined && by !== 'type' ? 'channel' : 'type', rollups: base };
  if (further === 'event' && (type !== undefined || channel !== undefined))
    throw invalid(
      type === undefined ? 'channel' : 'type',
      'Events have neither a notification type nor a channel; leave it out.',
    );
  if (further === 'provider') return { dimension: 'provider', rollups: { ...base, ...toSender(provider, account) } };
  const value = query[further as keyof MetricQuery];
  return { dimension: further, rollups: { ...base, ...(value === undefined ? {} : { value: String(value) }) } };
}

/** Returns which counters the answer has. */
function toKept({ channel, type }: MetricQuery, dimension: Dimension, by?: MetricGroup): IsKept {
  return keptCounters(dimension, channel !== undefined || by === 'channel', type !== undefined || by === 'type');
}

function toSender(provider: string | undefined, account: string | undefined): Pick<RollupFilter, 'value' | 'provider'> {
  if (provider === undefined) return {};
  return account === undefined ? { provider } : { value: `${provider}/${account}` };
}

/** Returns the span that is asked for. @throws TidingsError */
export function toSpan(
  now: Millis,
  query: { readonly from?: Millis; readonly to?: Millis },
): { readonly from: Millis; readonly to: Millis } {
  const to = query.to ?? now;
  const from = query.from ?? to - USUAL_SPAN_MS;
  if (from >= to) throw invalid('from', 'The span ends before it begins; write an earlier time.');
  if (to - from > MAX_SPAN_MS) throw invalid('from', `A span has at most ${MAX_SPAN_MS / DAY_MS} days; ask for less.`);
  return { from, to };
}

async function openSpan(
  parts: MetricParts,
  query: MetricQuery,
  dimension: Dimension,
): Promise<{ readonly segments: readonly Segment[]; readonly span: MetricSpan }> {
  const { now, periods } = parts;
  const finest = MINUTE_DIMENSIONS.includes(dimension) ? 'minute' : 'hour';
  const { segments, from, to } = coverSpan(toSpan(now, query), { now, periods, finest });
  return { segments, span: { from, to, asOf: await readAsOf(parts, query.tenantId) } };
}

/** Returns the time up to which everything is counted. */
export async function readAsOf({ pool, now }: Pick<MetricParts, 'pool' | 'now'>, tenantId: string): Promise<Millis> {
  return Math.min(now, (await loadUncounted(pool, tenantId)) ?? now);
}

async function readCosts(
  { pool, now, periods }: MetricParts,
  query: MetricQuery,
  segments: readonly Segment[],
  by: 'channel' | 'notification_type' = 'channel',
): Promise<CostSum[] | null> {
  const { tenantId, type, channel, provider, account } = query;
  if (FURTHER.some((name) => name !== 'provider' && query[name] !== undefined)) return null;
  const sender = provider === undefined ? undefined : { provider, ...(account === undefined ? {} : { account }) };
  const filter = { tenantId, ...(type === undefined ? {} : { type }), ...(channel === undefined ? {} : { channel }) };
  // Costs are not kept by the minute: the hours of these minutes.
  const [first, last] = [segments[0], segments.at(-1)];
  if (!first || !last) return [];
  const { segments: hours } = coverSpan({ from: first.from, to: last.to }, { now, periods, finest: 'hour' });
  return sumCosts(pool, by, filter, sender, hours);
}

function addCosts(costs: readonly CostSum[]): Cost[] {
  const sums = new Map<string, number>();
  for (const { currency, amount } of costs) sums.set(currency, (sums.get(currency) ?? 0) + amount);
  return Array.from(sums, ([currency, amount]) => ({ currency, amount: Number(amount.toFixed(6)) }));
}

/** Returns the finest grain that makes a chart of a span, of those that are kept. */
function chooseGrain(parts: MetricParts, from: Millis, to: Millis, dimension: Dimension): Grain {
  const grains: Grain[] = MINUTE_DIMENSIONS.includes(dimension) ? ['minute', 'hour', 'day'] : ['hour', 'day'];
  return grains.find((grain) => isKept(parts, grain, from) && countBuckets(grain, from, to) <= USUAL_POINTS) ?? 'week';
}

/** Returns whether the sums of a grain are there from a time on. */
function isKept({ now, periods }: MetricParts, grain: Grain, from: Millis): boolean {
  const period = periods[grain];
  return period === null || floorTo(grain, from) >= now - period;
}

function requireGrain(
  parts: MetricParts,
  grain: Grain,
  dimension: Dimension,
  from: Millis,
  to: Millis,
  { name, max } = { name: 'grain', max: MAX_POINTS },
): void {
  if (grain === 'minute' && !MINUTE_DIMENSIONS.includes(dimension))
    throw invalid(name, `Metrics by ${dimension} are kept by the hour, not by the minute; write hour.`);
  const points = countBuckets(grain, from, to);
  if (points > max)
    throw invalid(name, `This would be ${points} points, more than ${max}; ask for a coarser grain or less time.`);
  if (grain === 'day' || grain === 'week' || isKept(parts, grain, from)) return;
  const first = isoTime(ceilTo(grain, parts.now - (parts.periods[grain] ?? 0)));
  throw invalid(name, `Metrics by the ${grain} are kept from ${first} on; ask for a coarser grain or a later start.`);
}

function invalid(pointer: string, message: string): TidingsError {
  return new TidingsError('invalid_request', message, { pointer });
}
