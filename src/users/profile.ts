import type { Json, JsonObject, Millis, Profile } from '../model/event.ts';

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
    const value = traits[name] as Json;
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

/** Returns the traits of an event that would change the profile according to the stored trait times. */
export function conflictingTraits(profile: Profile, traits: JsonObject, time: Millis): string[] {
  return Object.keys(traits).filter((name) => {
    const known = profile.traitTimes[name];
    return known !== undefined && time >= known && !isSameValue(traits[name] as Json, profile.traits[name]);
  });
}

/** Whether a stored profile must be written again. A change of trait times alone is no reason: see refreshTraitTimes. */
export function needsWrite(before: Profile, after: Profile): boolean {
  return (
    before.traits !== after.traits &&
    Object.keys(after.traits).some((name) => !isSameValue(after.traits[name] as Json, before.traits[name]))
  );
}

/** Whether two JSON values are equal. */
export function isSameValue(a: Json, b: Json | undefined): boolean {
  return a === b || (typeof a === 'object' && a !== null && b !== undefined && JSON.stringify(a) === JSON.stringify(b));
}

function isGreaterText(value: Json, than: Json | undefined): boolean {
  return JSON.stringify(value) > JSON.stringify(than ?? null);
}
