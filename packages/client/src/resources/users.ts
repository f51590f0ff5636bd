import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type {
  Explanation,
  NewAddress,
  NewToken,
  Reveal,
  RevealedAddresses,
  StoredEvent,
  User,
  UserAddress,
  UserAddresses,
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

  /** Returns the addresses of a user, masked; the one of each kind that receives comes first. */
  addresses(userId: string, options?: CallOptions): Promise<UserAddresses> {
    return this.request('get', '/api/v1/users/{user_id}/addresses', { path: { user_id: userId } }, options);
  }

  /** Adds an address beside that of the traits; one that is there already stays. */
  addAddress(userId: string, address: NewAddress, options?: CallOptions): Promise<UserAddress> {
    const path = { user_id: userId };
    return this.request('post', '/api/v1/users/{user_id}/addresses', { path, body: address }, options);
  }

  /** Makes an address the one of its kind that messages go to. */
  makeAddressPrimary(userId: string, addressId: string, options?: CallOptions): Promise<UserAddress> {
    const path = { user_id: userId, address_id: addressId };
    return this.request('post', '/api/v1/users/{user_id}/addresses/{address_id}/primary', { path }, options);
  }

  /** Removes an address; if messages went to it, they go to the next of its kind. */
  removeAddress(userId: string, addressId: string, options?: CallOptions): Promise<UserAddress> {
    const path = { user_id: userId, address_id: addressId };
    return this.request('delete', '/api/v1/users/{user_id}/addresses/{address_id}', { path }, options);
  }
}
