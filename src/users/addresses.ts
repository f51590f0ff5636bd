import type { Address, ReceivedEvent } from '../events/envelope.ts';
import {
  ADDRESS_TRAITS,
  type AddressKind,
  type Json,
  type JsonObject,
  type Millis,
  type Profile,
} from '../model/event.ts';
import { maskAddressTrait } from '../privacy/mask.ts';
import { toNormalAddress } from '../privacy/normal-address.ts';
import type { Seal, Sealed } from '../privacy/seal.ts';
import { isSameValue } from './profile.ts';

/** A row of `addresses` to write; `sealed` is null if the user no longer has an address of this kind. */
export interface AddressChange {
  readonly userId: string;
  readonly kind: string;
  readonly sealed: Sealed | null;
  /** No address of this kind was stored. */
  readonly isFirst: boolean;
  readonly hash: string;
  readonly mask: string;
}

type Hashes = { [kind: string]: string };

const NO_HASHES: Readonly<Hashes> = {};

/** Address changes of the users of a batch. As for traits, the address with the newest event time wins. */
export class AddressChanges {
  readonly #tenantId: string;
  readonly #stored: ReadonlyMap<string, Readonly<Hashes>>;
  readonly #seal: Seal;
  /** Current hashes of the users whose addresses changed, by user ID. */
  readonly #hashes = new Map<string, Hashes>();
  readonly #changed = new Map<string, { userId: string; address: Address; mask: string }>();

  constructor(tenantId: string, stored: ReadonlyMap<string, Readonly<Hashes>>, seal: Seal) {
    this.#tenantId = tenantId;
    this.#stored = stored;
    this.#seal = seal;
  }

  /** Returns the keyed hashes of the user's current addresses, by kind. */
  getHashes(userId: string): Readonly<Hashes> {
    return this.#hashes.get(userId) ?? this.#stored.get(userId) ?? NO_HASHES;
  }

  /**
   * Returns the traits whose times decide whether this event changes an address; empty if it repeats the known address.
   * @param profile the profile as stored
   */
  conflictingAddresses(profile: Profile, event: ReceivedEvent): string[] {
    const traits: string[] = [];
    for (const address of event.addresses) {
      const { kind, trait, mask } = address;
      const hash = this.#getHash(address);
      if (this.getHashes(event.userId)[kind] === hash && !isRespelled(hash, mask, profile.traits[trait])) continue;
      for (const name in ADDRESS_TRAITS) {
        if (ADDRESS_TRAITS[name] === kind && name in profile.traitTimes) traits.push(name);
      }
    }
    return traits;
  }

  /**
   * Applies the addresses of an event. Returns whether it changes one.
   * @param before, after the profile without and with the traits of the event
   */
  mergeAddresses(before: Profile, after: Profile, event: ReceivedEvent): boolean {
    let hasChanged = false;
    for (const address of event.addresses) {
      const { kind, trait, mask } = address;
      if (!isCurrentAddress(address, after, event.time)) continue;
      const hashes = this.getHashes(event.userId);
      const hash = this.#getHash(address);
      if (hashes[kind] === hash && !isRespelled(hash, mask, before.traits[trait])) continue;
      // Two addresses with the same mask and time: the greater hash wins, so that the order of arrival does not matter.
      const twin = before.traitTimes[trait] === event.time && isSameValue(mask, before.traits[trait]);
      if (twin && hash !== undefined && hash < (hashes[kind] ?? '')) continue;
      const { [kind]: _, ...others } = hashes;
      this.#hashes.set(event.userId, hash === undefined ? others : { ...others, [kind]: hash });
      this.#changed.set(`${kind} ${event.userId}`, { userId: event.userId, address, mask: String(mask ?? '') });
      hasChanged = true;
    }
    return hasChanged;
  }

  hasChanged(userId: string): boolean {
    return this.#hashes.has(userId);
  }

  getChanges(): AddressChange[] {
    return [...this.#changed.values()].map(({ userId, address, mask }) => {
      const { kind, value } = address;
      const sealed = value === null ? null : this.#seal.seal(value, addressAad(this.#tenantId, userId, kind));
      const isFirst = this.#stored.get(userId)?.[kind] === undefined;
      return { userId, kind, mask, sealed, isFirst, hash: this.#getHash(address) ?? '' };
    });
  }

  #getHash(address: Address): string | undefined {
    if (address.value !== null) address.hash ??= this.#seal.hash(toNormalAddress(address.kind, address.value));
    return address.hash;
  }
}

/** Whether an address of an event is that of its user afterwards. @param after the profile with the traits of the event */
export function isCurrentAddress({ kind, trait, mask }: Address, after: Profile, time: Millis): boolean {
  // The profile holds the mask of this event only if its time is the newest.
  if (after.traitTimes[trait] !== time || !isSameValue(mask, after.traits[trait])) return false;
  return trait === findNewestTrait(after, kind);
}

/** Whether an address that is known is shown in another way now: then its new spelling is the one that messages go to. */
function isRespelled(hash: string | undefined, mask: Json, known: Json | undefined): boolean {
  return hash !== undefined && known !== undefined && !isSameValue(mask, known);
}

/** Returns the trait that holds the user's address of this kind: the newest, and of equals the one listed first. */
function findNewestTrait(profile: Profile, kind: string): string | undefined {
  let newest: string | undefined;
  for (const trait in ADDRESS_TRAITS) {
    const time = profile.traitTimes[trait];
    if (ADDRESS_TRAITS[trait] !== kind || time === undefined) continue;
    if (newest === undefined || time > (profile.traitTimes[newest] as number)) newest = trait;
  }
  return newest;
}

/** Opens a sealed address. Returns undefined, and reports it to the seal, if it cannot be opened. */
export function openAddress(
  seal: Seal,
  sealed: Buffer,
  tenantId: string,
  userId: string,
  kind: string,
): string | undefined {
  try {
    return seal.open(sealed, addressAad(tenantId, userId, kind));
  } catch {
    seal.onUnreadable?.('addresses');
    return undefined;
  }
}

/** Returns the address traits of a profile that this address is the value of: those that have its mask. */
export function toAddressTraits(traits: JsonObject, kind: AddressKind, address: string): JsonObject {
  const mask = maskAddressTrait(kind, address);
  const found: [string, Json][] = [];
  for (const trait in ADDRESS_TRAITS) {
    if (ADDRESS_TRAITS[trait] === kind && traits[trait] === mask) found.push([trait, address]);
  }
  return Object.fromEntries(found);
}

/** Returns the additional authenticated data that binds a sealed address to its row. */
export function addressAad(tenantId: string, userId: string, kind: string): string {
  return `address\n${tenantId}\n${userId}\n${kind}`;
}
