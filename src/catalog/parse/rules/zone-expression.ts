import { findNearest } from '../../../lib/text/did-you-mean.ts';
import type { Zone } from '../../../model/catalog.ts';
import { findZone } from '../../../time/zone.ts';
import type { ExpressionProblem } from './normalize-time.ts';

/** Parses `user` (or `user zone`), `UTC` or an IANA name; a name is returned in the spelling that Intl lists. */
export function parseZone(written: string): Zone | ExpressionProblem {
  const text = written.trim();
  if (/^((the )?user('s)? (own )?(time )?zone|user)$/i.test(text)) return 'user';
  if (/^utc$/i.test(text)) return 'UTC';
  const zones = Intl.supportedValuesOf('timeZone');
  const listed = zones.find((zone) => zone.toLowerCase() === text.toLowerCase());
  // The list omits names that exist, such as Asia/Kolkata. An offset is not a zone: it has no summer time.
  const known = findZone(text);
  if (known && !/^(?:utc|gmt)?[-+\u2212\d]/i.test(text)) return listed ?? (known.name === 'UTC' ? 'UTC' : text);
  const near = findNearest(text, zones) ?? findNearest(text, ['user', 'user zone']);
  return {
    message: `there is no time zone ${JSON.stringify(text.slice(0, 60).toWellFormed())}`,
    hint: near ? `did you mean ${near}?` : 'write user zone, UTC or an IANA name like Europe/Lisbon',
  };
}
