import { ADDRESS_USER } from '../model/direct.ts';
import type { AddressKind } from '../model/event.ts';
import type { Connection } from './pg/pool.ts';

/* Users by a part of their id, by name, or by address. */

/** A user that was found. */
export interface FoundUser {
  readonly user_id: string;
}

/** A page of users in the order of their ids. */
export interface UserPage {
  readonly users: readonly FoundUser[];
  /** The id that the next page follows; null: this is the last page. */
  readonly last: string | null;
}

/** Ids that one page looks at, at most: a part that few ids have returns short pages. */
const MAX_EXAMINED = 20_000;

/** Users with one address that are listed. */
export const MAX_WITH_ADDRESS = 100;

/** Greater than every text that begins with the same prefix, in the order of bytes. */
const LAST_CHARACTER = '\u{10FFFF}';

/** Users who are known by an address alone are found by that, and by the start of their ids. */
const WITH_ID = `not starts_with(user_id, '${ADDRESS_USER}')`;

/**
 * Finds users by their id: those that begin with `prefix` and have `part` somewhere in it. Looks at MAX_EXAMINED ids.
 * @param after only ids after this one; null: from the first on
 */
export async function findUsersById(
  connection: Connection,
  tenantId: string,
  asked: { readonly prefix: string; readonly part: string; readonly after: string | null; readonly limit: number },
): Promise<UserPage> {
  const { prefix, part, after, limit } = asked;
  const { rows } = await connection.query<{ user_id: string; is_match: boolean }>(
    `with examined as (
       select user_id from users
       where tenant_id = $1 and user_id >= $2 and user_id < $3 and user_id > $4
         ${prefix.startsWith(ADDRESS_USER) ? '' : `and ${WITH_ID}`}
       order by user_id limit ${MAX_EXAMINED}
     ), matching as (
       select user_id from examined where position($5 in user_id) > 0 order by user_id limit $6
     )
     select user_id, true as is_match from matching
     union all
     (select user_id, false from examined order by user_id offset ${MAX_EXAMINED - 1})
     order by user_id, is_match desc`,
    [tenantId, prefix, prefix + LAST_CHARACTER, after ?? '', part, limit],
  );
  const users = rows.flatMap(({ user_id, is_match }) => (is_match ? [{ user_id }] : []));
  const full = users.length === limit ? users.at(-1)?.user_id : rows.find(({ is_match }) => !is_match)?.user_id;
  return { users, last: full ?? null };
}

/** Ids that a search for a part of one looks at, at most. */
const MAX_SEARCHED = 50_000;

/**
 * Finds users by their id, in small or capital letters: those that begin with a text first, then those that have it somewhere.
 * @returns `isWhole`: whether every id was looked at; else one that only has the text somewhere may be missing
 */
export async function searchUserIds(
  connection: Connection,
  tenantId: string,
  text: string,
  limit: number,
): Promise<{ readonly userIds: readonly string[]; readonly isWhole: boolean }> {
  const lower = text.toLowerCase();
  const starts = [...new Set([text, lower, text.toUpperCase(), lower.charAt(0).toUpperCase() + lower.slice(1)])];
  const { rows } = await connection.query<{ user_id: string | null; rank: number }>({
    name: 'search-user-ids',
    text: SEARCH_USER_IDS,
    values: [tenantId, starts, starts.map((start) => start + LAST_CHARACTER), limit, lower],
  });
  const ids = rows.flatMap(({ user_id: id }) => (id === null ? [] : [id]));
  return { userIds: [...new Set(ids)].slice(0, limit), isWhole: rows.every(({ user_id: id }) => id !== null) };
}

/** A row without a user: not every id was looked at. */
const SEARCH_USER_IDS = `
with starting as (
  select u.user_id from unnest($2::text[], $3::text[]) as want(start, stop)
  cross join lateral (
    select user_id from users
    where tenant_id = $1 and user_id >= want.start and user_id < want.stop and ${WITH_ID}
    order by user_id limit $4
  ) as u
), examined as (
  select user_id from users where tenant_id = $1 and ${WITH_ID} order by user_id limit ${MAX_SEARCHED}
), containing as (
  select user_id from examined where position($5 in lower(user_id)) > 0 order by user_id limit $4
)
select user_id, case when lower(user_id) = $5 then 0 else 1 end as rank from starting
union all
select user_id, 2 from containing where (select count(*) from starting) < $4
union all
select null, 3 from (select from examined offset ${MAX_SEARCHED - 1}) as last where (select count(*) from starting) < $4
order by rank, user_id`;

/** A user that was found by name. */
interface NamedUser extends FoundUser {
  readonly name: string;
  /** The name or its last word, whichever begins with the text; the order is by it. */
  readonly key: string;
}

/**
 * Finds users whose name, or the last word of it, begins with this, in the order of what does.
 * @param name as `toNameKey` returns it
 * @param after key and id after which the page starts; null: from the first on
 */
export async function findUsersByName(
  connection: Connection,
  tenantId: string,
  {
    name,
    after,
    limit,
  }: { readonly name: string; readonly after: readonly [string, string] | null; readonly limit: number },
): Promise<readonly NamedUser[]> {
  const { rows } = await connection.query<NamedUser>(
    `(select user_id, name, name as key from users
      where tenant_id = $1 and name >= $2 and name < $3 and (name, user_id) > ($4, $5) and ${WITH_ID}
      order by name, user_id limit $6)
     union all
     (select user_id, name, last_name from users
      where tenant_id = $1 and last_name >= $2 and last_name < $3 and (last_name, user_id) > ($4, $5) and ${WITH_ID}
        and not starts_with(name, $2)
      order by last_name, user_id limit $6)
     order by key, user_id limit $6`,
    [tenantId, name, name + LAST_CHARACTER, after?.[0] ?? '', after?.[1] ?? '', limit],
  );
  return rows;
}

/**
 * Finds the users who have an address, in the order of their ids; the first MAX_WITH_ADDRESS.
 * @param hash keyed, as in `addresses`
 */
export async function findUsersWithAddress(
  connection: Connection,
  tenantId: string,
  { kind, hash }: { readonly kind: AddressKind; readonly hash: string },
): Promise<readonly FoundUser[]> {
  const { rows } = await connection.query<FoundUser>(
    `select distinct user_id from addresses where tenant_id = $1 and hash = $2 and kind = $3
     order by user_id limit ${MAX_WITH_ADDRESS}`,
    [tenantId, hash, kind],
  );
  return rows;
}
