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

  /** Posts one again with a JSON merge patch (RFC 7396). `compute`: expressions (CEL) that give values, by the paths of their fields. */
  correct(
    id: string,
    patch: NonNullable<Correction['patch']>,
    compute?: NonNullable<Correction['compute']>,
    options?: CallOptions,
  ): Promise<IngestResult> {
    return this.request(
      'post',
      '/api/v1/events/rejected/{id}/correct',
      { path: { id }, body: { patch, ...(compute && { compute }) } },
      options,
      REJECTED,
    );
  }

  /** Deletes one without ingesting it. `reason`: for the audit log. */
  dismiss(id: string, reason?: string, options?: CallOptions): Promise<DismissedEvent> {
    const body = reason === undefined ? undefined : { reason };
    return this.request('post', '/api/v1/events/rejected/{id}/dismiss', { path: { id }, body }, options);
  }
}
