import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type { Delivery, DeliveryCounts, Message, QueueState, Reveal, RevealedMessage } from '../types.ts';

export class Deliveries extends Resource {
  /** Lists deliveries by a filter, newest first; `status: 'dead'` lists the dead letters. */
  list(query: Query<'listDeliveries'> = {}, options?: CallOptions): Listing<Delivery> {
    return this.pages('/api/v1/deliveries', 'deliveries', { query }, options);
  }

  /** Counts deliveries by status, type, channel, provider and reason. */
  counts(query: Query<'countDeliveries'> = {}, options?: CallOptions): Promise<DeliveryCounts> {
    return this.request('get', '/api/v1/deliveries/counts', { query }, options);
  }

  /** Returns the message that was sent, while it is kept. */
  message(id: string, options?: CallOptions): Promise<Message> {
    return this.request('get', '/api/v1/deliveries/{id}/message', { path: { id } }, options);
  }

  /** Returns the message with the addresses that are masked otherwise. The reason goes to the audit log. */
  reveal(id: string, reason: Reveal, options?: CallOptions): Promise<RevealedMessage> {
    return this.request('post', '/api/v1/deliveries/{id}/reveal', { path: { id }, body: reason }, options);
  }

  /** Queues a dead delivery again. */
  retry(id: string, options?: CallOptions): Promise<Delivery> {
    return this.request('post', '/api/v1/deliveries/{id}/retry', { path: { id } }, options);
  }

  /** Cancels a queued delivery. */
  cancel(id: string, options?: CallOptions): Promise<Delivery> {
    return this.request('post', '/api/v1/deliveries/{id}/cancel', { path: { id } }, options);
  }

  /** Returns what is queued, and which providers are not asked at the moment. */
  queue(options?: CallOptions): Promise<QueueState> {
    return this.request('get', '/api/v1/queue', {}, options);
  }
}
