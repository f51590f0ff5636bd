import {
  ADDRESS_TRAITS,
  type AddressKind,
  getAddressKind,
  type Json,
  type JsonObject,
  type Millis,
  type Profile,
} from '../model/event.ts';
import { maskAddressTrait, maskDocument, maskText } from '../privacy/mask.ts';

/**
 * Merges the traits of an event into a profile. Per trait, the value with the newest event time wins; at the same time the
 * value with the greater JSON text. The order of arrival therefore does not matter. Returns the profile itself if nothing
 * changes.
 */
export function mergeTraits(profile: Profile, traits: JsonObject, time: Millis): Profile {
  let values: JsonObject | undefined;
  let times: { [trait: string]: Millis } | undefined;
  for (const name of Object.keys(traits)) {
    const knownTime = profile.traitTimes[name];
    const value = toProfileValue(name, traits[name] as Json);
    if (
      knownTime !== undefined &&
      (time < knownTime || (time === knownTime && !isGreaterText(value, profile.traits[name])))
    )
      continue;
    times ??= { ...profile.traitTimes };
    times[name] = time;
    // An equal value keeps the known object.
    if (value === profile.traits[name]) continue;
    values ??= { ...profile.traits };
    values[name] = value;
  }
  return times === undefined ? profile : { traits: values ?? profile.traits, traitTimes: times };
}

/**
 * Returns one profile of two users: of each trait the newest value; at the same time the greater JSON text.
 * @param kept kinds of addresses that the survivor has: traits with such an address stay as they are
 */
export function uniteProfiles(survivor: Profile, other: Profile, kept: ReadonlySet<string>): Profile {
  const traits = { ...survivor.traits };
  const traitTimes = { ...survivor.traitTimes };
  for (const [name, value] of Object.entries(other.traits)) {
    const kind = getAddressKind(name);
    if (kind && kept.has(kind)) continue;
    const [time, known] = [other.traitTimes[name] ?? 0, traitTimes[name]];
    if (known !== undefined && (time < known || (time === known && !isGreaterText(value, traits[name])))) continue;
    traits[name] = value;
    traitTimes[name] = time;
  }
  return { traits, traitTimes };
}

/** Returns the value of a trait as profiles have it: of an address the mask. */
function toProfileValue(trait: string, value: Json): Json {
  const kind = getAddressKind(trait);
  return kind ? maskAddressTrait(kind, value) : value;
}

/** Returns the traits of an event that would change the profile according to the stored trait times. */
export function conflictingTraits(profile: Profile, traits: JsonObject, time: Millis): string[] {
  return Object.keys(traits).filter((name) => {
    const known = profile.traitTimes[name];
    return (
      known !== undefined &&
      time >= known &&
      !isSameValue(toProfileValue(name, traits[name] as Json), profile.traits[name])
    );
  });
}

/**
 * Whether a stored profile must be written again. A change of trait times alone is no reason: those of later events are
 * looked up when they matter.
 */
export function needsWrite(before: Profile, after: Profile): boolean {
  return (
    before.traits !== after.traits &&
    Object.keys(after.traits).some((name) => !isSameValue(after.traits[name] as Json, before.traits[name]))
  );
}

/** Returns the profile as it may be shown: with addresses masked, or the profile itself if nothing in it is masked. */
export function maskProfile(profile: Profile): Profile {
  const traits = maskDocument(profile.traits);
  if (traits === profile.traits) return profile;
  const times = Object.entries(profile.traitTimes).map(([trait, time]) => [maskText(trait), time] as const);
  return { traits, traitTimes: Object.fromEntries(times) };
}

/** Whether two JSON values are equal. */
export function isSameValue(a: Json, b: Json | undefined): boolean {
  return a === b || (typeof a === 'object' && a !== null && b !== undefined && JSON.stringify(a) === JSON.stringify(b));
}

function isGreaterText(value: Json, than: Json | undefined): boolean {
  return JSON.stringify(value) > JSON.stringify(than ?? null);
}

/** Returns the mask of the current address of a kind: that of the newest trait, and of equals the one listed first. */
export function getAddressMask({ traits, traitTimes }: Profile, kind: AddressKind): Json | undefined {
  let newest: string | undefined;
  for (const trait in ADDRESS_TRAITS) {
    if (ADDRESS_TRAITS[trait] !== kind || !(trait in traits)) continue;
    if (newest === undefined || (traitTimes[trait] ?? 0) > (traitTimes[newest] ?? 0)) newest = trait;
  }
  return newest === undefined ? undefined : traits[newest];
}
