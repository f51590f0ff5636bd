import type pg from 'pg';
import { contentUuid } from '../events/content.ts';
import type { AddressKind, JsonObject, Millis } from '../model/event.ts';
import type { Actor } from '../model/principal.ts';
import { maskAddressTrait } from '../privacy/mask.ts';
import { toNormalAddress } from '../privacy/normal-address.ts';
import type { Seal } from '../privacy/seal.ts';
import { isoTime, isoTimeOrNull } from '../time/iso-time.ts';
import { addressAad, openAddress } from '../users/addresses.ts';
import { MAX_ADDED_ADDRESSES } from './addresses.ts';
import { appendAuditEntry } from './audit-log.ts';
import { reviveStatement } from './deliveries/revive.ts';
import { lockUsers } from './facts/facts.ts';
import { runPipelined } from './pg/pipeline.ts';
import type { Connection } from './pg/pool.ts';
import { withTransaction } from './pg/transaction.ts';

/* Addresses of one user, as requests list and change them. Events change those of the traits: see batch.ts. */

/** An address as the API shows it. Times are ISO 8601 in UTC. */
export interface UserAddressView {
  readonly address_id: string;
  readonly kind: AddressKind;
  /** Masked. */
  readonly address: string;
  /** Whether messages go to it: one of each kind. */
  readonly primary: boolean;
  /** Whether the traits of the user have it. */
  readonly is_trait: boolean;
  /** When a request added it; null: none did. */
  readonly added_at: string | null;
  readonly updated_at: string;
  /** When the user proved to read it; null: never. */
  readonly verified_at: string | null;
  readonly verify_method: 'code' | null;
}

/** The user whose addresses are changed, and the actor that does. */
export interface AddressChanger {
  readonly tenantId: string;
  readonly userId: string;
  readonly actor: Actor;
  readonly now: Millis;
}

/** An address as it is stored. */
export interface AddressRow {
  readonly kind: AddressKind;
  readonly place: number;
  readonly is_trait: boolean;
  readonly added_at: Millis | null;
  readonly sealed: Buffer;
  readonly key_id: string;
  readonly hash: string;
  readonly mask: string;
  readonly updated_at: Millis;
  readonly verified_at: Millis | null;
  readonly method: 'code' | null;
}

/** Returns the id of an address of a user: another one for each user that has it, which says nothing of the address. */
export function toAddressId(tenantId: string, userId: string, kind: AddressKind, hash: string): string {
  return contentUuid(JSON.stringify(['address', tenantId, userId, kind, hash]));
}

/**
 * Returns the addresses of a user by kind, the one that receives first, and the others in the order in which they move up.
 * Undefined: there is no such user.
 */
export async function listUserAddresses(
  connection: Connection,
  tenantId: string,
  userId: string,
): Promise<UserAddressView[] | undefined> {
  const rows = await loadAddressRows(connection, tenantId, userId);
  return rows?.map((row) => toView(tenantId, userId, row));
}

/**
 * Adds an address. One that is there stays as it is, and from then on is no longer replaced by an event. If it is the first of its
 * kind, or `isPrimary`, it receives; deliveries that ended for want of such an address are then queued again.
 * @returns `unknown_user`; `too_many`: MAX_ADDED_ADDRESSES of the kind were added before
 */
export function addUserAddress(
  pool: pg.Pool,
  seal: Seal,
  by: AddressChanger,
  { kind, address, isPrimary }: { readonly kind: AddressKind; readonly address: string; readonly isPrimary: boolean },
): Promise<
  { readonly view: UserAddressView; readonly isNew: boolean; readonly isFirst: boolean } | 'unknown_user' | 'too_many'
