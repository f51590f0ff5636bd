import type { Millis } from '../model/event.ts';
import { COUNTERS, type Counter, LATENCY_BOUNDS_MS } from '../store/metrics/counters.ts';
import type { MetricSums } from '../store/metrics/read-rollups.ts';

/** Numbers that are made of sums. A rate is null where it would be of nothing. */
export type MetricValues = Readonly<Record<Shown, number>> & MetricRates;

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

/** Sums of nothing. */
export const NO_SUMS: MetricSums = {
  ...(Object.fromEntries(COUNTERS.map((counter) => [counter, 0])) as Record<Counter, number>),
  latencies: [...LATENCY_BOUNDS_MS, 0].map(() => 0),
};

/** Returns counters, rates and times of sums. */
export function toMetricValues(sums: MetricSums): MetricValues {
  const out = sums.sent + sums.sandboxed;
  const { dead, delivered, bounced, failed } = sums;
  const counters: { [counter in Shown]?: number } = {};
  for (const counter of SHOWN) counters[counter] = sums[counter];
  const rates: MetricRates = {
    error_rate: rate(dead + bounced + failed, out + dead),
    delivery_rate: rate(delivered, out),
    open_rate: rate(sums.opened, delivered),
    click_rate: rate(sums.clicked, delivered),
    read_rate: rate(sums.read, delivered),
    bounce_rate: rate(bounced, out),
    complaint_rate: rate(sums.complained, delivered),
    unsubscribe_rate: rate(sums.unsubscribed, delivered),
    goal_rate: rate(sums.goals, sums.decided),
    avg_delivery_time_ms: out === 0 ? null : Math.round(sums.latency_ms / out),
    p50_delivery_time_ms: quantile(sums.latencies, 0.5),
    p95_delivery_time_ms: quantile(sums.latencies, 0.95),
  };
  // A year has hundreds of points: spreading both into a literal takes ten times as long.
  return Object.assign(counters as Record<Shown, number>, rates);
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
