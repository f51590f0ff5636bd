import type { Address, ReceivedEvent } from '../events/envelope.ts';
import { ADDRESS_TRAITS, type Profile } from '../model/event.ts';
import type { Seal, Sealed } from '../privacy/seal.ts';

/** A row of `addresses` to write; `sealed` null: the person has none any more. */
export interface AddressChange {
  readonly userId: string;
  readonly kind: string;
  readonly sealed: Sealed | null;
  readonly hash: string;
  readonly mask: string;
}

type Hashes = { [kind: string]: string };

const NONE: Readonly<Hashes> = {};

/** How the people of a batch can be reached: the newest event time wins, as for traits. */
export class AddressChanges {
  readonly #tenantId: string;
  readonly #stored: ReadonlyMap<string, Readonly<Hashes>>;
  readonly #seal: Seal;
  /** Of those whose addresses changed. */
  readonly #hashes = new Map<string, Hashes>();
  readonly #changed = new Map<string, { userId: string; address: Address; mask: string }>();

  constructor(tenantId: string, stored: ReadonlyMap<string, Readonly<Hashes>>, seal: Seal) {
    this.#tenantId = tenantId;
    this.#stored = stored;
    this.#seal = seal;
  }

  /** Keyed hashes of the person's present addresses, by kind. */
  hashes(userId: string): Readonly<Hashes> {
    return this.#hashes.get(userId) ?? this.#stored.get(userId) ?? NONE;
  }

  /**
   * The traits whose times decide whether this event changes an address: none where it says what is known already.
   * @param profile as it is stored
   */
  conflictingAddresses(profile: Profile, event: ReceivedEvent): string[] {
    const traits: string[] = [];
    for (const address of event.addresses) {
      const { kind } = address;
      if (this.hashes(event.userId)[kind] === this.#hashOf(address)) continue;
      for (const name in ADDRESS_TRAITS) {
        if (ADDRESS_TRAITS[name] === kind && name in profile.traitTimes) traits.push(name);
      }
    }
    return traits;
  }

  /** @param before, after the profile without and with the event's traits */
  merge(before: Profile, after: Profile, event: ReceivedEvent): void {
    for (const address of event.addresses) {
      const { kind, trait } = address;
      // The mask in the profile is this event's exactly when its time is the newest.
      if (after.traitTimes[trait] !== event.time || after.traits[trait] !== event.traits[trait]) continue;
      if (trait !== newestTrait(after, kind)) continue;
      const hashes = this.hashes(event.userId);
      const hash = this.#hashOf(address);
      if (hashes[kind] === hash) continue;
      // Two addresses of one mask and one instant: the greater hash wins, so that the order of arrival does not matter.
      const twin = before.traitTimes[trait] === event.time && before.traits[trait] === event.traits[trait];
      if (twin && hash !== undefined && hash < (hashes[kind] ?? '')) continue;
      const { [kind]: _, ...others } = hashes;
      this.#hashes.set(event.userId, hash === undefined ? others : { ...others, [kind]: hash });
      const mask = String(event.traits[trait] ?? '');
      this.#changed.set(`${kind} ${event.userId}`, { userId: event.userId, address, mask });
    }
  }

  hasChanged(userId: string): boolean {
    return this.#hashes.has(userId);
  }

  changed(): AddressChange[] {
    return [...this.#changed.values()].map(({ userId, address, mask }) => {
      const { kind, value } = address;
      const sealed = value === null ? null : this.#seal.seal(value, addressAad(this.#tenantId, userId, kind));
      return { userId, kind, mask, sealed, hash: this.#hashOf(address) ?? '' };
    });
  }

  #hashOf(address: Address): string | undefined {
    if (address.value !== null) address.hash ??= this.#seal.hash(address.value);
    return address.hash;
  }
}

/** Of the traits that may name an address of this kind, the one that says it: the newest, the first listed of equals. */
function newestTrait(profile: Profile, kind: string): string | undefined {
  let newest: string | undefined;
  for (const trait in ADDRESS_TRAITS) {
    const time = profile.traitTimes[trait];
    if (ADDRESS_TRAITS[trait] !== kind || time === undefined) continue;
    if (newest === undefined || time > (profile.traitTimes[newest] as number)) newest = trait;
  }
  return newest;
}

/** Binds a sealed address to its row. */
export function addressAad(tenantId: string, userId: string, kind: string): string {
  return `address\n${tenantId}\n${userId}\n${kind}`;
}
