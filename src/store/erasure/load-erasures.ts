import type { Millis } from '../../model/event.ts';
import type { Seal } from '../../privacy/seal.ts';
import { packTextArray } from '../pg/params.ts';
import type { Connection } from '../pg/pool.ts';

/** Returns the keyed hash by which an erasure knows its user. */
export function toErasedHash(seal: Seal, tenantId: string, userId: string): string {
  return seal.sign(`erased\n${tenantId}\n${userId}`);
}

/**
 * Returns the ids and the keyed hashes of addresses of users whose erasure is under way and has not come to the lines of this batch yet,
 * or may not have.
 */
export async function loadErasedOfLines(
  connection: Connection,
  tenantId: string,
  batchId: string,
): Promise<{ readonly userIds: ReadonlySet<string>; readonly addressHashes: ReadonlySet<string> }> {
  const { rows } = await connection.query<{ user_id: string; address_hashes: string[] | null }>({
    name: 'load-erased-of-lines',
    text: `select user_id, address_hashes from erasures
           where tenant_id = $1 and finished_at is null and until >= $2`,
    values: [tenantId, batchId],
  });
  return {
    userIds: new Set(rows.map(({ user_id }) => user_id)),
    addressHashes: new Set(rows.flatMap(({ address_hashes }) => address_hashes ?? [])),
  };
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
