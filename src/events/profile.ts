import type { Json, JsonObject, Millis, Profile } from '../model.ts';

/**
 * The profile after one more event: per trait, the value with the newest event time wins, so the order of arrival does
 * not matter. Two values of the same instant: the greater text wins, for the same reason.
 */
export function mergeTraits(profile: Profile, traits: JsonObject, time: Millis): Profile {
  const names = Object.keys(traits);
  if (names.length === 0) return profile;
  const values: JsonObject = { ...profile.traits };
  const times: { [trait: string]: Millis } = { ...profile.traitTimes };
  let changed = false;
  for (const name of names) {
    const known = times[name];
    const value = traits[name] as Json;
    if (known !== undefined && (time < known || (time === known && !isGreater(value, values[name])))) continue;
    values[name] = value;
    times[name] = time;
    changed = true;
  }
  return changed ? { traits: values, traitTimes: times } : profile;
}

/** The traits of an event that would change the profile, by the times that are stored with it. */
export function contestedTraits(profile: Profile, traits: JsonObject, time: Millis): string[] {
  return Object.keys(traits).filter((name) => {
    const known = profile.traitTimes[name];
    return known !== undefined && time >= known && !isSame(traits[name] as Json, profile.traits[name]);
  });
}

/** Whether what is stored of a profile must be written again. Its times alone are no reason: see confirmTraitTimes. */
export function isChanged(before: Profile, after: Profile): boolean {
  return (
    before !== after &&
    Object.keys(after.traits).some((name) => !isSame(after.traits[name] as Json, before.traits[name]))
  );
}

function isSame(a: Json, b: Json | undefined): boolean {
  return a === b || (typeof a === 'object' && a !== null && b !== undefined && JSON.stringify(a) === JSON.stringify(b));
}

function isGreater(value: Json, than: Json | undefined): boolean {
  return JSON.stringify(value) > JSON.stringify(than ?? null);
}
