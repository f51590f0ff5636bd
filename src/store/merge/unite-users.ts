import type pg from 'pg';
import { TidingsError } from '../../errors.ts';
import { jsonText } from '../../events/content.ts';
import {
  type AddressKind,
  getAddressKind,
  type Json,
  type JsonObject,
  type Millis,
  type Profile,
} from '../../model/event.ts';
import { NO_TERMS, type Terms } from '../../model/terms.ts';
import { documentRow, openDocument, sealDocument } from '../../privacy/documents.ts';
import type { Seal } from '../../privacy/seal.ts';
import { isoTime } from '../../time/iso-time.ts';
import { addressAad } from '../../users/addresses.ts';
import { isSameValue, maskProfile } from '../../users/profile.ts';
import { MAX_ADDED_ADDRESSES } from '../addresses.ts';
import { type AddressRow, loadAddressRows, replaceAddresses } from '../user-addresses.ts';
import { reseal, unreadable } from './move-rows.ts';

/** A user as a merge reads and writes them. */
export interface MergedUser {
  readonly userId: string;
  readonly profile: Profile;
  readonly terms: Terms;
  /** Keyed hashes of the addresses of the traits, by kind. */
  readonly addressHashes: { readonly [kind: string]: string };
  readonly firstSeenAt: Millis;
  readonly addresses: readonly AddressRow[];
}

/** Returns these users, in their order; undefined for one who is not known. @throws TidingsError `not_readable` */
export async function loadMergedUsers(
  connection: pg.PoolClient,
  seal: Seal,
  tenantId: string,
  userIds: readonly string[],
): Promise<(MergedUser | undefined)[]> {
  const { rows } = await connection.query<{
    user_id: string;
    traits: JsonObject;
    trait_times: { readonly [trait: string]: Millis };
    address_hashes: { readonly [kind: string]: string };
    first_seen_at: Millis;
    sealed: Buffer | null;
    terms: Terms | null;
  }>(
    `select user_id, traits, trait_times, address_hashes, first_seen_at, sealed, terms from users
     where tenant_id = $1 and user_id = any($2::text[]) order by user_id for update`,
    [tenantId, userIds],
  );
  const found: (MergedUser | undefined)[] = [];
  for (const userId of userIds) {
    const row = rows.find(({ user_id }) => user_id === userId);
    const addresses = row && (await loadAddressRows(connection, tenantId, userId));
    found.push(
      row && {
        userId,
        profile: openProfile(seal, tenantId, row),
        terms: row.terms ?? NO_TERMS,
        addressHashes: row.address_hashes,
        firstSeenAt: row.first_seen_at,
        addresses: addresses ?? [],
      },
    );
  }
  return found;
}

function openProfile(
  seal: Seal,
  tenantId: string,
  row: {
    readonly user_id: string;
    readonly traits: JsonObject;
    readonly trait_times: { readonly [trait: string]: Millis };
    readonly sealed: Buffer | null;
  },
): Profile {
  const { sealed } = row;
  if (sealed === null) return { traits: row.traits, traitTimes: row.trait_times };
  const original = openDocument(seal, sealed, documentRow('users', tenantId, row.user_id));
  if (!original) throw unreadable();
  return original as unknown as Profile;
}

/** The kinds of addresses that a user has. */
export function kindsOf({ addresses }: MergedUser): Set<AddressKind> {
  return new Set(addresses.map(({ kind }) => kind));
}

/** The survivor, as a merge writes them. */
export interface UnitedUser {
  readonly profile: Profile;
  readonly terms: Terms;
  readonly zone: string | null;
  /** As it is searched. */
  readonly name: string | null;
}

/**
 * Writes the survivor with the addresses of both, and deletes the other one.
 * @returns how many addresses were added, and the kinds of which the survivor had none
 * @throws TidingsError `too_many_addresses`, `not_readable`
 */
