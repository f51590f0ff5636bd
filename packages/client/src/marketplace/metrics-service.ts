import type { CallOptions } from '../connection.ts';
import type { Tidings } from '../tidings.ts';
import type { MetricValues } from '../types.ts';
import type { NotificationChannel } from './enums.ts';

/** Span of time, and the channel; absent: all channels. */
export interface MetricsQuery {
  readonly dateFrom: Date;
  readonly dateTo: Date;
  readonly channel?: NotificationChannel;
}

/** Performance of one channel. */
export interface ChannelPerformance {
  readonly channel: string;
  /** Share of failed messages among those sent or failed, from 0 to 1. Null: there is no such message. */
  readonly errorRate: number | null;
  /** From the decision until a provider accepted the message, in ms. Null: no message was. */
  readonly avgDeliveryTime: number | null;
  /** Cost of its messages, in the currency that most of it is in; 0: no costs are known. */
  readonly cost: number;
  /** By currency. */
  readonly costs: readonly { readonly currency: string; readonly amount: number }[];
}

/** One point of a series. */
export interface TimeSeriesPoint {
  /** Its start. */
  readonly timestamp: Date;
  readonly metrics: MetricValues;
}

/** Reads what was sent, delivered, opened and clicked. */
export class MetricsService {
  readonly #tidings: Tidings;

  constructor(tidings: Tidings) {
    this.#tidings = tidings;
  }

  /** Returns the sums of a span. */
  async getMetrics(query: MetricsQuery, options?: CallOptions): Promise<MetricValues> {
    return (await this.#tidings.metrics.summary(toQuery(query), options)).metrics;
  }

  /** Compares the channels by which something was planned in a span. */
  async getChannelPerformance(query: MetricsQuery, options?: CallOptions): Promise<ChannelPerformance[]> {
    const { channels } = await this.#tidings.metrics.channels(toQuery(query), options);
    return channels.map(({ channel, metrics, costs: known }) => {
      const costs = known ?? [];
      return {
        channel,
        errorRate: metrics.error_rate,
        avgDeliveryTime: metrics.avg_delivery_time_ms,
        cost: Math.max(0, ...costs.map(({ amount }) => amount)),
        costs,
      };
    });
  }

  /** Returns the sums of each hour, day or week of a span; weeks begin on Monday, all in UTC. */
  async getTimeSeriesData(
    query: MetricsQuery,
    grain: 'minute' | 'hour' | 'day' | 'week',
    options?: CallOptions,
  ): Promise<TimeSeriesPoint[]> {
    const { points } = await this.#tidings.metrics.series({ ...toQuery(query), grain }, options);
    return points.map(({ at, metrics }) => ({ timestamp: new Date(at), metrics }));
  }
}

function toQuery({ dateFrom, dateTo, channel }: MetricsQuery) {
  return { from: dateFrom.toISOString(), to: dateTo.toISOString(), ...(channel === undefined ? {} : { channel }) };
}
