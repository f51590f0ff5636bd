import { findZone } from '../time/zone.ts';

/** Returns whether a text is a language tag (BCP 47). */
export function isKnownLocale(text: string): boolean {
  try {
    return Intl.getCanonicalLocales(text).length === 1;
  } catch {
    return false;
  }
}

/** Returns whether a text is the name of a time zone that this process knows. */
export function isKnownZone(text: string): boolean {
  return findZone(text) !== undefined;
}
