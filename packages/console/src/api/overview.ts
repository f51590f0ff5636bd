import type {
  CurrentProblems,
  MetricAnomalies,
  MetricGroups,
  MetricSeries,
  MetricSummary,
  SearchResults,
  WaitingByRule,
} from '@tidings/client/types';
import { buildQuery, callApi } from './call.ts';

/** Returns what is wrong at present. */
export const getProblems = (): Promise<CurrentProblems> => callApi('problems');

/** Finds things by a text, which goes in the body: it may be an address, and URLs are logged. */
export const search = (text: string): Promise<SearchResults> => callApi('search', 'POST', { text });

const spanOf = (from: number, to: number) => ({
  from: new Date(from).toISOString(),
  to: new Date(to).toISOString(),
});

/** Returns what happened in a span, over time. Times in ms. `grain` null: one that fits. */
export const getSeries = (from: number, to: number, grain: 'minute' | 'hour' | 'day' | null): Promise<MetricSeries> =>
  callApi(`metrics/series?${buildQuery({ ...spanOf(from, to), grain })}`);

/** Returns the sums of a span. Times in ms. */
export const getSummary = (from: number, to: number): Promise<MetricSummary> =>
  callApi(`metrics/summary?${buildQuery(spanOf(from, to))}`);

/** Returns the sums of each notification type in a span, the largest first. Times in ms. */
export const getTypes = (from: number, to: number): Promise<MetricGroups> =>
  callApi(`metrics/groups?${buildQuery({ ...spanOf(from, to), by: 'type' })}`);

/** Returns the sums of each account with a provider in a span. Times in ms. */
export const getAccountMetrics = (from: number, to: number): Promise<MetricGroups> =>
  callApi(`metrics/groups?${buildQuery({ ...spanOf(from, to), by: 'provider' })}`);

/** Returns the types with an unusual volume. */
export const getAnomalies = (): Promise<MetricAnomalies> => callApi('metrics/anomalies');

export const getWaiting = (): Promise<WaitingByRule> => callApi('waits/rules');
