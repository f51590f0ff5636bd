import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type { CancelledWait, RetriedWait, Wait, WaitingByRule } from '../types.ts';

/** Waits of users for what a rule expects next. */
export class Waits extends Resource {
  list(query: Query<'listWaits'> = {}, options?: CallOptions): Listing<Wait> {
    return this.pages('/api/v1/waits', 'waits', { query }, options);
  }

  /** Counts the pending waits of each rule, with what is due and overdue. */
  countByRule(options?: CallOptions): Promise<WaitingByRule> {
    return this.request('get', '/api/v1/waits/rules', {}, options);
  }

  cancel(id: string, options?: CallOptions): Promise<CancelledWait> {
    return this.request('post', '/api/v1/waits/{id}/cancel', { path: { id } }, options);
  }

  /** Has a wait tried again that is set aside. */
  retry(id: string, options?: CallOptions): Promise<RetriedWait> {
    return this.request('post', '/api/v1/waits/{id}/retry', { path: { id } }, options);
  }
}
