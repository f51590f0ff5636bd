import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import { appendAuditEntry } from '../audit-log.ts';
import type { Connection } from '../pg/pool.ts';
import { withTransaction } from '../pg/transaction.ts';
import type { ListChange } from './lists.ts';

/* Members of lists. Who changes members has the lock of the list, and counts them there. */

/** Members of a list, at most. */
export const MAX_MEMBERS = 10_000_000;

/** A member as the API shows it. */
export interface MemberView {
  readonly user_id: string;
  readonly added_at: string;
}

/** Result of a change of members. */
export interface ChangedMembers {
  /** Members that were added or removed. */
  readonly changed: number;
  /** Users who were members already, or were not; the repetitions of a request are among them. */
  readonly unchanged: number;
  /** Members that the list has now. */
  readonly members: number;
}

/**
 * Adds users to a list; of one who was merged the survivor. Undefined: there is no such list; `too_many`: it would be too long.
 */
export function addMembers(
  pool: pg.Pool,
  change: ListChange,
  listId: string,
  userIds: readonly string[],
): Promise<ChangedMembers | 'too_many' | undefined> {
  const { tenantId, now } = change;
  return changeMembers(pool, change, listId, 'list.members_added', userIds, async (connection, members) => {
    const { rowCount } = await connection.query(
      `insert into list_members (tenant_id, list_id, user_id, added_at)
       select distinct $1, $2::uuid, coalesce(m.merged_into, q.id), $4::timestamptz
       from unnest($3::text[]) as q(id)
       left join lateral (
         select merged_into from merged_users where tenant_id = $1 and user_id = q.id limit 1
       ) as m on true
       order by 3
       on conflict (tenant_id, list_id, user_id) do nothing`,
      [tenantId, listId, userIds, isoTime(now)],
    );
    const added = rowCount ?? 0;
    return members + added > MAX_MEMBERS ? 'too_many' : added;
  });
}

/** Removes users from a list. Undefined: there is no such list. */
export function removeMembers(
  pool: pg.Pool,
  change: ListChange,
  listId: string,
  userIds: readonly string[],
): Promise<ChangedMembers | 'too_many' | undefined> {
  return changeMembers(pool, change, listId, 'list.members_removed', userIds, async (connection) => {
    const { rowCount } = await connection.query(
      'delete from list_members where tenant_id = $1 and list_id = $2 and user_id = any($3::text[])',
      [change.tenantId, listId, userIds],
    );
    return -(rowCount ?? 0);
  });
}

/** @param work returns by how many the members grew */
async function changeMembers(
  pool: pg.Pool,
  { tenantId, actor, now }: ListChange,
  listId: string,
  action: string,
  userIds: readonly string[],
  work: (connection: pg.PoolClient, members: number) => Promise<number | 'too_many'>,
): Promise<ChangedMembers | 'too_many' | undefined> {
  try {
    return await withTransaction(pool, async (connection) => {
      const { rows } = await connection.query<{ members: number }>(
        'select members from lists where tenant_id = $1 and list_id = $2 for update',
        [tenantId, listId],
      );
      const [list] = rows;
      if (!list) return undefined;
      const growth = await work(connection, list.members);
      // Takes back what was added.
      if (growth === 'too_many') throw new ListFull();
      const members = list.members + growth;
      const changed = Math.abs(growth);
      if (changed > 0) {
        await connection.query('update lists set members = $3, updated_at = $4 where tenant_id = $1 and list_id = $2', [
          tenantId,
          listId,
          members,
          isoTime(now),
        ]);
        // Without their ids: the members are in the list, and an erasure leaves the list alone.
        const entry = { tenantId, actor, action, subject: listId, detail: { users: changed, members } };
        await appendAuditEntry(connection, entry, now);
      }
      return { changed, unchanged: userIds.length - changed, members };
    });
  } catch (error) {
    if (error instanceof ListFull) return 'too_many';
    throw error;
  }
}

class ListFull extends Error {}

