import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query, Result } from '../operation.ts';
import { Resource } from '../resource.ts';
import type { CorrelatedEntry, operations } from '../types.ts';

export class Decisions extends Resource {
  /** Returns the latest decisions of all users, newest first, or those since a time. */
  latest(
    query: Query<'listRecentDecisions'> = {},
    options?: CallOptions,
  ): Promise<Result<operations['listRecentDecisions']>> {
    return this.request('get', '/api/v1/decisions', { query }, options);
  }

  /** Lists what became of the events with a correlation id, newest first. */
  correlated(
    correlationId: string,
    query: Omit<Query<'findCorrelated'>, 'correlation_id'> = {},
    options?: CallOptions,
  ): Listing<CorrelatedEntry> {
    return this.pages('/api/v1/audit', 'entries', { query: { ...query, correlation_id: correlationId } }, options);
  }
}
