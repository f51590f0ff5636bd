import type { Millis } from '../model/event.ts';
import { COUNTERS, type Counter, LATENCY_BOUNDS_MS } from '../store/metrics/counters.ts';
import type { MetricSums } from '../store/metrics/read-rollups.ts';
import type { IsKept } from './kept-counters.ts';

/**
 * Numbers that are made of sums. A rate is null where it would be of nothing. A counter is null where it is not known: what was asked
 * for does not keep it, or no message that was sent can have a receipt.
 */
export type MetricValues = Readonly<Record<Shown, number | null>> & MetricRates;

type Shown = Exclude<Counter, 'latency_ms'>;

export interface MetricRates {
  /** Share of those dead, bounced or reported as failed. */
  readonly error_rate: number | null;
  readonly delivery_rate: number | null;
  readonly open_rate: number | null;
  readonly click_rate: number | null;
  readonly read_rate: number | null;
  readonly bounce_rate: number | null;
  readonly complaint_rate: number | null;
  readonly unsubscribe_rate: number | null;
  readonly goal_rate: number | null;
  /** From the decision to the provider's acceptance. */
  readonly avg_delivery_time_ms: Millis | null;
  readonly p50_delivery_time_ms: Millis | null;
  readonly p95_delivery_time_ms: Millis | null;
}

const SHOWN = COUNTERS.filter((counter): counter is Shown => counter !== 'latency_ms');

const NO_RATES: MetricRates = {
  ...{ error_rate: null, delivery_rate: null, open_rate: null, click_rate: null, read_rate: null, bounce_rate: null },
  ...{ complaint_rate: null, unsubscribe_rate: null, goal_rate: null },
  ...{ avg_delivery_time_ms: null, p50_delivery_time_ms: null, p95_delivery_time_ms: null },
};

/** Names of all values, in their order. */
export const VALUE_NAMES: readonly string[] = [...SHOWN, ...Object.keys(NO_RATES)];

/** Sums of nothing. */
export const NO_SUMS: MetricSums = {
  ...(Object.fromEntries(COUNTERS.map((counter) => [counter, 0])) as Record<Counter, number>),
  latencies: [...LATENCY_BOUNDS_MS, 0].map(() => 0),
};

/** Counters of what receipts say. */
const OF_RECEIPTS: ReadonlySet<Counter> = new Set<Counter>([
  'delivered',
  'unconfirmed',
  'bounced',
  'failed',
  'complained',
  'opened',
  'clicked',
  'read',
  'unsubscribed',
]);

/** Returns counters, rates and times of sums. @param isKept whether the sums have a counter */
export function toMetricValues(sums: MetricSums, isKept: IsKept): MetricValues {
  const out = sums.sent + sums.sandboxed;
  const { dead, bounced, failed, delivered, confirmable } = sums;
  const isSilent = sums.sent > 0 && confirmable === 0 && delivered === 0;
  const counters: { [counter in Shown]?: number | null } = {};
  for (const counter of SHOWN)
    counters[counter] = isKept(counter) && !(isSilent && OF_RECEIPTS.has(counter)) ? sums[counter] : null;
  const rates: MetricRates = {
    error_rate: rate(dead + bounced + failed, out + dead),
    delivery_rate: rate(delivered, confirmable),
    open_rate: rate(sums.opened, delivered),
    click_rate: rate(sums.clicked, delivered),
    read_rate: rate(sums.read, delivered),
    bounce_rate: rate(bounced, confirmable),
    complaint_rate: rate(sums.complained, delivered),
    unsubscribe_rate: rate(sums.unsubscribed, delivered),
    goal_rate: rate(sums.goals, sums.aimed),
    avg_delivery_time_ms: out === 0 ? null : Math.round(sums.latency_ms / out),
    p50_delivery_time_ms: quantile(sums.latencies, 0.5),
    p95_delivery_time_ms: quantile(sums.latencies, 0.95),
  };
  // A year has hundreds of points: spreading both into a literal takes ten times as long.
  return Object.assign(counters as Record<Shown, number | null>, isKept('sent') ? rates : withoutMessages(rates));
}

/** Returns the rates of decisions alone. */
function withoutMessages({ goal_rate }: MetricRates): MetricRates {
  return { ...NO_RATES, goal_rate };
}

/** Returns a share; null: it would be of nothing. */
export function rate(part: number, of: number): number | null {
  return of <= 0 ? null : Math.round((part / of) * 1e6) / 1e6;
}

/**
 * Estimates a quantile from the classes of latency, as if those of a class were spread evenly; of the last class, which has no end,
 * it is the start. Null: there is no message.
 */
function quantile(latencies: readonly number[], share: number): Millis | null {
  const total = latencies.reduce((sum, count) => sum + count, 0);
  if (total <= 0) return null;
  let left = total * share;
  for (const [index, count] of latencies.entries()) {
    if (left <= count && count > 0) {
      const start = LATENCY_BOUNDS_MS[index - 1] ?? 0;
      const end = LATENCY_BOUNDS_MS[index] ?? start;
      return Math.round(start + ((end - start) * left) / count);
    }
    left -= count;
  }
  return LATENCY_BOUNDS_MS.at(-1) ?? null;
}
