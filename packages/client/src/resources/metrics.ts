import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type {
  ChannelMetrics,
  ExperimentResults,
  HeldUser,
  MetricAnomalies,
  MetricFunnel,
  MetricGroups,
  MetricReasons,
  MetricSeries,
  MetricSummary,
} from '../types.ts';

/** Sums over time of what was decided, sent and reported. */
export class Metrics extends Resource {
  /** Returns the sums, rates and costs of a span; absent: of the last 30 days. */
  summary(query: Query<'getMetricSummary'> = {}, options?: CallOptions): Promise<MetricSummary> {
    return this.request('get', '/api/v1/metrics/summary', { query }, options);
  }

  /** Compares channels. */
  channels(query: Query<'getChannelMetrics'> = {}, options?: CallOptions): Promise<ChannelMetrics> {
    return this.request('get', '/api/v1/metrics/channels', { query }, options);
  }

  /** Compares notification types, or what `by` names. */
  groups(query: Query<'getMetricGroups'> = {}, options?: CallOptions): Promise<MetricGroups> {
    return this.request('get', '/api/v1/metrics/groups', { query }, options);
  }

  /** Returns the sums of each minute, hour, day or week, also of those in which nothing happened. */
  series(query: Query<'getMetricSeries'> = {}, options?: CallOptions): Promise<MetricSeries> {
    return this.request('get', '/api/v1/metrics/series', { query }, options);
  }

  /** Returns how many messages each reason held back. */
  reasons(query: Query<'getMetricReasons'> = {}, options?: CallOptions): Promise<MetricReasons> {
    return this.request('get', '/api/v1/metrics/reasons', { query }, options);
  }

  /** Lists the users that a reason held something back from, with the decision or message. */
  heldUsers(query: Query<'listHeldUsers'>, options?: CallOptions): Listing<HeldUser> {
    return this.pages('/api/v1/metrics/reasons/users', 'users', { query }, options);
  }

  /** Returns how many came how far, from the decision to the goal. */
  funnel(query: Query<'getMetricFunnel'> = {}, options?: CallOptions): Promise<MetricFunnel> {
    return this.request('get', '/api/v1/metrics/funnel', { query }, options);
  }

  /** Compares the variants of rules that divide their users, by the goal. */
  experiments(query: Query<'getExperiments'> = {}, options?: CallOptions): Promise<ExperimentResults> {
    return this.request('get', '/api/v1/metrics/experiments', { query }, options);
  }

  /** Returns the types of notifications and events that are quiet, or have three times their usual volume. */
  anomalies(options?: CallOptions): Promise<MetricAnomalies> {
    return this.request('get', '/api/v1/metrics/anomalies', {}, options);
  }
}
