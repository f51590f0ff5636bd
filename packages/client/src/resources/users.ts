import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type {
  CodeBody,
  Erasure,
  ErasureBody,
  Explanation,
  Forecast,
  MergeBody,
  NewAddress,
  NewToken,
  Reveal,
  RevealedAddresses,
  SentCode,
  StoredEvent,
  User,
  UserAddress,
  UserAddresses,
  UserAudit,
  UserBody,
  UserDetails,
  UserMerge,
  UserPage,
  UserSearch,
  UsersBody,
  UsersResult,
  UserToken,
  VerifyBody,
} from '../types.ts';

export class Users extends Resource {
  /** Lists users, or those whose id begins with `prefix` or has `contains` in it, or whose name begins with `name`. */
  list(query: Query<'findUsers'> = {}, options?: CallOptions): Listing<User> {
    return this.pages('/api/v1/users', 'users', { query }, options);
  }

  /** Finds the users who have an address; the first 100. */
  search(address: UserSearch, options?: CallOptions): Promise<UserPage> {
    return this.request('post', '/api/v1/users/search', { body: address }, options);
  }

  /** Returns a user, with addresses masked. */
  get(userId: string, options?: CallOptions): Promise<UserDetails> {
    return this.request('get', '/api/v1/users/{user_id}', { path: { user_id: userId } }, options);
  }

  /** Replaces all traits of a user; those that are left out become null. */
  put(userId: string, user: UserBody, options?: CallOptions): Promise<UserDetails> {
    return this.request('put', '/api/v1/users/{user_id}', { path: { user_id: userId }, body: user }, options);
  }

  /** Sets some traits of a user; the others stay. */
  patch(userId: string, user: UserBody, options?: CallOptions): Promise<UserDetails> {
    return this.request('patch', '/api/v1/users/{user_id}', { path: { user_id: userId }, body: user }, options);
  }

  /** Sets traits of up to 1,000 users, with a result for each. */
  putMany(users: UsersBody, options?: CallOptions): Promise<UsersResult> {
    return this.request('post', '/api/v1/users/bulk', { body: users }, options);
  }

  /** Returns what a user will get if nothing else happens, with what holds it back at present. */
  forecast(userId: string, query: Query<'forecastUser'> = {}, options?: CallOptions): Promise<Forecast> {
    return this.request('get', '/api/v1/users/{user_id}/forecast', { path: { user_id: userId }, query }, options);
  }

  /** Merges a user into another, who is `into`. It cannot be undone. */
  merge(userId: string, body: MergeBody, options?: CallOptions): Promise<UserMerge> {
    return this.request('post', '/api/v1/users/{user_id}/merge', { path: { user_id: userId }, body }, options);
  }

  /** Begins to erase everything about a user. It cannot be undone. */
  erase(userId: string, body?: ErasureBody, options?: CallOptions): Promise<Erasure> {
    return this.request('post', '/api/v1/users/{user_id}/erase', { path: { user_id: userId }, body }, options);
  }

  /** Returns how far an erasure has come. */
  erasure(erasureId: string, options?: CallOptions): Promise<Erasure> {
    return this.request('get', '/api/v1/erasures/{id}', { path: { id: erasureId } }, options);
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

  /** Sends a code to an address, by a notification of a type of the catalog. */
  verifyAddress(userId: string, addressId: string, body: VerifyBody, options?: CallOptions): Promise<SentCode> {
    const path = { user_id: userId, address_id: addressId };
    return this.request('post', '/api/v1/users/{user_id}/addresses/{address_id}/verify', { path, body }, options);
  }

  /** Verifies an address by the code that was sent to it. */
  confirmAddress(userId: string, addressId: string, body: CodeBody, options?: CallOptions): Promise<UserAddress> {
    const path = { user_id: userId, address_id: addressId };
    const url = '/api/v1/users/{user_id}/addresses/{address_id}/verify/confirm';
    return this.request('post', url, { path, body }, options);
  }

  /** Removes an address; if messages went to it, they go to the next of its kind. */
  removeAddress(userId: string, addressId: string, options?: CallOptions): Promise<UserAddress> {
    const path = { user_id: userId, address_id: addressId };
    return this.request('delete', '/api/v1/users/{user_id}/addresses/{address_id}', { path }, options);
  }
}
