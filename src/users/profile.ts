import type { Json, JsonObject, Millis, Profile } from '../model/event.ts';

/**
 * The profile after one more event: per trait, the value with the newest event time wins, so the order of arrival does
 * not matter. Two values of the same instant: the greater text wins, for the same reason.
 */
export function mergeTraits(profile: Profile, traits: JsonObject, time: Millis): Profile {
  let values: JsonObject | undefined;
  let times: { [trait: string]: Millis } | undefined;
  for (const name of Object.keys(traits)) {
    const known = profile.traitTimes[name];
    const value = traits[name] as Json;
    if (known !== undefined && (time < known || (time === known && !isGreater(value, profile.traits[name])))) continue;
    times ??= { ...profile.traitTimes };
    times[name] = time;
    // What is said again is the value that is known.
    if (value === profile.traits[name]) continue;
    values ??= { ...profile.traits };
    values[name] = value;
  }
  return times === undefined ? profile : { traits: values ?? profile.traits, traitTimes: times };
}

/** The traits of an event that would change the profile, by the times that are stored with it. */
export function conflictingTraits(profile: Profile, traits: JsonObject, time: Millis): string[] {
  return Object.keys(traits).filter((name) => {
    const known = profile.traitTimes[name];
    return known !== undefined && time >= known && !isSameValue(traits[name] as Json, profile.traits[name]);
  });
}

/** Whether what is stored of a profile must be written again. Its times alone are no reason: see confirmTraitTimes. */
export function hasChanged(before: Profile, after: Profile): boolean {
  return (
    before.traits !== after.traits &&
    Object.keys(after.traits).some((name) => !isSameValue(after.traits[name] as Json, before.traits[name]))
  );
}

/** A value that is said again is no change. */
export function isSameValue(a: Json, b: Json | undefined): boolean {
  return a === b || (typeof a === 'object' && a !== null && b !== undefined && JSON.stringify(a) === JSON.stringify(b));
}

function isGreater(value: Json, than: Json | undefined): boolean {
  return JSON.stringify(value) > JSON.stringify(than ?? null);
}
