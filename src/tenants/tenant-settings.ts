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

/** Returns whether a text is a sender: an address, or a name before an address in angle brackets. No line breaks. */
export function isMailbox(text: string): boolean {
  return (
    text.length <= 320 &&
    /^(?:[^<>\p{Cc}"]{1,200}\s*<[^<>\s@\p{Cc}]+@[^<>\s@\p{Cc}]+>|[^<>\s@\p{Cc}]+@[^<>\s@\p{Cc}]+)$/u.test(text)
  );
}
