import type { CallOptions } from '../connection.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type { Activity, CloudEvent, DomainEvent, Event, IngestResult } from '../types.ts';

/** An event in the envelope of Tidings, a domain event, or a CloudEvent. */
export type EventInput = Event | DomainEvent | CloudEvent | PlainEvent | PlainDomainEvent | PlainCloudEvent;

/* The same three for values of interfaces and classes, which do not promise that every further field may be read. */

type PlainEvent = Pick<Event, 'event_id' | 'user_id' | 'event_type' | 'event_timestamp'> & {
  readonly properties?: object;
  readonly user_traits?: object;
};

type PlainDomainEvent = Pick<DomainEvent, 'eventType' | 'aggregateId' | 'data'> & { readonly metadata?: object | null };

type PlainCloudEvent = Pick<CloudEvent, 'specversion' | 'id' | 'source' | 'type' | 'time' | 'data' | 'datacontenttype'>;

/** The response is a result also if every event of it is rejected. */
export const REJECTED = { status: 422, field: 'results' } as const;

export class Events extends Resource {
  /**
   * Posts an event, or up to 1,000 of them. The result says of each what became of it. A rejected event is no error: it does not
   * keep the others from being accepted, and stands in `rejected`.
   */
  send(events: EventInput | readonly EventInput[], options?: CallOptions): Promise<IngestResult> {
    const body = events as Event | Event[];
    return this.request('post', '/api/v1/events', { body }, options, REJECTED);
  }

  /** Returns the latest events of all users with their decisions, newest first. */
  latest(query: Query<'listActivity'> = {}, options?: CallOptions): Promise<Activity> {
    return this.request('get', '/api/v1/activity', { query }, options);
  }
}
