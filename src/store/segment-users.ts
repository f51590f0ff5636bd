import { appendTo } from '../lib/group-by.ts';
import { ADDRESS_USER } from '../model/direct.ts';
import type { JsonObject } from '../model/event.ts';
import { documentRow, openDocument } from '../privacy/documents.ts';
import type { Seal } from '../privacy/seal.ts';
import { openAddress, toAddressTraits } from '../users/addresses.ts';
import { loadSealedAddresses, type SealedAddressRow } from './addresses.ts';
import type { Connection } from './pg/pool.ts';

/* Users on whose profiles the condition of a segment is evaluated. */

/**
 * Returns the traits of these users as rules see them, which must not be shown, in the order of their ids; unknown users are
 * left out.
 * @param withAddresses whether addresses are opened; else they are masked
 */
export async function loadTraitsOf(
  connection: Connection,
  seal: Seal,
  tenantId: string,
  userIds: readonly string[],
  withAddresses: boolean,
): Promise<{ readonly userId: string; readonly traits: JsonObject }[]> {
  const { rows } = await connection.query<{ user_id: string; traits: JsonObject; sealed: Buffer | null }>({
    name: 'traits-of-users',
    text: 'select user_id, traits, sealed from users where tenant_id = $1 and user_id = any($2::text[]) order by user_id',
    values: [tenantId, userIds],
  });
  const addresses = new Map<string, SealedAddressRow[]>();
  if (withAddresses) {
    for (const row of await loadSealedAddresses(connection, tenantId, userIds)) appendTo(addresses, row.userId, row);
  }
  return rows.map(({ user_id: userId, traits: masked, sealed }) => {
    const original = sealed && openDocument(seal, sealed, documentRow('users', tenantId, userId));
    const traits = original ? (original.traits as JsonObject) : masked;
    let visible = traits;
    for (const { kind, sealed: address } of addresses.get(userId) ?? []) {
      const opened = openAddress(seal, address, tenantId, userId, kind);
      if (opened !== undefined) visible = { ...visible, ...toAddressTraits(traits, kind, opened) };
    }
    return { userId, traits: visible };
  });
}

/** Returns ids of users in their order. @param after the id before the first; '': from the first on */
export async function loadUserIds(
  connection: Connection,
  tenantId: string,
  after: string,
  limit: number,
): Promise<string[]> {
  const { rows } = await connection.query<{ user_id: string }>({
    name: 'user-ids',
    text: 'select user_id from users where tenant_id = $1 and user_id > $2 order by user_id limit $3',
    values: [tenantId, after, limit],
  });
  return rows.map(({ user_id }) => user_id);
}

/**
 * Returns how many users there are, without those who are known by an address alone, and `limit` of them at most, evenly over
 * their ids.
 */
export async function sampleUserIds(
  connection: Connection,
  tenantId: string,
  limit: number,
): Promise<{ readonly total: number; readonly userIds: readonly string[] }> {
  const { rows } = await connection.query<{ total: number }>(
    `select count(*)::int as total from users where tenant_id = $1 and not starts_with(user_id, '${ADDRESS_USER}')`,
    [tenantId],
  );
  const { total = 0 } = rows[0] ?? {};
  const step = Math.max(1, Math.ceil(total / limit));
  const { rows: sample } = await connection.query<{ user_id: string }>(
    `select user_id from (
       select user_id, row_number() over (order by user_id) as n from users
       where tenant_id = $1 and not starts_with(user_id, '${ADDRESS_USER}')
     ) as numbered where (n - 1) % $2 = 0 order by user_id limit $3`,
    [tenantId, step, limit],
  );
  return { total, userIds: sample.map(({ user_id }) => user_id) };
}

/** Returns the masked addresses of users that receive, by user and kind. */
export async function loadAddressMasks(
  connection: Connection,
  tenantId: string,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, { readonly [kind: string]: string }>> {
  const { rows } = await connection.query<{ user_id: string; masks: { readonly [kind: string]: string } }>(
    `select user_id, json_object_agg(kind, mask) as masks from addresses
     where tenant_id = $1 and user_id = any($2::text[]) and place = 0 group by user_id`,
    [tenantId, userIds],
  );
  return new Map(rows.map(({ user_id, masks }) => [user_id, masks]));
}
