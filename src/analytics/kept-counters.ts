import { COUNTERS, type Counter, type Dimension } from '../store/metrics/counters.ts';

/*
 * The counters that the sums of each dimension have. All others are unknown there, and no 0. docs/analytics.md has the same as a table.
 */

/** Counters of decisions and events, which concern no channel. */
const OF_DECISIONS: readonly Counter[] = ['events', 'decided', 'held', 'aimed', 'goals'];

/** Counters of a message from its first attempt on: what is known of it then, its end, and its receipts. */
const SINCE_ATTEMPT: readonly Counter[] = COUNTERS.filter(
  (counter) => !OF_DECISIONS.includes(counter) && counter !== 'planned' && counter !== 'dropped',
);

const WITHOUT_EVENTS: readonly Counter[] = COUNTERS.filter((counter) => counter !== 'events');

/** Counters by dimension. */
const KEPT: { readonly [dimension in Dimension]: readonly Counter[] } = {
  channel: COUNTERS,
  type: WITHOUT_EVENTS,
  provider: SINCE_ATTEMPT,
  locale: SINCE_ATTEMPT,
  variant: SINCE_ATTEMPT,
  version: COUNTERS,
  rule: ['decided', 'held', 'dropped', 'aimed', 'goals'],
  reason: ['held', 'undeliverable', 'dropped', 'dead', 'in_doubt', 'cancelled'],
  event: ['events'],
  cost: [],
  release: ['events', 'decided', 'held', 'aimed', 'goals'],
  experiment: ['decided', 'goals'],
};

/** Returns whether a sum is known. */
export type IsKept = (counter: Counter) => boolean;

/**
 * Returns which counters the sums of a dimension have.
 * @param ofChannel whether they are of one channel: no decision is
 * @param ofType whether they are of one notification type: no event is
 */
export function keptCounters(dimension: Dimension, ofChannel: boolean, ofType: boolean): IsKept {
  const kept = new Set(
    KEPT[dimension].filter(
      (counter) => !(ofChannel && OF_DECISIONS.includes(counter)) && !(ofType && counter === 'events'),
    ),
  );
  return (counter) => kept.has(counter);
}
