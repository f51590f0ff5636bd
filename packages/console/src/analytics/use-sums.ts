import { useQuery } from '@tanstack/react-query';
import { getSummaryOf } from '../api/metrics.ts';
import { toQuery } from '../filters/filter.ts';
import type { MetricFilter } from '../route.ts';
import { toParameters } from './metric-filter.ts';

const POLL_MS = 60_000;

/** Loads the sums of a filter; polled. */
export function useSums(filter: MetricFilter) {
  return useQuery({
    queryKey: ['metrics', 'summary', toQuery(filter)],
    queryFn: () => getSummaryOf(toParameters(filter, Date.now())),
    meta: { topics: ['metrics'], every: POLL_MS },
    placeholderData: (shown) => shown,
  });
}
