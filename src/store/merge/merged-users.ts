import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import { packTextArray } from '../pg/params.ts';
import type { Connection } from '../pg/pool.ts';

/** A user who was merged into another. */
export interface Merge {
  readonly into: string;
  readonly at: Millis;
}

/** Returns the merges of those of these users who were merged, by their ids. Index look-ups only. */
export async function loadMerges(
  connection: Connection,
  tenantId: string,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, Merge>> {
  const { rows } = await connection.query<{ user_id: string; merged_into: string; merged_at: Millis }>({
    name: 'load-merges',
    text: `select m.user_id, m.merged_into, m.merged_at from unnest(string_to_array($2, E'\\x1f')) as q(user_id)
           cross join lateral (
             select user_id, merged_into, merged_at from merged_users where tenant_id = $1 and user_id = q.user_id limit 1
           ) as m`,
    values: [tenantId, packTextArray(userIds)],
  });
  return new Map(rows.map((row) => [row.user_id, { into: row.merged_into, at: row.merged_at }]));
}

/** Returns the user who answers to an id: the survivor of one who was merged, else the user themselves. */
export async function findSurvivor(connection: Connection, tenantId: string, userId: string): Promise<string> {
  // A survivor is never merged: it has no merge of its own.
  return (await loadMerges(connection, tenantId, [userId])).get(userId)?.into ?? userId;
}

/** Users that may be merged into one; a user who has as many is merged no further. */
export const MAX_MERGED_INTO_ONE = 100;

/** Returns the ids of users that were merged into this one: at most MAX_MERGED_INTO_ONE. */
export async function listMergedInto(connection: Connection, tenantId: string, userId: string): Promise<string[]> {
  const { rows } = await connection.query<{ user_id: string }>(
    `select user_id from merged_users where tenant_id = $1 and merged_into = $2 order by user_id limit ${MAX_MERGED_INTO_ONE}`,
    [tenantId, userId],
  );
  return rows.map(({ user_id }) => user_id);
}

/** Returns the ids of all users with a part in a merge at or after a time, those who survived it included. */
export async function listMergedSince(connection: Connection, tenantId: string, since: Millis): Promise<Set<string>> {
  const { rows } = await connection.query<{ id: string }>(
    `select user_id as id from merged_users where tenant_id = $1 and merged_at >= $2
     union select merged_into from merged_users where tenant_id = $1 and merged_at >= $2`,
    [tenantId, isoTime(since)],
  );
  return new Set(rows.map(({ id }) => id));
}

/** Records a merge, after the locks of both; users that were merged into the one that goes are now merged into the survivor. */
export async function recordMerge(
  connection: Connection,
  {
    tenantId,
    userId,
    into,
    now,
  }: { readonly tenantId: string; readonly userId: string; readonly into: string; readonly now: Millis },
): Promise<void> {
  await connection.query(
    'update merged_users set merged_into = $3, merged_at = $4 where tenant_id = $1 and merged_into = $2',
    [tenantId, userId, into, isoTime(now)],
  );
  await connection.query(
    'insert into merged_users (tenant_id, user_id, merged_into, merged_at) values ($1, $2, $3, $4)',
    [tenantId, userId, into, isoTime(now)],
  );
}