/** Returns members of a list in the order of their ids. @param after the id before the first; '': from the first on */
export async function loadMembers(
  connection: Connection,
  tenantId: string,
  listId: string,
  limit: number,
  after: string,
): Promise<MemberView[]> {
  const { rows } = await connection.query<{ user_id: string; added_at: Millis }>({
    name: 'load-list-members',
    text: `select user_id, added_at from list_members
           where tenant_id = $1 and list_id = $2 and user_id > $3 order by user_id limit $4`,
    values: [tenantId, listId, after, limit],
  });
  return rows.map(({ user_id, added_at }) => ({ user_id, added_at: isoTime(added_at) }));
}

/** Returns members of a list evenly over their ids: every `step`th, at most `limit`. */
export async function sampleMembers(
  connection: Connection,
  tenantId: string,
  listId: string,
  { step, limit }: { readonly step: number; readonly limit: number },
): Promise<string[]> {
  const { rows } = await connection.query<{ user_id: string }>(
    `select user_id from (
       select user_id, row_number() over (order by user_id) as n from list_members where tenant_id = $1 and list_id = $2
     ) as numbered where (n - 1) % $3 = 0 order by user_id limit $4`,
    [tenantId, listId, step, limit],
  );
  return rows.map(({ user_id }) => user_id);
}

/** Takes a user out of every list, in the transaction of an erasure. */
export async function leaveLists(connection: Connection, tenantId: string, userId: string, now: Millis): Promise<void> {
  const left = await deleteMemberships(connection, tenantId, userId);
  await shrink(
    connection,
    tenantId,
    left.map(({ id }) => id),
    now,
  );
}

/** Puts the survivor of a merge in the place of the user that goes, in the transaction of the merge. */
export async function moveMemberships(
  connection: Connection,
  {
    tenantId,
    from,
    into,
    now,
  }: { readonly tenantId: string; readonly from: string; readonly into: string; readonly now: Millis },
): Promise<void> {
  const left = await deleteMemberships(connection, tenantId, from);
  if (left.length === 0) return;
  const { rows } = await connection.query<{ list_id: string }>(
    `insert into list_members (tenant_id, list_id, user_id, added_at)
     select $1, list_id, $2, added_at from unnest($3::uuid[], $4::timestamptz[]) as q(list_id, added_at)
     on conflict (tenant_id, list_id, user_id) do nothing returning list_id`,
    [tenantId, into, left.map(({ id }) => id), left.map(({ addedAt }) => isoTime(addedAt))],
  );
  const moved = new Set(rows.map(({ list_id }) => list_id));
  await shrink(
    connection,
    tenantId,
    left.map(({ id }) => id).filter((id) => !moved.has(id)),
    now,
  );
}

/** Deletes the memberships of a user. Locks the lists before: who adds members has the lock of the list first. */
async function deleteMemberships(
  connection: Connection,
  tenantId: string,
  userId: string,
): Promise<{ readonly id: string; readonly addedAt: Millis }[]> {
  const { rows: lists } = await connection.query<{ list_id: string }>(
    `select list_id from lists where tenant_id = $1 and list_id = any(array(
       select list_id from list_members where tenant_id = $1 and user_id = $2))
     order by list_id for update`,
    [tenantId, userId],
  );
  if (lists.length === 0) return [];
  const { rows } = await connection.query<{ list_id: string; added_at: Millis }>(
    `delete from list_members where tenant_id = $1 and user_id = $2 and list_id = any($3::uuid[]) returning list_id, added_at`,
    [tenantId, userId, lists.map(({ list_id }) => list_id)],
  );
  return rows.map(({ list_id: id, added_at: addedAt }) => ({ id, addedAt }));
}

/** Counts one member less in each of these lists. */
async function shrink(connection: Connection, tenantId: string, ids: readonly string[], now: Millis): Promise<void> {
  if (ids.length === 0) return;
  await connection.query(
    'update lists set members = members - 1, updated_at = $3 where tenant_id = $1 and list_id = any($2::uuid[])',
    [tenantId, ids, isoTime(now)],
  );
}
