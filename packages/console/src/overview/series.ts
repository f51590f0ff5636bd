/* Sums over time as charts draw them. */
import type { MetricGroups, MetricSeries } from '@tidings/client/types';
import { getLocale, t } from '../text/text.ts';

export type Values = MetricSeries['points'][number]['metrics'];
export type TypeSums = MetricGroups['groups'][number];

/** A part of a bar: an outcome and its color. No list has just what it counts: messages count when they end, also those without a delivery. */
export interface Outcome {
  readonly key: string;
  readonly label: string;
  readonly color: string;
  readonly count: (values: Values) => number;
}

/** Times (ISO 8601) between which messages are counted. */
export interface Span {
  readonly since: string;
  readonly until: string;
}

/** Returns the span of the point of a series at this time: until the next point. */
export function spanOf({ points, to }: MetricSeries, at: string): Span {
  const next = points[points.findIndex((point) => point.at === at) + 1];
  return { since: at, until: next?.at ?? to };
}

/** Messages of which a receipt says that they failed after a provider had accepted them. */
const countReturned = ({ bounced, failed }: Values) => (bounced ?? 0) + (failed ?? 0);

/** Messages that a provider accepted, or the sandbox kept; null: not known. */
export const countOut = ({ sent, sandboxed }: Values): number | null =>
  sent === null || sandboxed === null ? null : sent + sandboxed;

/** From the bottom of a bar to its top. Only what is known to have arrived is green. */
export const OUTCOMES: readonly Outcome[] = [
  {
    key: 'delivered',
    label: t('Delivered'),
    color: 'teal-7',
    count: ({ delivered }) => delivered ?? 0,
  },
  {
    key: 'sent',
    label: t('Sent, no receipt yet'),
    color: 'ink-4',
    count: (values) => Math.max(0, (values.sent ?? 0) - (values.delivered ?? 0) - countReturned(values)),
  },
  {
    key: 'sandboxed',
    label: t('Kept in the sandbox'),
    color: 'violet-4',
    count: ({ sandboxed }) => sandboxed ?? 0,
  },
  {
    key: 'stopped',
    label: t('Dropped or cancelled'),
    color: 'gray-5',
    count: ({ dropped, cancelled }) => (dropped ?? 0) + (cancelled ?? 0),
  },
  {
    key: 'doubt',
    label: t('In doubt'),
    color: 'grape-5',
    count: ({ in_doubt }) => in_doubt ?? 0,
  },
  {
    key: 'failed',
    label: t('Failed'),
    color: 'red-6',
    count: (values) => countFailed(values),
  },
];

/** Messages that reached no one although they should have. */
export function countFailed(values: Values): number {
  return (values.dead ?? 0) + (values.undeliverable ?? 0) + countReturned(values);
}

/** Messages that a provider accepted and that did not come back. */
export function countSent(values: Values): number {
  return Math.max(0, (values.sent ?? 0) - countReturned(values));
}

/** Formats a number in few characters: 1,234 or 12.3k. Null: it is not known. */
export function formatNumber(value: number | null): string {
  if (value === null) return '–';
  const isLarge = Math.abs(value) >= 100_000;
  return value.toLocaleString(getLocale(), isLarge ? { notation: 'compact', maximumFractionDigits: 1 } : {});
}
