/* Sums over time as charts draw them. */
import type { MetricGroups, MetricSeries } from '@tidings/client/types';
import { linkToDeadLetters, linkToDeliveries, linkToNotifications } from '../route.ts';

export type Values = MetricSeries['points'][number]['metrics'];
export type TypeSums = MetricGroups['groups'][number];

/** A part of a bar: an outcome, its color, and the page that lists what it counts. */
export interface Outcome {
  readonly key: string;
  readonly label: string;
  readonly color: string;
  readonly href: string;
  readonly count: (values: Values) => number;
}

/** Messages of which a receipt says that they failed after a provider had accepted them. */
const countReturned = ({ bounced, failed }: Values) => bounced + failed;

/** From the bottom of a bar to its top. Only what is known to have arrived is green. */
export const OUTCOMES: readonly Outcome[] = [
  {
    key: 'delivered',
    label: 'Delivered',
    color: 'teal-7',
    href: linkToDeliveries('sent'),
    count: ({ delivered }) => delivered,
  },
  {
    key: 'sent',
    label: 'Sent, no receipt yet',
    color: 'ink-4',
    href: linkToDeliveries('sent'),
    count: (values) => Math.max(0, values.sent - values.delivered - countReturned(values)),
  },
  {
    key: 'sandboxed',
    label: 'Kept in the sandbox',
    color: 'violet-4',
    href: linkToDeliveries('sandboxed'),
    count: ({ sandboxed }) => sandboxed,
  },
  {
    key: 'stopped',
    label: 'Dropped or cancelled',
    color: 'gray-5',
    href: linkToDeliveries('dropped'),
    count: ({ dropped, cancelled }) => dropped + cancelled,
  },
  {
    key: 'doubt',
    label: 'In doubt',
    color: 'grape-5',
    href: linkToDeliveries('in_doubt'),
    count: ({ in_doubt }) => in_doubt,
  },
  {
    key: 'failed',
    label: 'Failed',
    color: 'red-6',
    href: linkToDeadLetters(null),
    count: (values) => countFailed(values),
  },
];

/** Messages that reached no one although they should have. */
export function countFailed(values: Values): number {
  return values.dead + values.undeliverable + countReturned(values);
}

/** Messages that a provider accepted and that did not come back. */
export function countSent(values: Values): number {
  return Math.max(0, values.sent - countReturned(values));
}

/** Page of everything that was decided. */
export const DECIDED_LINK = linkToNotifications(null);

/** Formats a number in few characters: 1,234 or 12.3k. */
export function formatNumber(value: number): string {
  const isLarge = Math.abs(value) >= 100_000;
  return value.toLocaleString(undefined, isLarge ? { notation: 'compact', maximumFractionDigits: 1 } : {});
}
