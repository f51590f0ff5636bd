import type pg from 'pg';
import { ADDRESS_USER, getAddressHash } from '../model/direct.ts';
import type { AddressKind } from '../model/event.ts';
import { toNormalAddress } from '../privacy/normal-address.ts';
import { readAddress } from '../privacy/read-address.ts';
import type { Seal } from '../privacy/seal.ts';
import { findUsersByAddress } from '../store/addresses.ts';
import { loadMerges } from '../store/merge/merged-users.ts';
import type { Recipient } from './request.ts';

/** The address of a recipient. */
export interface GivenAddress {
  readonly kind: AddressKind;
  readonly address: string;
}

/** The user behind a recipient. */
export interface ResolvedRecipient {
  readonly userId: string;
  /** Part of the id of its event: the same for the same recipient. */
  readonly name: string;
  /** Whether a user has the address that was given. Absent: it was given as a user. */
  readonly isLinked?: boolean;
  /** The address that was given; absent: it was given as a user. */
  readonly given?: GivenAddress;
}

/** A recipient without one user. */
export interface UnresolvedRecipient {
  readonly code: 'invalid_recipient' | 'ambiguous_address';
  readonly message: string;
}

/**
 * Finds the users of the recipients, in their order. An address belongs to the one user who has it, so that what that user chose
 * holds; if several have it, to none of them. One that no user has gets a user of its own, whose id is the address as well. Of
 * several users, those who were merged are the survivor, so that no user is asked for twice.
 * @param isWhole false: there are more recipients than these, of the same request
 */
export async function resolveRecipients(
  pool: pg.Pool,
  seal: Seal,
  tenantId: string,
  recipients: readonly Recipient[],
  isWhole = true,
): Promise<(ResolvedRecipient | UnresolvedRecipient)[]> {
  const given = recipients.map((recipient) => toAddress(recipient, seal));
  const hashes = given.flatMap((one, index) => {
    const hash = one === undefined ? getAddressHash(recipients[index]?.user_id) : 'hash' in one ? one.hash : undefined;
    return hash === undefined ? [] : [hash];
  });
  const found = hashes.length === 0 ? NONE : await findUsersByAddress(pool, tenantId, [...new Set(hashes)]);
  // One event of a user who was merged is decided as the survivor's anyway.
  const isOnlyOne = isWhole && recipients.length === 1;
  const survivors = isOnlyOne ? undefined : await findSurvivors(pool, tenantId, recipients);
  return given.map((address, index): ResolvedRecipient | UnresolvedRecipient => {
    const { user_id: userId = '' } = recipients[index] as Recipient;
    if (address === undefined) return toUser(userId, survivors, found);
    if (!('hash' in address)) return address;
    const { kind, hash, address: text } = address;
    const name = `${kind} ${hash}`;
    // A user who is known by the address alone has it until another one does.
    const [user, other] = (found.get(hash) ?? []).filter(
      (one) => one.kind === kind && getAddressHash(one.userId) === undefined,
    );
    if (user === undefined) {
      return { userId: ADDRESS_USER + hash, name, isLinked: false, given: { kind, address: text } };
    }
    if (other !== undefined) return AMBIGUOUS;
    return { userId: user.userId, name, isLinked: true, given: { kind, address: text } };
  });
}

type FoundUsers = ReadonlyMap<string, readonly { readonly userId: string; readonly kind: string }[]>;

const NONE: FoundUsers = new Map();

const AMBIGUOUS: UnresolvedRecipient = {
  code: 'ambiguous_address',
  message: 'Several users have this address; name one of them by user_id.',
};

async function findSurvivors(
  pool: pg.Pool,
  tenantId: string,
  recipients: readonly Recipient[],
): Promise<Awaited<ReturnType<typeof loadMerges>> | undefined> {
  const ids = recipients.flatMap(({ user_id: userId }) => (userId === undefined ? [] : [userId]));
  return ids.length === 0 ? undefined : loadMerges(pool, tenantId, [...new Set(ids)]);
}

function toUser(
  userId: string,
  survivors: Awaited<ReturnType<typeof findSurvivors>>,
  found: FoundUsers,
): ResolvedRecipient | UnresolvedRecipient {
  const name = `user ${userId}`;
  const hash = getAddressHash(userId);
  const holders = (hash === undefined ? [] : (found.get(hash) ?? [])).filter(
    (one) => getAddressHash(one.userId) === undefined,
  );
  const ids = new Set(holders.map((one) => one.userId));
  if (ids.size > 1) return AMBIGUOUS;
  const [holder = userId] = ids;
  return { userId: survivors?.get(holder)?.into ?? holder, name };
}

/** Returns the address of a recipient with its keyed hash; undefined: it is given as a user. */
function toAddress(
  { email, phone }: Recipient,
  seal: Seal,
): (GivenAddress & { readonly hash: string }) | UnresolvedRecipient | undefined {
  const kind = email === undefined ? 'phone' : 'email';
  const text = email ?? phone;
  if (text === undefined) return undefined;
  const read = readAddress(kind, text.trim());
  if ('problem' in read) return { code: 'invalid_recipient', message: `${kind} ${read.problem}` };
  return { kind, address: read.address, hash: seal.hash(toNormalAddress(kind, read.address)) };
}
