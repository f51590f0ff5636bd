import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type { Correction, DismissedEvent, Event, IngestResult, RejectedEvent, RejectedGroups } from '../types.ts';
import { REJECTED } from './events.ts';

/** Rejected events, which are kept until they are corrected or dismissed. */
export class Rejected extends Resource {
  list(query: Query<'listRejectedEvents'> = {}, options?: CallOptions): Listing<RejectedEvent> {
    return this.pages('/api/v1/events/rejected', 'rejected', { query }, options);
  }

  /** Counts them by event type, code and path. */
  groups(options?: CallOptions): Promise<RejectedGroups> {
    return this.request('get', '/api/v1/events/rejected/groups', {}, options);
  }

  /** Posts one again: as it was, or as `event`. If it is rejected again, the result says why. */
  retry(id: string, event?: Event, options?: CallOptions): Promise<IngestResult> {
    return this.request('post', '/api/v1/events/rejected/{id}/retry', { path: { id }, body: event }, options, REJECTED);
  }

  /** Posts one again with a JSON merge patch (RFC 7396). */
  correct(id: string, patch: Correction['patch'], options?: CallOptions): Promise<IngestResult> {
    return this.request(
      'post',
      '/api/v1/events/rejected/{id}/correct',
      { path: { id }, body: { patch } },
      options,
      REJECTED,
    );
  }

  dismiss(id: string, options?: CallOptions): Promise<DismissedEvent> {
    return this.request('post', '/api/v1/events/rejected/{id}/dismiss', { path: { id } }, options);
  }
}
