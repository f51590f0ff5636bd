import { groupBy } from '../lib/group-by.ts';
import type { AddressKind } from '../model/event.ts';
import { packTextArray } from './pg/params.ts';
import type { Connection } from './pg/pool.ts';

/** Addresses of a user and kind that were added by requests, at most; that of the traits may stand beside them. */
export const MAX_ADDED_ADDRESSES = 20;

/** The address of a user's traits, sealed. */
export interface SealedAddressRow {
  readonly userId: string;
  readonly kind: AddressKind;
  readonly sealed: Buffer;
}

/** Loads the addresses of the traits of these users: at most one of each kind. Index look-ups only, as in facts.ts. */
export async function loadSealedAddresses(
  connection: Connection,
  tenantId: string,
  userIds: readonly string[],
): Promise<SealedAddressRow[]> {
  const { rows } = await connection.query<{ user_id: string; kind: AddressKind; sealed: Buffer }>({
    name: 'load-addresses',
    text: `select q.user_id, a.kind, a.sealed from unnest(string_to_array($2, E'\\x1f')) as q(user_id)
           cross join lateral (
             select kind, sealed from addresses where tenant_id = $1 and user_id = q.user_id and is_trait limit 2
           ) as a`,
    values: [tenantId, packTextArray(userIds)],
  });
  return rows.map(({ user_id: userId, kind, sealed }) => ({ userId, kind, sealed }));
}

/** Users of an address that are looked at; more than one is too many to choose from. */
const MAX_USERS_OF_ADDRESS = 10;

/** Returns users who have an address, by its keyed hash: at most MAX_USERS_OF_ADDRESS of each. */
export async function findUsersByAddress(
  connection: Connection,
  tenantId: string,
  hashes: readonly string[],
): Promise<ReadonlyMap<string, readonly { readonly userId: string; readonly kind: AddressKind }[]>> {
  const { rows } = await connection.query<{ hash: string; user_id: string; kind: AddressKind }>({
    name: 'find-users-by-address',
    text: `select q.hash, a.user_id, a.kind from unnest($2::text[]) as q(hash)
           cross join lateral (
             select user_id, kind from addresses where tenant_id = $1 and hash = q.hash and hash > ''
             order by user_id limit ${MAX_USERS_OF_ADDRESS}
           ) as a`,
    values: [tenantId, hashes],
  });
  const found = groupBy(rows, ({ hash }) => hash);
  return new Map(
    [...found].map(([hash, own]) => [hash, own.map(({ user_id: userId, kind }) => ({ userId, kind }))] as const),
  );
}