> {
  const { tenantId, userId, now } = by;
  return withTransaction(pool, async (connection) => {
    const all = await lockAddressRows(connection, by);
    if (!all) return 'unknown_user';
    const rows = all.filter((row) => row.kind === kind);
    const hash = seal.sign(toNormalAddress(kind, address));
    const known = rows.find((row) => row.hash === hash);
    if (!known?.added_at && rows.filter(({ added_at: at }) => at !== null).length >= MAX_ADDED_ADDRESSES)
      return 'too_many';
    const { bytes, keyId } = seal.seal(address, addressAad(tenantId, userId, kind));
    const added: AddressRow = known
      ? { ...known, added_at: known.added_at ?? now }
      : {
          kind,
          place: 0,
          is_trait: false,
          added_at: now,
          sealed: bytes,
          key_id: keyId,
          hash,
          mask: String(maskAddressTrait(kind, address)),
          updated_at: now,
          verified_at: null,
          method: null,
        };
    const others = rows.filter((row) => row !== known);
    const at = isPrimary ? 0 : known ? rows.indexOf(known) : others.length;
    const view = await storeOrder(connection, by, rows, others.toSpliced(at, 0, added), hash);
    const isFirst = rows.length === 0;
    if (isFirst) await runPipelined(connection, [reviveStatement(tenantId, [{ userId, kind }], now)]);
    return { view: view as UserAddressView, isNew: !known, isFirst };
  });
}

/** Makes an address the one of its kind that receives. Undefined: the user has no such address. */
export function makeAddressPrimary(
  pool: pg.Pool,
  by: AddressChanger,
  addressId: string,
): Promise<UserAddressView | undefined> {
  return withTransaction(pool, async (connection) => {
    const found = await findAddress(connection, by, addressId);
    if (!found) return undefined;
    const { row, rows } = found;
    return storeOrder(connection, by, rows, [row, ...rows.filter((other) => other !== row)], row.hash);
  });
}

/**
 * Removes an address. If it received, the next of its kind does. Undefined: the user has no such address; `of_traits`: the traits
 * of the user have it, so that nothing is changed.
 */
export function removeUserAddress(
  pool: pg.Pool,
  by: AddressChanger,
  addressId: string,
): Promise<UserAddressView | 'of_traits' | undefined> {
  return withTransaction(pool, async (connection) => {
    const found = await findAddress(connection, by, addressId);
    if (!found) return undefined;
    const { row, rows } = found;
    if (row.is_trait) return 'of_traits';
    const others = rows.filter((other) => other !== row);
    await storeOrder(connection, by, rows, others, row.hash);
    await connection.query(
      'delete from address_verifications where tenant_id = $1 and user_id = $2 and kind = $3 and hash = $4',
      [by.tenantId, by.userId, row.kind, row.hash],
    );
    return toView(by.tenantId, by.userId, row);
  });
}

/** Returns an address of a user; undefined: they have no such one. */
export async function findUserAddress(
  connection: Connection,
  tenantId: string,
  userId: string,
  addressId: string,
): Promise<(AddressRow & { readonly view: UserAddressView }) | undefined> {
  const rows = await loadAddressRows(connection, tenantId, userId);
  const row = rows?.find(({ kind, hash }) => toAddressId(tenantId, userId, kind, hash) === addressId);
  return row && { ...row, view: toView(tenantId, userId, row) };
}

/** Opens an address of a user; undefined: it cannot be opened with the current key. */
export function openUserAddress(
  seal: Seal,
  tenantId: string,
  userId: string,
  { sealed, kind }: Pick<AddressRow, 'sealed' | 'kind'>,
): string | undefined {
  return openAddress(seal, sealed, tenantId, userId, kind);
}

/** Returns an address with all of its kind, in order, after the lock of the user. */
async function findAddress(
  connection: pg.PoolClient,
  by: AddressChanger,
  addressId: string,
): Promise<{ readonly row: AddressRow; readonly rows: readonly AddressRow[] } | undefined> {
  const all = await lockAddressRows(connection, by);
  const row = all?.find(({ kind, hash }) => toAddressId(by.tenantId, by.userId, kind, hash) === addressId);
  return row && { row, rows: (all ?? []).filter(({ kind }) => kind === row.kind) };
}

/** Loads the addresses of a user after its lock, so that neither an event nor another request changes them meanwhile. */
async function lockAddressRows(
  connection: pg.PoolClient,
  { tenantId, userId }: AddressChanger,
): Promise<AddressRow[] | undefined> {
  await lockUsers(connection, tenantId, [userId]);
  return loadAddressRows(connection, tenantId, userId);
}

