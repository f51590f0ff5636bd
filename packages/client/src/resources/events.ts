import type { CallOptions } from '../connection.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type { Activity, CloudEvent, DomainEvent, Event, IngestResult } from '../types.ts';

/** An event in the envelope of Tidings, a domain event, or a CloudEvent. */
export type EventInput = Event | DomainEvent | CloudEvent;

/** The response is a result also if every event of it is rejected. */
export const REJECTED = { status: 422, field: 'results' } as const;

export class Events extends Resource {
  /**
   * Posts an event, or up to 1,000 of them. The result says of each what became of it. A rejected event is no error: it does not
   * keep the others from being accepted, and stands in `rejected`.
   */
  send(events: EventInput | readonly EventInput[], options?: CallOptions): Promise<IngestResult> {
    const body = events as EventInput | EventInput[];
    return this.request('post', '/api/v1/events', { body }, options, REJECTED);
  }

  /** Returns the latest events of all users with their decisions, newest first. */
  latest(query: Query<'listActivity'> = {}, options?: CallOptions): Promise<Activity> {
    return this.request('get', '/api/v1/activity', { query }, options);
  }
}
