import { compareForDecision } from '../../events/emitted.ts';
import { ADDRESS_TRAITS, type Millis, type Profile } from '../../model/event.ts';
import type { Ids } from '../../rules/facts.ts';
import type { StoredEvent, StoredHistory } from '../../store/replay.ts';
import { type AddressIds, mergeAddressIds, toMaskName } from '../../users/address-ids.ts';
import { getAddressMask, mergeTraits } from '../../users/profile.ts';

/** The traits and addresses of a user before a replay begins. */

const ADDRESS_KINDS = [...new Set(Object.values(ADDRESS_TRAITS))];

/** Returns the traits that are older than every stored event. */
export function traitsBeforeHistory({ traits, traitTimes }: Profile, events: readonly StoredEvent[]): Profile {
  const oldest = events[0]?.time ?? Number.POSITIVE_INFINITY;
  const names = Object.keys(traits).filter((name) => (traitTimes[name] ?? 0) < oldest);
  if (names.length === 0) return { traits: {}, traitTimes: {} };
  return {
    traits: Object.fromEntries(names.map((name) => [name, traits[name] ?? null])),
    traitTimes: Object.fromEntries(names.map((name) => [name, traitTimes[name] ?? 0])),
  };
}

/**
 * Returns the addresses that the user had at the start of a replay, as far as they are known. They are
 * followed in the order of arrival: an event that repeats the known address is stored with its mask.
 */
export function restoreAddressIds(
  { profile: last, addressHashes, events }: StoredHistory,
  start: Millis,
  ids: Pick<Ids, 'keyed'>,
): AddressIds {
  const ofMasks = new Map(
    ADDRESS_KINDS.flatMap((kind) => {
      const hash = addressHashes[kind];
      return hash === undefined ? [] : [[toMaskName(kind, getAddressMask(last, kind)), hash] as const];
    }),
  );
  let profile = traitsBeforeHistory(last, events);
  const known = ADDRESS_KINDS.flatMap((kind) => {
    const mask = getAddressMask(profile, kind);
    return typeof mask === 'string' ? [[kind, ofMasks.get(toMaskName(kind, mask)) ?? null] as const] : [];
  });
  let restored: AddressIds = { byKind: Object.fromEntries(known), ofMasks };
  const earlier = events.filter(({ receivedAt }) => receivedAt < start);
  for (const event of earlier.sort((a, b) => a.receivedAt - b.receivedAt || compareForDecision(a, b))) {
    const after = mergeTraits(profile, event.traits, event.time);
    restored = mergeAddressIds(restored, profile, after, event, (text) => ids.keyed(text));
    profile = after;
  }
  return restored;
}
