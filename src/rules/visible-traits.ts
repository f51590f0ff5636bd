/**
 * The traits of a user as rules see them. A profile has masks for the addresses of its user, which are stored sealed beside
 * it; a rule that reads one must see it as it was posted.
 */

import { getAddressKind, type Json, type JsonObject, type Millis } from '../model/event.ts';
import { isMask } from '../privacy/mask.ts';
import { mergeTraits } from '../users/profile.ts';
import type { UserState } from './user-state.ts';

type Traits = Pick<UserState, 'profile' | 'addresses'>;

/** Returns an address as it is stored, so that a user is the same before and after: as text, without blanks around it. */
function normalizeAddress(posted: Json): Json {
  const text = typeof posted === 'number' ? String(posted) : posted;
  return typeof text === 'string' ? text.trim() || null : text;
}

/** Returns the traits of the profile, with the addresses that are known as they were posted. */
export function visibleTraits({ profile, addresses }: Traits): JsonObject {
  return addresses ? { ...profile.traits, ...addresses } : profile.traits;
}

/** Merges the traits of an event into a copy of the profile and its addresses. */
export function mergeVisibleTraits(
  { profile: before, addresses: known }: Traits,
  traits: JsonObject,
  time: Millis,
): Traits {
  const profile = mergeTraits(before, traits, time);
  if (known === undefined) return { profile, addresses: known };
  let addresses = known;
  for (const trait of Object.keys(traits)) {
    if (getAddressKind(trait) === undefined || profile.traitTimes[trait] !== time) continue;
    const posted = traits[trait] ?? null;
    // A mask stands for the address that is known by it: the event was stored without its original.
    if (isMask(posted) && before.traits[trait] === posted) continue;
    addresses = { ...addresses, [trait]: normalizeAddress(posted) };
  }
  return { profile, addresses };
}
