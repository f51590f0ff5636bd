import type { MetricPeriods } from '../store/metrics/counters.ts';
import { DAY_MS } from '../time/iso-time.ts';

/** Time for which metrics are kept, as the retention policy says when nothing is set. */
export const KEPT_METRICS: MetricPeriods = { minute: 2 * DAY_MS, hour: 90 * DAY_MS, day: null, week: null };
