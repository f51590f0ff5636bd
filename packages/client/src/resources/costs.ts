import type { CallOptions } from '../connection.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type { CostSummary } from '../types.ts';

/** Costs of messages. */
export class Costs extends Resource {
  /** Returns sums by day, channel, provider, account and notification type, or by some of these. */
  get(query: Query<'getCosts'> = {}, options?: CallOptions): Promise<CostSummary> {
    return this.request('get', '/api/v1/costs', { query }, options);
  }
}
