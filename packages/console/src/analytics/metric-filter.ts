/* The filter of metrics, as the address and the API have it. */
import type { MetricParameters } from '../api/metrics.ts';
import { toQuery, toTime } from '../filters/filter.ts';
import type { MetricFilter, TimeSpan } from '../route.ts';
import { getLocale, t } from '../text/text.ts';

/** Spans of time that are offered, by how long ago they begin. */
export const SPANS = {
  '24h': t('24 hours'),
  '7d': t('7 days'),
  '28d': t('28 days'),
  '90d': t('90 days'),
  '365d': t('1 year'),
} as const;
/** Start of the span if none is asked for. */
export const USUAL_SINCE = '7d';

/** Fields of which one at a time can be asked for: their sums are kept apart. */
export const KEPT_APART = ['locale', 'variant', 'version'] as const;

const ONE_DECIMAL = { minimumFractionDigits: 1, maximumFractionDigits: 1 } as const;

interface Filtered {
  readonly filter: MetricFilter;
}

/** Whether two drawings of a part of a page show the same: what else the address says, as an open drawer, does not concern it. */
export function hasSameFilter(before: Filtered, after: Filtered): boolean {
  return toQuery(before.filter) === toQuery(after.filter);
}

/** Returns how long ago the span begins, if it ends now; null: it is another one. */
export function toOffered({ since, until }: MetricFilter): string | null {
  return until === null ? (since ?? USUAL_SINCE) : null;
}

/** Returns the times that a filter asks for, in ms. What is no time counts as absent. @param now in ms */
export function toSpan({ since, until }: MetricFilter, now: number): { readonly from: number; readonly to: number } {
  const read = (text: string | null) => (text === null ? null : toTime(text, now));
  const end = read(until);
  const to = end === null ? now : Date.parse(end);
  const begin = read(since);
  return { from: Date.parse(begin ?? (toTime(USUAL_SINCE, to) as string)), to };
}

/** Returns the parameters of the API for what is asked for. @param now in ms */
export function toParameters(filter: MetricFilter, now: number): MetricParameters {
  const { type, channel, locale, variant, version } = filter;
  const { from, to } = toSpan(filter, now);
  return { type, channel, locale, variant, version, ...toTimes(from, to) };
}

/** Returns the same for the period of equal length before. */
export function toParametersBefore(filter: MetricFilter, now: number): MetricParameters {
  const { from, to } = toSpan(filter, now);
  return { ...toParameters(filter, now), ...toTimes(2 * from - to, from) };
}

const toTimes = (from: number, to: number) => ({
  from: new Date(from).toISOString(),
  to: new Date(to).toISOString(),
});

/** Returns a filter of this span. */
export function withSpan(filter: MetricFilter, { since, until }: TimeSpan): MetricFilter {
  return { ...filter, since, until };
}

/** Formats a rate: 12.3%. */
export function formatRate(rate: number | null): string {
  return rate === null ? '–' : rate.toLocaleString(getLocale(), { style: 'percent', ...ONE_DECIMAL });
}

/** Says what share a number is of another one: "12.3% of sent". @param of Stage of a message; of those that were sent `confirmable`, of those that were decided `aimed` */
export function formatShareOf(rate: number | null, of: string): string {
  return t(
    '{of, select, decided {{rate} of decided} planned {{rate} of planned} sent {{rate} of sent} delivered {{rate} of delivered} opened {{rate} of opened} confirmable {{rate} of sent with receipts} aimed {{rate} of decided with a goal} other {{rate} of {of}}}',
    { of, rate: formatRate(rate) },
  );
}

/** Formats a difference of rates in points: +1.2. */
export function formatPoints(difference: number): string {
  const isLess = difference < 0 && Math.round(1000 * -difference) > 0;
  return `${isLess ? '−' : '+'}${formatDecimal(Math.abs(100 * difference))}`;
}

/** Formats a number with one decimal: 1.2. */
export function formatDecimal(value: number): string {
  return value.toLocaleString(getLocale(), ONE_DECIMAL);
}

/** Says how much more or less a number is than before. */
export function describeChange(now: number, before: number): string {
  if (before === 0) return now === 0 ? t('none before either') : t('none before');
  const change = (now - before) / before;
  const sign = Math.round(100 * change) < 0 ? '−' : '+';
  return `${sign}${Math.abs(change).toLocaleString(getLocale(), { style: 'percent' })}`;
}

/** Returns what the filter of deliveries has of a filter of metrics. */
export const toDeliveryFilter = ({ type, channel, since, until }: MetricFilter) => ({
  ...{ type, channel, until },
  since: since ?? USUAL_SINCE,
});
