/**
 * The addresses of a user as decisions compare them with those that consents are bound to: by their keyed hash. Two addresses
 * may have one mask, so a mask never decides; it stands in for an address only where a replay has nothing else.
 */

import type { Address } from '../events/envelope.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Channel } from '../model/delivery.ts';
import { type Event, getAddressKind, type JsonObject, type Profile } from '../model/event.ts';
import type { ConsentBinding } from '../model/terms.ts';
import { isMask, maskAddressTrait } from '../privacy/mask.ts';
import { toNormalAddress } from '../privacy/normal-address.ts';
import { isCurrentAddress } from './addresses.ts';
import { getAddressMask } from './profile.ts';

/** Keyed hashes of the addresses that the traits of a user have, by kind. */
export interface AddressIds {
  /** A kind is absent if the user has no such address, and null if the replay does not know which one it was. */
  readonly byKind: { readonly [kind: string]: string | null };
  /**
   * Present in a replay: hashes of the addresses that the user has at its end, by kind and mask, as `toMaskName` names them.
   */
  readonly ofMasks?: ReadonlyMap<string, string>;
}

/** Returns the name of a mask in `ofMasks`. */
export function toMaskName(kind: string, mask: unknown): string {
  return `${kind} ${String(mask)}`;
}

/**
 * Returns the addresses of a user after an event. An event of a replay that was stored with a mask repeats the known address,
 * if the mask is the same: an event that changes an address is stored with it.
 * @param before, after the profile without and with the traits of the event
 * @param keyed the keyed hash of a text
 */
export function mergeAddressIds(
  ids: AddressIds,
  before: Profile,
  after: Profile,
  event: Pick<Event, 'traits' | 'time'> & { readonly addresses?: readonly Address[] },
  keyed: (text: string) => string,
): AddressIds {
  const { time } = event;
  let merged = ids;
  for (const address of event.addresses ?? readAddresses(event.traits)) {
    const { kind, trait, value, mask } = address;
    if (!isCurrentAddress(address, after, time)) continue;
    const known = merged.byKind[kind];
    const isSame = before.traits[trait] === mask;
    if (value === null) {
      const { [kind]: _, ...others } = merged.byKind;
      merged = { ...merged, byKind: others };
    } else if (isMask(value)) {
      if (isSame && known) continue;
      merged = withId(merged, kind, merged.ofMasks?.get(toMaskName(kind, mask)) ?? null);
    } else {
      const id = keyed(toNormalAddress(kind, value));
      // The greater hash of two addresses with the same mask and time wins: see `AddressChanges`.
      if (id === known || (isSame && before.traitTimes[trait] === time && id < (known ?? ''))) continue;
      merged = withId(merged, kind, id);
    }
  }
  return merged;
}

/** Returns the addresses of a stored event: as posted, or the masks that it was stored with. */
function readAddresses(traits: JsonObject): readonly Address[] {
  return Object.keys(traits).flatMap((trait) => {
    const kind = getAddressKind(trait);
    if (!kind) return [];
    const posted = traits[trait] ?? null;
    const text = typeof posted === 'number' ? String(posted) : posted;
    const value = typeof text === 'string' && text.trim() !== '' ? text.trim() : null;
    return [{ kind, trait, value, posted, mask: maskAddressTrait(kind, posted), hash: undefined }];
  });
}

function withId(ids: AddressIds, kind: string, id: string | null): AddressIds {
  return { ...ids, byKind: { ...ids.byKind, [kind]: id } };
}

/**
 * Returns whether the address of a channel is the one that a consent is bound to.
 * @param ids undefined: no consent is compared under this catalog
 */
export function isBoundTo(
  ids: AddressIds | undefined,
  profile: Profile,
  channel: Channel,
  { hash, traitHash = hash, mask }: ConsentBinding,
): boolean {
  const kind = CHANNEL_DESCRIPTORS[channel].addressKind;
  if (kind === undefined) return true;
  const id = ids?.byKind[kind];
  if (ids && id !== null && traitHash !== undefined) return (id ?? '') === traitHash;
  return mask === undefined || getAddressMask(profile, kind) === mask;
}
