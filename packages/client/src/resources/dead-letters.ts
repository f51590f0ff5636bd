import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type { DeadLetterGroup, DeadLetterPage } from '../types.ts';

/** Deliveries that failed, by the reason. `jobs.start` with `dead_letters.retry`, `dead_letters.cancel` or `dead_letters.suppress` works on a group. */
export class DeadLetters extends Resource {
  /** Lists groups: what failed for the same reason, whose fault it is, and what to do. */
  list(query: Query<'listDeadLetters'> = {}, options?: CallOptions): Listing<DeadLetterGroup> {
    return this.pages('/api/v1/dead-letters', 'groups', { query }, options);
  }

  /** Returns a group with a page of its dead letters, the latest first. */
  get(group: string, query: Query<'getDeadLetters'> = {}, options?: CallOptions): Promise<DeadLetterPage> {
    return this.request('get', '/api/v1/dead-letters/{group}', { path: { group }, query }, options);
  }
}