/** Returns the addresses of a user as they are stored, by kind and place. Undefined: there is no such user. */
export async function loadAddressRows(
  connection: Connection,
  tenantId: string,
  userId: string,
): Promise<AddressRow[] | undefined> {
  const { rows } = await connection.query<AddressRow & { kind: AddressKind | null }>(
    `select a.kind, place, is_trait, added_at, a.sealed, key_id, a.hash, mask, a.updated_at, v.verified_at, v.method
     from users left join addresses as a using (tenant_id, user_id)
     left join address_verifications as v using (tenant_id, user_id, kind, hash)
     where tenant_id = $1 and user_id = $2 order by kind, place limit ${2 * (MAX_ADDED_ADDRESSES + 1)}`,
    [tenantId, userId],
  );
  return rows.length === 0 ? undefined : rows.filter(({ kind }) => kind !== null);
}

/**
 * Writes the addresses of one kind in a new order, with an entry of the audit log; does nothing if nothing has changed.
 * @param hash of the address that was added, moved or removed
 * @returns it as it is now; undefined: it is gone
 */
async function storeOrder(
  connection: pg.PoolClient,
  { tenantId, userId, actor, now }: AddressChanger,
  before: readonly AddressRow[],
  ordered: readonly AddressRow[],
  hash: string,
): Promise<UserAddressView | undefined> {
  const after = ordered.map((row, place) => ({ ...row, place }));
  const viewIn = (rows: readonly AddressRow[]) => {
    const row = rows.find((one) => one.hash === hash);
    return row && toView(tenantId, userId, row);
  };
  const [old, view] = [viewIn(before), viewIn(after)];
  if (JSON.stringify(old) === JSON.stringify(view)) return view;
  const kind = (ordered[0] ?? before[0])?.kind as AddressKind;
  await replaceAddresses(connection, { tenantId, userId, kind }, after);
  const action = !view ? 'address.removed' : old ? 'address.changed' : 'address.added';
  const states = { before: (old as JsonObject | undefined) ?? null, after: (view as JsonObject | undefined) ?? null };
  await appendAuditEntry(connection, { tenantId, actor, action, subject: userId, detail: {}, ...states }, now);
  return view;
}

/** Stores these addresses in the place of all that the user has of a kind; their places are in the order of the list. */
export async function replaceAddresses(
  connection: pg.PoolClient,
  { tenantId, userId, kind }: { readonly tenantId: string; readonly userId: string; readonly kind: AddressKind },
  ordered: readonly AddressRow[],
): Promise<void> {
  await connection.query('delete from addresses where tenant_id = $1 and user_id = $2 and kind = $3', [
    tenantId,
    userId,
    kind,
  ]);
  await connection.query(
    `insert into addresses (tenant_id, user_id, kind, place, is_trait, added_at, sealed, key_id, hash, mask, updated_at)
     select $1, $2, $3, place, is_trait, added_at, decode(sealed, 'base64'), key_id, hash, mask, updated_at
     from json_to_recordset($4) as r(place smallint, is_trait boolean, added_at timestamptz, sealed text, key_id text, hash text,
                                     mask text, updated_at timestamptz)`,
    [tenantId, userId, kind, JSON.stringify(ordered.map((row, place) => toStored({ ...row, place })))],
  );
}

function toStored(row: AddressRow): JsonObject {
  return {
    place: row.place,
    is_trait: row.is_trait,
    added_at: isoTimeOrNull(row.added_at),
    sealed: row.sealed.toString('base64'),
    key_id: row.key_id,
    hash: row.hash,
    mask: row.mask,
    updated_at: isoTime(row.updated_at),
  };
}

function toView(tenantId: string, userId: string, row: AddressRow): UserAddressView {
  return {
    address_id: toAddressId(tenantId, userId, row.kind, row.hash),
    kind: row.kind,
    address: row.mask,
    primary: row.place === 0,
    is_trait: row.is_trait,
    added_at: isoTimeOrNull(row.added_at),
    updated_at: isoTime(row.updated_at),
    verified_at: isoTimeOrNull(row.verified_at),
    verify_method: row.method,
  };
}
