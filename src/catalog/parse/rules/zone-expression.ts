import { findNearest } from '../../../lib/did-you-mean.ts';
import type { Zone } from '../../../model/catalog.ts';
import type { Mistake } from './normalize-time.ts';

/** Parses `user` (or `user zone`), `UTC` or an IANA name; a name is returned in the spelling that Intl lists. */
export function parseZone(written: string): Zone | Mistake {
  const text = written.trim();
  if (/^((the )?user('s)? (own )?(time )?zone|user)$/i.test(text)) return 'user';
  if (/^utc$/i.test(text)) return 'UTC';
  const zones = Intl.supportedValuesOf('timeZone');
  const listed = zones.find((zone) => zone.toLowerCase() === text.toLowerCase());
  if (listed !== undefined) return listed;
  // Intl also knows names that its list omits, such as Asia/Kolkata. An offset is not a zone: it has no summer time.
  if (/^[A-Za-z]/.test(text) && isKnownToIntl(text)) return text;
  const near = findNearest(text, zones) ?? findNearest(text, ['user', 'user zone']);
  return {
    message: `there is no time zone ${JSON.stringify(text.slice(0, 60).toWellFormed())}`,
    hint: near ? `did you mean ${near}?` : 'write user zone, UTC or an IANA name like Europe/Lisbon',
  };
}

function isKnownToIntl(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
