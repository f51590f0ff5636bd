import type { CallOptions } from '../connection.ts';
import { inParts } from '../in-parts.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type { ChangedListMembers, List, ListChange, ListMemberPage, NewList } from '../types.ts';

/** Users of one request. */
const MAX_USERS = 10_000;

/** Named sets of users. */
export class Lists extends Resource {
  /** Lists the lists, by name. */
  list(query: Query<'listLists'> = {}, options?: CallOptions): Listing<List> {
    return this.pages('/api/v1/lists', 'lists', { query }, options);
  }

  create(list: NewList, options?: CallOptions): Promise<List> {
    return this.request('post', '/api/v1/lists', { body: list }, options);
  }

  get(id: string, options?: CallOptions): Promise<List> {
    return this.request('get', '/api/v1/lists/{id}', { path: { id } }, options);
  }

  /** Changes the name or description. */
  update(id: string, change: ListChange, options?: CallOptions): Promise<List> {
    return this.request('patch', '/api/v1/lists/{id}', { path: { id }, body: change }, options);
  }

  /** Deletes a list; its users stay. */
  delete(id: string, options?: CallOptions): Promise<List> {
    return this.request('delete', '/api/v1/lists/{id}', { path: { id } }, options);
  }

  /** Lists the members, in the order of their ids. */
  members(
    id: string,
    query: Query<'listMembersOfList'> = {},
    options?: CallOptions,
  ): Listing<ListMemberPage['members'][number]> {
    return this.pages('/api/v1/lists/{id}/members', 'members', { path: { id }, query }, options);
  }

  /** Adds users, 10,000 at a time; those who are members already stay. */
  addMembers(
    id: string,
    userIds: Iterable<string> | AsyncIterable<string>,
    options?: CallOptions,
  ): Promise<ChangedListMembers> {
    return this.#change(userIds, (user_ids) =>
      this.request('post', '/api/v1/lists/{id}/members', { path: { id }, body: { user_ids } }, options),
    );
  }

  /** Removes users, 10,000 at a time. */
  removeMembers(
    id: string,
    userIds: Iterable<string> | AsyncIterable<string>,
    options?: CallOptions,
  ): Promise<ChangedListMembers> {
    return this.#change(userIds, (user_ids) =>
      this.request('post', '/api/v1/lists/{id}/members/remove', { path: { id }, body: { user_ids } }, options),
    );
  }

  async #change(
    userIds: Iterable<string> | AsyncIterable<string>,
    send: (userIds: string[]) => Promise<ChangedListMembers>,
  ): Promise<ChangedListMembers> {
    let total: ChangedListMembers = { changed: 0, unchanged: 0, members: 0 };
    for await (const part of inParts(userIds, MAX_USERS)) {
      const { changed, unchanged, members } = await send(part);
      total = { changed: total.changed + changed, unchanged: total.unchanged + unchanged, members };
    }
    return total;
  }
}
