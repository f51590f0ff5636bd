import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Path as PathOf, Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type { InboxItem, InboxItemChange, InboxMark, InboxMarked, paths } from '../types.ts';

const ITEM = '/api/v1/users/{user_id}/inbox/{notification_id}/{action}' satisfies PathOf;
type Action = paths[typeof ITEM]['post']['parameters']['path']['action'];
const MARK = '/api/v1/users/{user_id}/inbox/{mark}' satisfies PathOf;
type Mark = paths[typeof MARK]['post']['parameters']['path']['mark'];

/** Inboxes of users: their in-app messages. */
export class Inbox extends Resource {
  /** Lists the inbox of a user, the latest item first. */
  list(userId: string, query: Query<'listInbox'> = {}, options?: CallOptions): Listing<InboxItem> {
    return this.pages('/api/v1/users/{user_id}/inbox', 'items', { path: { user_id: userId }, query }, options);
  }

  /** Changes an item: `read`, `unread`, `seen`, `archive`, `unarchive`, `snooze` (with `until`) or `unsnooze`. */
  change(
    userId: string,
    notificationId: string,
    action: Action,
    change?: InboxItemChange,
    options?: CallOptions,
  ): Promise<InboxItem> {
    const path = { user_id: userId, notification_id: notificationId, action };
    return this.request('post', ITEM, { path, body: change }, options);
  }

  /** Marks all items, or those up to a sequence: `read-all` or `seen-all`. */
  mark(userId: string, mark: Mark, upTo?: InboxMark, options?: CallOptions): Promise<InboxMarked> {
    return this.request('post', MARK, { path: { user_id: userId, mark }, body: upTo }, options);
  }
}