export async function storeUnited(
  connection: pg.PoolClient,
  seal: Seal,
  { tenantId, now }: { readonly tenantId: string; readonly now: Millis },
  [survivor, other]: readonly [MergedUser, MergedUser],
  { profile, terms, zone, name }: UnitedUser,
): Promise<{ readonly added: number; readonly firstOf: readonly AddressKind[] }> {
  const { userId } = survivor;
  const addressHashes = { ...survivor.addressHashes };
  const firstOf: AddressKind[] = [];
  let added = 0;
  for (const kind of kindsOf(other)) {
    const own = survivor.addresses.filter((row) => row.kind === kind);
    const others = other.addresses.filter((row) => row.kind === kind);
    const rows = uniteAddresses(own, others, profile, now);
    if (rows.filter(({ added_at: at }) => at !== null).length > MAX_ADDED_ADDRESSES) throw tooManyAddresses();
    const moved = rows.map((row) =>
      own.some(({ hash }) => hash === row.hash)
        ? row
        : { ...row, ...resealAddress(seal, tenantId, kind, { row, from: other.userId, into: userId }) },
    );
    await replaceAddresses(connection, { tenantId, userId, kind }, moved);
    added += rows.length - own.length;
    if (own.length > 0) continue;
    firstOf.push(kind);
    const ofTraits = rows.find((row) => row.is_trait);
    if (ofTraits) addressHashes[kind] = ofTraits.hash;
  }
  const masked = maskProfile(profile);
  const row = documentRow('users', tenantId, userId);
  const sealed = masked === profile ? null : sealDocument(seal, jsonText(profile as unknown as Json), row);
  await connection.query(
    `update users set traits = $3, trait_times = $4, address_hashes = $5, zone = $6, name = $7, sealed = $8, terms = $9,
            first_seen_at = $10, updated_at = $11
     where tenant_id = $1 and user_id = $2`,
    [
      tenantId,
      userId,
      ...[masked.traits, masked.traitTimes, addressHashes].map((one) => jsonText(one as unknown as Json)),
      zone,
      name,
      sealed,
      terms === NO_TERMS ? null : JSON.stringify(terms),
      isoTime(Math.min(survivor.firstSeenAt, other.firstSeenAt)),
      isoTime(now),
    ],
  );
  for (const table of ['addresses', 'toggles', 'users'])
    await connection.query(`delete from ${table} where tenant_id = $1 and user_id = $2`, [tenantId, other.userId]);
  return { added, firstOf };
}

/** Returns the addresses of both, of one kind, in order: those of the survivor first. */
function uniteAddresses(
  own: readonly AddressRow[],
  others: readonly AddressRow[],
  { traits }: Profile,
  now: Millis,
): readonly AddressRow[] {
  const isOfTraits = ({ kind, mask, is_trait }: AddressRow) =>
    is_trait &&
    Object.entries(traits).some(([name, value]) => getAddressKind(name) === kind && isSameValue(mask, value));
  // An address that the traits do not have stays as one that a request added.
  const added = others.map((row) => {
    const isTrait = own.length === 0 && isOfTraits(row);
    return { ...row, is_trait: isTrait, added_at: isTrait ? row.added_at : (row.added_at ?? now) };
  });
  const known = own.map((row) => {
    const same = others.find(({ hash }) => hash === row.hash);
    return same ? { ...row, added_at: row.added_at ?? same.added_at } : row;
  });
  return [...known, ...added.filter(({ hash }) => !own.some((row) => row.hash === hash))];
}

function resealAddress(
  seal: Seal,
  tenantId: string,
  kind: AddressKind,
  { row, from, into }: { readonly row: AddressRow; readonly from: string; readonly into: string },
): Pick<AddressRow, 'sealed' | 'key_id'> {
  return reseal(() => {
    const address = seal.open(row.sealed, addressAad(tenantId, from, kind), row.key_id);
    const { bytes, keyId } = seal.seal(address, addressAad(tenantId, into, kind));
    return { sealed: bytes, key_id: keyId };
  });
}

function tooManyAddresses(): TidingsError {
  return new TidingsError(
    'too_many_addresses',
    `Both together have more than ${MAX_ADDED_ADDRESSES} addresses of a kind; remove some that are no longer used.`,
  );
}
