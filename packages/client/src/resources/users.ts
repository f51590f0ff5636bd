import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type {
  Explanation,
  NewToken,
  Reveal,
  RevealedAddresses,
  StoredEvent,
  User,
  UserAudit,
  UserToken,
} from '../types.ts';

export class Users extends Resource {
  /** Lists users, or those whose id begins with a `prefix`. */
  list(query: Query<'findUsers'> = {}, options?: CallOptions): Listing<User> {
    return this.pages('/api/v1/users', 'users', { query }, options);
  }

  /** Returns the profile, decisions and notifications of a user beside a page of events, newest first. */
  audit(userId: string, query: Query<'getUserAudit'> = {}, options?: CallOptions): Promise<UserAudit> {
    return this.request('get', '/api/v1/audit/{user_id}', { path: { user_id: userId }, query }, options);
  }

  /** Lists the events of a user, newest first: all pages of the audit. */
  events(userId: string, query: Query<'getUserAudit'> = {}, options?: CallOptions): Listing<StoredEvent> {
    return this.pages('/api/v1/audit/{user_id}', 'recent_events', { path: { user_id: userId }, query }, options);
  }

  /** Says why a user did or did not get a notification. */
  explain(userId: string, notificationType: string, options?: CallOptions): Promise<Explanation> {
    const path = { user_id: userId, notification_type: notificationType };
    return this.request('get', '/api/v1/explain/{user_id}/{notification_type}', { path }, options);
  }

  /** Makes a short-lived token with which a user reaches `me`, and nothing else. */
  createToken(userId: string, token?: NewToken, options?: CallOptions): Promise<UserToken> {
    const path = { user_id: userId };
    return this.request('post', '/api/v1/users/{user_id}/tokens', { path, body: token }, options);
  }

  /** Returns addresses of a user unmasked. The reason goes to the audit log. */
  reveal(userId: string, reason: Reveal, options?: CallOptions): Promise<RevealedAddresses> {
    const path = { user_id: userId };
    return this.request('post', '/api/v1/users/{user_id}/reveal', { path, body: reason }, options);
  }
}
