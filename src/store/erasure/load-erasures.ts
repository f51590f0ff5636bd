import type { Millis } from '../../model/event.ts';
import type { Seal } from '../../privacy/seal.ts';
import { packTextArray } from '../pg/params.ts';
import type { Connection } from '../pg/pool.ts';

/** Returns the keyed hash by which an erasure knows its user. */
export function toErasedHash(seal: Seal, tenantId: string, userId: string): string {
  return seal.sign(`erased\n${tenantId}\n${userId}`);
}

/** Returns when users were erased, by their ids; a user who was not has no entry. */
export async function loadErasures(
  connection: Connection,
  seal: Seal,
  tenantId: string,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, Millis>> {
  const ids = new Map(userIds.map((userId) => [toErasedHash(seal, tenantId, userId), userId]));
  const { rows } = await connection.query<{ user_hash: string; erased_at: Millis }>({
    name: 'load-erasures',
    text: `select e.user_hash, e.erased_at from unnest(string_to_array($2, E'\\x1f')) as q(user_hash)
           cross join lateral (
             select user_hash, erased_at from erasures where tenant_id = $1 and user_hash = q.user_hash limit 1
           ) as e`,
    values: [tenantId, packTextArray([...ids.keys()])],
  });
  return new Map(rows.map((row) => [ids.get(row.user_hash) as string, row.erased_at]));
}
