import type { CallOptions } from '../connection.ts';
import { inParts, toLines } from '../in-parts.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type { ChangedListMembers, List, ListChange, ListMemberPage, NewList } from '../types.ts';

/** Users of one request, and errors that are kept. */
const MAX_USERS = 10_000;
const MAX_ERRORS = 1000;

/** A line of an upload of members. */
export interface ImportedMember {
  readonly user_id: string;
}

/** A line that names no user. */
export interface MemberImportError {
  /** From 0. */
  readonly line: number;
  readonly code: string;
  readonly message: string;
}

/** Result of an upload of members. */
export interface MemberImport extends ChangedListMembers {
  readonly rejected: number;
  /** The first of them. */
  readonly errors: readonly MemberImportError[];
}

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

  /**
   * Adds users as a stream of lines, a part at a time: a line that names no user is an error of its own, and the others count. It may be run
   * again after an error: who is a member already stays one.
   */
  async importMembers(
    id: string,
    users: Iterable<ImportedMember> | AsyncIterable<ImportedMember>,
    options?: CallOptions,
  ): Promise<MemberImport> {
    let total: MemberImport = { changed: 0, unchanged: 0, members: 0, rejected: 0, errors: [] };
    let sent = 0;
    for await (const part of inParts(toLines(users), MAX_USERS)) {
      const path = { path: { id } };
      const lines = await this.sendLines('/api/v1/lists/{id}/members/import', path, part.join(''), options, 'POST');
      const summary = lines.at(-1) as Partial<MemberImport> | undefined;
      const { changed = 0, unchanged = 0, rejected = 0, members = total.members } = summary ?? {};
      const errors = (lines.slice(0, -1) as MemberImportError[]).map((one) => ({ ...one, line: sent + one.line }));
      total = {
        changed: total.changed + changed,
        unchanged: total.unchanged + unchanged,
        members,
        rejected: total.rejected + rejected,
        errors: [...total.errors, ...errors].slice(0, MAX_ERRORS),
      };
      sent += part.length;
    }
    return total;
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
