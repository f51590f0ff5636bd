import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type { Me as Myself, OwnNotification } from '../types.ts';

/** The user of a token; other credentials are rejected. */
export class Me extends Resource {
  get(options?: CallOptions): Promise<Myself> {
    return this.request('get', '/api/v1/me', {}, options);
  }

  /** Lists the notifications of the user, newest first. */
  notifications(query: Query<'listOwnNotifications'> = {}, options?: CallOptions): Listing<OwnNotification> {
    return this.pages('/api/v1/me/notifications', 'notifications', { query }, options);
  }
}
